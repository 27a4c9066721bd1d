import t from 'tap';
import { crc32c } from '../../src/base/crc.ts';
import { seededRandom } from '../../src/base/prng.ts';
import { LogDamage } from '../../src/wal/damage.ts';
import { MemoryDisk } from '../support/memory-disk.ts';
import {
  entries,
  entry,
  FOUNDING,
  hardState,
  openSmall,
  recovered,
  type Seen,
  seen,
  start,
} from './support/logs.ts';

type Files = ReadonlyMap<string, Uint8Array>;

interface Sample {
  readonly files: Files;
  readonly content: Seen;
  /** The files as they were sealed some appends earlier. */
  readonly earlier: Files;
  /** Where the last round begins in the last segment. */
  readonly lastRound: number;
  readonly lastSegment: string;
}

/** A log with a compaction, an overwritten end and five segments. */
async function sample(end: 'seal' | 'close'): Promise<Sample> {
  const disk = new MemoryDisk();
  let log = await openSmall(disk);
  await log.restart(FOUNDING, false);
  for (let i = 1; i <= 20; i++) await log.append({ hardState: hardState(1, 1, i - 1), entries: [entry(i)] });
  await log.restart(start(15), true);
  await log.append({ hardState: null, entries: entries(21, 30) });
  await log.seal();
  const earlier = filesOf(disk);
  log = await openSmall(disk);
  let lastRound = 0;
  let lastSegment = '';
  disk.before = ({ kind, path, offset, bytes }) => {
    if (kind !== 'write' || bytes[0] === undefined || bytes.every((byte) => byte === 0)) return;
    lastRound = offset;
    lastSegment = path;
  };
  await log.append({ hardState: hardState(2, 2, 20), entries: entries(28, 29, 2) });
  for (let i = 30; i <= 43; i++) await log.append({ hardState: null, entries: [entry(i, 2)] });
  if (end === 'seal') await log.seal();
  else await log.close();
  disk.before = null;
  const files = filesOf(disk);
  return { files, earlier, lastRound, lastSegment, content: seen(await recovered(diskOf(files))) };
}

function filesOf(disk: MemoryDisk): Files {
  return new Map(disk.files().map((path) => [path, disk.contentOf(path)]));
}

function diskOf(files: Files, changed: ReadonlyMap<string, Uint8Array | null> = new Map()): MemoryDisk {
  const disk = new MemoryDisk();
  for (const [path, content] of [...files, ...changed]) disk.plant(path, content);
  return disk;
}

/** Null when the damage is refused or without effect; otherwise what went wrong. */
async function consequence(
  sample: Sample,
  changed: ReadonlyMap<string, Uint8Array | null>,
): Promise<string | null> {
  try {
    const found = seen(await recovered(diskOf(sample.files, changed)));
    return JSON.stringify(found) === JSON.stringify(sample.content)
      ? null
      : `recovered ${found.entries.length} entries`;
  } catch (error) {
    if (error instanceof LogDamage && error.code === 'DATA_DAMAGED' && error.message.includes(error.file))
      return null;
    return `${error}`;
  }
}

function flipped(content: Uint8Array, at: number): Uint8Array {
  const copy = content.slice();
  copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
  return copy;
}

/** Bytes between the places that are damaged; prime, so that every field of some record is hit. */
const STRIDE = 7;

const sealed = await sample('seal');
const unsealed = await sample('close');
const isSegment = (path: string): boolean => path.endsWith('.log');

t.test('damage: the samples are what the tests below take them for', async (t) => {
  t.ok((await recovered(diskOf(sealed.files))).sealed);
  t.notOk((await recovered(diskOf(unsealed.files))).sealed);
  t.ok([...sealed.files.keys()].filter(isSegment).length >= 4);
  t.equal(sealed.content.entries.length, 28);
  t.ok(unsealed.lastRound > 100, 'there are rounds before the last one in the last segment');
});

t.test('damage: no flipped bit in any file of a sealed log changes what is recovered', async (t) => {
  for (const [path, content] of sealed.files) {
    for (let at = 0; at < content.length; at += STRIDE) {
      const wrong = await consequence(sealed, new Map([[path, flipped(content, at)]]));
      if (wrong !== null) t.fail(`${path} at ${at}: ${wrong}`);
    }
  }
});

