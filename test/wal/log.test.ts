import t from 'tap';
import { openLog } from '../../src/wal/log.ts';
import type { LogStore } from '../../src/wal/log-store.ts';
import { MemoryDisk } from '../support/memory-disk.ts';
import { settle, VirtualClock } from '../support/virtual-clock.ts';
import {
  DIRECTORY,
  entries,
  entry,
  FOUNDING,
  hardState,
  openSmall,
  recovered,
  seen,
  start,
} from './support/logs.ts';

async function founded(disk: MemoryDisk): Promise<LogStore> {
  const log = await openSmall(disk);
  await log.restart(FOUNDING, false);
  return log;
}

t.test('log: a new directory holds no start, no entries and a zero hard state', async (t) => {
  const log = await openSmall(new MemoryDisk());
  t.strictSame(log.recovered, {
    start: null,
    hardState: hardState(0, 0, 0),
    entries: [],
    sealed: false,
    tornBytes: 0,
    repaired: null,
  });
});

t.test(
  'log: what was appended is there after a clean stop, of every type and over many segments',
  async (t) => {
    const disk = new MemoryDisk();
    const log = await founded(disk);
    for (let i = 1; i <= 40; i++)
      await log.append({ hardState: hardState(1, 2, i - 1), entries: [entry(i)] });
    const vote = { index: 41, term: 9, type: 'conf-change-v2', data: new Uint8Array(0) } as const;
    const large = { index: 42, term: 9, type: 'conf-change', data: new Uint8Array(100_000).fill(7) } as const;
    await log.append({ hardState: hardState(9, Number.MAX_SAFE_INTEGER, 40), entries: [vote, large] });
    await log.seal();
    const again = await recovered(disk);
    t.ok(again.sealed);
    t.strictSame(again.start, FOUNDING);
    t.strictSame(again.hardState, hardState(9, Number.MAX_SAFE_INTEGER, 40));
    t.strictSame(again.entries.map(({ type, index }) => `${index} ${type}`).slice(39), [
      '40 normal',
      '41 conf-change-v2',
      '42 conf-change',
    ]);
    t.equal(Buffer.compare(again.entries[41]?.data ?? new Uint8Array(0), large.data), 0);
    t.ok(disk.files().length > 3, 'there are several segments');
  },
);

t.test('log: entries replace those from the first one’s index on', async (t) => {
  const disk = new MemoryDisk();
  const log = await founded(disk);
  await log.append({ hardState: null, entries: entries(1, 30) });
  await log.append({ hardState: hardState(2), entries: entries(11, 12, 2) });
  await log.append({ hardState: null, entries: entries(13, 13, 2) });
  await log.close();
  const { entries: found } = await recovered(disk);
  t.strictSame(
    found.map((e) => e.term),
    [...new Array(10).fill(1), 2, 2, 2],
  );
});

t.test('log: everything that waits while a sync runs shares the next one', async (t) => {
  const disk = new MemoryDisk();
  const clock = new VirtualClock();
  const calls: number[] = [];
  const log = await openLog({
    disk,
    directory: DIRECTORY,
    clock,
    onRound: (round) => calls.push(round.calls),
  });
  await log.restart(FOUNDING, false);
  let release = (): void => {
    t.fail('no sync was held up');
  };
  disk.before = (operation) =>
    operation.kind === 'sync' && operation.path.endsWith('.log')
      ? new Promise((resolve) => {
          release = resolve;
        })
      : undefined;
  const order: number[] = [];
  const appends = entries(1, 50).map((e, i) =>
    log.append({ hardState: null, entries: [e] }).then(() => order.push(i)),
  );
  await settle();
  const later = entries(51, 100).map((e, i) =>
    log.append({ hardState: null, entries: [e] }).then(() => order.push(50 + i)),
  );
  t.strictSame(order, [], 'nothing is acknowledged before the sync');
  disk.before = null;
  release();
  await Promise.all([...appends, ...later]);
  t.strictSame(calls, [1, 50, 50], 'three rounds: founding, what came first, what waited');
  t.strictSame(
    order,
    order.map((_, i) => i),
    'acknowledged in order',
  );
});

t.test('log: an append without content is acknowledged after those before it', async (t) => {
  const log = await founded(new MemoryDisk());
  const order: string[] = [];
  const first = log.append({ hardState: null, entries: [entry(1)] }).then(() => order.push('entry'));
  await log.append({ hardState: null, entries: [] }).then(() => order.push('nothing'));
  await first;
  t.strictSame(order, ['entry', 'nothing']);
});

for (const kind of ['write', 'sync'] as const) {
  t.test(
    `log: after one failed ${kind} every append is refused, although the disk works again`,
    async (t) => {
      const disk = new MemoryDisk();
      const log = await founded(disk);
      await log.append({ hardState: null, entries: entries(1, 3) });
      const broken = new Error('EIO');
      disk.before = (operation) => {
        if (operation.kind === kind) throw broken;
      };
      const first = log.append({ hardState: null, entries: [entry(4)] });
      const second = log.append({ hardState: hardState(5), entries: [] });
      await t.rejects(first, { code: 'DISK_FAILED', cause: broken });
      await t.rejects(second, { code: 'DISK_FAILED', cause: broken });
      disk.before = null;
      await t.rejects(log.append({ hardState: null, entries: [entry(4)] }), {
        code: 'DISK_FAILED',
        cause: broken,
      });
      await t.rejects(log.restart(start(2), true), { code: 'DISK_FAILED' });
      await t.rejects(log.seal(), { code: 'DISK_FAILED' });
      t.notOk(disk.files().includes(`${DIRECTORY}/seal`), 'a failed log is not sealed');
    },
  );
}

