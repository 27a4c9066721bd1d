/** A damaged log that a whole state covers: begun anew only when it is certain that nothing was promised behind its end. */
import t from 'tap';
import { LogDamage } from '../../src/wal/damage.ts';
import { openLog } from '../../src/wal/log.ts';
import type { LogStart } from '../../src/wal/log-store.ts';
import { MemoryDisk } from '../support/memory-disk.ts';
import { entry, FOUNDING, hardState, openSmall, start } from './support/logs.ts';

const SEAL = 'wal/seal';

function openCovered(disk: MemoryDisk, covered: LogStart): ReturnType<typeof openLog> {
  return openLog({ disk, directory: 'wal', covered });
}

/** Stopped cleanly at entry 10 of term 1; then, in a segment of its own, a vote in term 7, and stopped cleanly again. */
async function sealedTwice(): Promise<{ readonly disk: MemoryDisk; readonly firstSeal: Uint8Array }> {
  const disk = new MemoryDisk();
  let log = await openSmall(disk, 1_000_000);
  await log.restart(FOUNDING, false);
  for (let i = 1; i <= 10; i++) await log.append({ hardState: hardState(1, 1, i - 1), entries: [entry(i)] });
  await log.seal();
  const firstSeal = disk.contentOf(SEAL);
  log = await openSmall(disk, 1_000_000);
  await log.restart(start(5), true);
  await log.append({ hardState: hardState(7, 3, 10), entries: [] });
  await log.seal();
  return { disk, firstSeal };
}

t.test('covered: a stale seal does not take back a vote in a later segment', async (t) => {
  const { disk, firstSeal } = await sealedTwice();
  disk.plant(SEAL, firstSeal);
  await t.rejects(openCovered(disk, start(10)), LogDamage);
});

t.test(
  'covered: damage to an older segment leaves the newest vote and the entries that the state lacks',
  async (t) => {
    const { disk } = await sealedTwice();
    const [oldest = ''] = disk.files().filter((path) => path !== SEAL);
    disk.plant(oldest, disk.contentOf(oldest).subarray(0, 100));
    const log = await openCovered(disk, start(10));
    const { hardState: votes, start: begin, entries, repaired } = log.recovered;
    t.strictSame([votes, begin?.index, entries.length], [hardState(7, 3, 10), 10, 0]);
    t.match(repaired, oldest);
    await log.close();
    const again = await openSmall(disk);
    t.strictSame(again.recovered.hardState, hardState(7, 3, 10), 'the same after another start');
    await again.close();
  },
);

t.test('covered: a state of another history is no reason to begin anew', async (t) => {
  const disk = new MemoryDisk();
  const log = await openSmall(disk, 300);
  await log.restart(FOUNDING, false);
  for (let i = 1; i <= 10; i++) await log.append({ hardState: hardState(1, 1, i - 1), entries: [entry(i)] });
  await log.seal();
  const [oldest = ''] = disk.files().filter((path) => path !== SEAL);
  disk.plant(oldest, disk.contentOf(oldest).subarray(0, 100));
  await t.rejects(openCovered(disk, start(10, 2)), LogDamage);
  await (await openCovered(disk, start(10))).close();
});