t.test('damage: no truncation of any file of a sealed log changes what is recovered', async (t) => {
  for (const [path, content] of sealed.files) {
    for (let length = 0; length < content.length; length += STRIDE) {
      const wrong = await consequence(sealed, new Map([[path, content.slice(0, length)]]));
      if (wrong !== null) t.fail(`${path} cut to ${length}: ${wrong}`);
    }
  }
});

t.test('damage: missing, stale and swapped files of a sealed log are found', async (t) => {
  const paths = [...sealed.files.keys()];
  for (const path of paths) {
    t.equal(await consequence(sealed, new Map([[path, null]])), null, `${path} is missing`);
    const stale = sealed.earlier.get(path);
    if (stale !== undefined)
      t.equal(await consequence(sealed, new Map([[path, stale]])), null, `${path} is stale`);
    for (const other of paths) {
      const swapped = new Map([
        [path, sealed.files.get(other) ?? null],
        [other, sealed.files.get(path) ?? null],
      ]);
      if (path < other) t.equal(await consequence(sealed, swapped), null, `${path} and ${other} are swapped`);
    }
  }
});

t.test('damage: a sealed log whose segments are all gone is refused', async (t) => {
  const gone = new Map([...sealed.files.keys()].filter(isSegment).map((path) => [path, null]));
  await t.rejects(recovered(diskOf(sealed.files, gone)), { code: 'DATA_DAMAGED', kind: 'segment' });
});

t.test(
  'damage: in a log that was not sealed, damage before the last round is not taken for a torn write',
  async (t) => {
    for (const [path, content] of unsealed.files) {
      const end = path === unsealed.lastSegment ? unsealed.lastRound : content.length;
      for (let at = 0; at < end; at += STRIDE) {
        const wrong = await consequence(unsealed, new Map([[path, flipped(content, at)]]));
        if (wrong !== null) t.fail(`${path} at ${at}: ${wrong}`);
      }
      if (path === unsealed.lastSegment) continue;
      for (let length = 0; length < content.length; length += STRIDE) {
        const wrong = await consequence(unsealed, new Map([[path, content.slice(0, length)]]));
        if (wrong !== null) t.fail(`${path} cut to ${length}: ${wrong}`);
      }
    }
  },
);

t.test(
  'damage: in a log that was not sealed, a missing, stale or swapped older segment is found',
  async (t) => {
    const older = [...unsealed.files.keys()].filter((path) => path !== unsealed.lastSegment);
    for (const path of older) {
      t.equal(await consequence(unsealed, new Map([[path, null]])), null, `${path} is missing`);
      const stale = unsealed.earlier.get(path);
      if (stale !== undefined)
        t.equal(await consequence(unsealed, new Map([[path, stale]])), null, `${path} is stale`);
      const swapped = new Map([
        [path, unsealed.files.get(unsealed.lastSegment) ?? null],
        [unsealed.lastSegment, unsealed.files.get(path) ?? null],
      ]);
      t.equal(await consequence(unsealed, swapped), null, `${path} is swapped with the last one`);
    }
  },
);

t.test('damage: the refusal names the file and the offset', async (t) => {
  const path = [...unsealed.files.keys()].filter(isSegment)[1] ?? '';
  const content = unsealed.files.get(path) ?? new Uint8Array(0);
  const disk = diskOf(unsealed.files, new Map([[path, flipped(content, 300)]]));
  const error = await recovered(disk).then(
    () => null,
    (reason: unknown) => reason,
  );
  t.match(error, { code: 'DATA_DAMAGED', file: path });
  t.ok(
    error instanceof LogDamage && error.offset > 100 && error.offset <= 300,
    'the damaged record begins there',
  );
});

t.test('damage: a record of a newer version is refused, and said to be one', async (t) => {
  const path = unsealed.lastSegment;
  const content = (unsealed.files.get(path) ?? new Uint8Array(0)).slice();
  const view = new DataView(content.buffer);
  const at = unsealed.lastRound;
  view.setUint8(at + 17, 2);
  view.setUint32(at, crc32c(content, 0, at + 4, at + 20 + view.getUint32(at + 4, true)), true);
  const disk = diskOf(unsealed.files, new Map([[path, content]]));
  await t.rejects(recovered(disk), {
    code: 'DATA_DAMAGED',
    kind: 'version',
    message: /written by a newer version/,
  });
});