t.test('log: what a failed sync left unwritten is durable once it was recovered', async (t) => {
  const disk = new MemoryDisk();
  const log = await founded(disk);
  await log.append({ hardState: null, entries: entries(1, 3) });
  disk.before = (operation) => {
    if (operation.kind === 'sync') throw new Error('EIO');
  };
  await t.rejects(log.append({ hardState: null, entries: [entry(4)] }));
  await log.close();
  disk.before = null;
  // The process restarts on the same machine: it reads entry 4, which is only in the cache that believes itself clean.
  const found = seen(await recovered(disk));
  const afterPowerCut = seen(await recovered(disk.crash({ kind: 'synced-only' })));
  t.strictSame(afterPowerCut, found);
});

t.test('log: a compaction drops the segments below it, and nothing at or above', async (t) => {
  const disk = new MemoryDisk();
  const log = await founded(disk);
  for (let i = 1; i <= 60; i++) await log.append({ hardState: hardState(1, 1, i - 1), entries: [entry(i)] });
  const bytesBefore = log.bytes;
  const filesBefore = disk.files().length;
  await log.restart(start(40), true);
  await log.append({ hardState: null, entries: [entry(61)] });
  await log.seal();
  t.ok(log.bytes < bytesBefore / 2, 'the log is smaller');
  t.ok(disk.files().length < filesBefore, 'and has fewer files');
  const after = await recovered(disk);
  t.strictSame(after.start, start(40));
  t.strictSame(
    after.entries.map((e) => e.index),
    Array.from({ length: 21 }, (_, i) => 41 + i),
  );
  t.strictSame(after.hardState, hardState(1, 1, 59), 'the hard state is repeated in the new segment');
});

t.test('log: an installed snapshot empties the log, and the log goes on after it', async (t) => {
  const disk = new MemoryDisk();
  const log = await founded(disk);
  await log.append({ hardState: hardState(1), entries: entries(1, 50) });
  await log.restart(start(500, 7), false);
  await log.append({ hardState: hardState(7), entries: entries(501, 502, 7) });
  await log.seal();
  const after = await recovered(disk);
  t.strictSame(after.start, start(500, 7));
  t.strictSame(
    after.entries.map((e) => e.index),
    [501, 502],
  );
});

t.test('log: entries that do not join, or replace compacted ones, are a fault of the caller', async (t) => {
  const log = await founded(new MemoryDisk());
  await log.append({ hardState: null, entries: entries(1, 10) });
  await log.restart(start(5), true);
  await t.rejects(log.append({ hardState: null, entries: [entry(12)] }), /invariant/);
  await t.rejects(log.append({ hardState: null, entries: [entry(5)] }), /invariant/);
  await t.rejects(log.append({ hardState: null, entries: [entry(11), entry(13)] }), /invariant/);
  await t.rejects(log.restart(start(11), true), /invariant/);
  await t.resolves(log.append({ hardState: null, entries: [entry(11)] }), 'and nothing of it was taken');
});

t.test('log: another log’s directory is refused when the identity is known', async (t) => {
  const disk = new MemoryDisk();
  const log = await openLog({ disk, directory: DIRECTORY, identity: 11 });
  await log.restart(FOUNDING, false);
  await log.seal();
  await t.rejects(openLog({ disk, directory: DIRECTORY, identity: 12 }), {
    code: 'DATA_DAMAGED',
    message: /belongs to another data directory/,
  });
  await t.resolves(openLog({ disk, directory: DIRECTORY, identity: 11 }));
});

t.test('log: the seal is gone before the first write after it', async (t) => {
  const disk = new MemoryDisk();
  const log = await founded(disk);
  await log.seal();
  const again = await openSmall(disk);
  t.ok(disk.files().includes(`${DIRECTORY}/seal`), 'opening alone keeps it');
  const operations: string[] = [];
  disk.before = ({ kind, path }) => {
    operations.push(`${kind} ${path}`);
  };
  await again.append({ hardState: null, entries: [entry(1)] });
  const firstWrite = operations.findIndex((operation) => operation.startsWith('write'));
  t.strictSame(operations.slice(0, 2), [`remove ${DIRECTORY}/seal`, `sync-directory ${DIRECTORY}`]);
  t.ok(firstWrite > 1);
  disk.before = null;
  await again.close();
  t.notOk((await recovered(disk)).sealed);
});

t.test('log: a log that was only opened stays sealed', async (t) => {
  const disk = new MemoryDisk();
  await (await founded(disk)).seal();
  await (await openSmall(disk)).seal();
  t.ok((await recovered(disk)).sealed);
});