t.test('damage: files of random bytes are refused or hold nothing, and opening ends', async (t) => {
  const random = seededRandom(5);
  const noise = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => random.below(256));
  for (let run = 0; run < 200; run++) {
    const changed = new Map<string, Uint8Array>();
    for (const [path, content] of unsealed.files) {
      const kind = random.below(3);
      if (kind === 0) changed.set(path, noise(random.below(2_000)));
      if (kind === 1) {
        const copy = content.slice();
        const from = random.below(copy.length);
        copy.set(noise(random.below(copy.length - from)), from);
        changed.set(path, copy);
      }
    }
    try {
      const found = seen(await recovered(diskOf(unsealed.files, changed)));
      const known = unsealed.content.entries;
      const foreign = found.entries.filter((one) => !known.includes(one) && !/^(28|29|30)\/1\//.test(one));
      if (foreign.length > 0) t.fail(`run ${run}: invented ${foreign}`);
    } catch (error) {
      if (!(error instanceof LogDamage)) t.fail(`run ${run}: ${error}`);
    }
  }
});

for (const lacking of [0, 3]) {
  const title = `a state that has all of the log but ${lacking} entries lets it begin anew, with its votes`;
  t.test(`damage: ${title}, wherever it is damaged but at its end`, async (t) => {
    const newest = sealed.content.entries.at(-1) ?? '';
    const [index = 0, term = 0] = newest.split('/').map(Number);
    const covered = { index: index - lacking, term, data: new TextEncoder().encode('members of the state') };
    const endings = { anew: 0, refused: 0 };
    const begun = async (disk: MemoryDisk): Promise<string | null> => {
      const log = await openSmall(disk, 700, covered);
      if (log.recovered.repaired === null) return null;
      endings.anew++;
      const { hardState, start, entries: found } = log.recovered;
      if (JSON.stringify(hardState) !== JSON.stringify(sealed.content.hardState)) return 'other votes';
      if (start?.index !== covered.index || found.length !== lacking) return 'another start';
      await log.append({ hardState: null, entries: [entry(index + 1, term)] });
      await log.seal();
      const expected = [
        ...sealed.content.entries.slice(-lacking || Number.POSITIVE_INFINITY),
        seenEntry(index + 1, term),
      ];
      const again = seen(await recovered(disk)).entries;
      return JSON.stringify(again) === JSON.stringify(expected) ? null : `later ${again.length} entries`;
    };
    for (const [path, content] of sealed.files) {
      for (let at = 0; at < content.length; at += STRIDE * 5) {
        try {
          const wrong = await begun(diskOf(sealed.files, new Map([[path, flipped(content, at)]])));
          if (wrong !== null) t.fail(`${path} at ${at}: ${wrong}`);
        } catch (error) {
          if (!(error instanceof LogDamage)) throw error;
          endings.refused++;
        }
      }
    }
    t.ok(endings.anew > endings.refused && endings.refused > 0, JSON.stringify(endings));
  });
}

function seenEntry(index: number, term: number): string {
  return `${index}/${term}/normal/entry ${index} of term ${term}`;
}

t.test('damage: a state that does not cover the whole log saves nothing', async (t) => {
  const path = [...sealed.files.keys()].filter(isSegment)[0] ?? '';
  const damaged = new Map([[path, flipped(sealed.files.get(path) ?? new Uint8Array(0), 100)]]);
  for (const covered of [
    { index: 30, term: 2 },
    { index: 43, term: 1 },
    { index: 44, term: 2 },
  ]) {
    const opening = openSmall(diskOf(sealed.files, damaged), 700, { ...covered, data: new Uint8Array(0) });
    await t.rejects(opening, { code: 'DATA_DAMAGED' }, JSON.stringify(covered));
  }
  const lost = new Map([...damaged, ['wal/seal', null]]);
  const covered = { index: 43, term: 2, data: new Uint8Array(0) };
  await t.rejects(
    openSmall(diskOf(sealed.files, lost), 700, covered),
    { code: 'DATA_DAMAGED' },
    'without its seal',
  );
});
