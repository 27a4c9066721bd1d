import fc from 'fast-check';
import t from 'tap';
import { type Random, seededRandom } from '../../src/base/prng.ts';
import type { Entry, HardState } from '../../src/raft/types.ts';
import type { LogStart, LogStore, RecoveredLog } from '../../src/wal/log-store.ts';
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

/** A disk on which two appends were acknowledged and a third one is not yet synced. */
async function inMidAppend(
  segmentBytes: number,
): Promise<{ readonly disk: MemoryDisk; readonly acknowledged: Seen }> {
  const disk = new MemoryDisk();
  const log = await openSmall(disk, segmentBytes);
  await log.restart(FOUNDING, false);
  await log.append({ hardState: hardState(1), entries: entries(1, 4) });
  await log.append({ hardState: null, entries: entries(5, 6) });
  const acknowledged = seen(await recovered(disk, segmentBytes));
  const reopened = await openSmall(disk, segmentBytes);
  disk.before = (operation) => (operation.kind === 'sync' ? new Promise(() => undefined) : undefined);
  reopened
    .append({ hardState: hardState(2, 3, 6), entries: [entry(7, 2), entry(8, 2)] })
    .catch(() => undefined);
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  return { disk, acknowledged };
}

for (const segmentBytes of [700, 100]) {
  const place = segmentBytes === 100 ? 'in a new segment' : 'in the open segment';
  t.test(
    `crash: an append ${place} that is torn at any byte is cut, and nothing acknowledged with it`,
    async (t) => {
      const { disk, acknowledged } = await inMidAppend(segmentBytes);
      const unsynced = disk.unsyncedBytes;
      t.ok(unsynced > 150, 'something is unsynced');
      const recoveredEntries = new Set<number>();
      for (let bytes = 0; bytes <= unsynced; bytes++) {
        const after = disk.image({ kind: 'first-bytes', bytes });
        const log = await openSmall(after, segmentBytes);
        const found = seen(log.recovered);
        const kept = found.entries.slice(0, acknowledged.entries.length);
        if (JSON.stringify(kept) !== JSON.stringify(acknowledged.entries))
          t.fail(`${bytes} bytes: an entry is lost`);
        recoveredEntries.add(found.entries.length);
        const next = found.entries.length + 1;
        await log.append({ hardState: hardState(3), entries: [entry(next, 3)] });
        await log.close();
        const again = seen(await recovered(after.crash({ kind: 'synced-only' }), segmentBytes));
        const expected = [...found.entries, `${next}/3/normal/entry ${next} of term 3`];
        if (JSON.stringify(again.entries) !== JSON.stringify(expected))
          t.fail(`${bytes} bytes: the log does not go on`);
      }
      t.strictSame(
        [...recoveredEntries].sort(),
        [6, 7, 8],
        'what was written whole is kept, record by record',
      );
    },
  );
}

/** The log's own operations, one record each: what a crash may cut between. */
type Step =
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'hard-state'; readonly state: HardState }
  | { readonly kind: 'start'; readonly start: LogStart; readonly keep: boolean };

interface Model {
  start: LogStart | null;
  hardState: HardState;
  entries: readonly Entry[];
}

function lastIndex(model: Model): number {
  return model.entries.at(-1)?.index ?? model.start?.index ?? 0;
}

function after(model: Model, step: Step): Model {
  switch (step.kind) {
    case 'hard-state':
      return { ...model, hardState: step.state };
    case 'entry':
      return { ...model, entries: [...model.entries.filter((e) => e.index < step.entry.index), step.entry] };
    case 'start':
      return {
        ...model,
        start: step.start,
        entries: step.keep ? model.entries.filter((e) => e.index > step.start.index) : [],
      };
  }
}

/** One life of a node between two starts: a log, what was asked of it, and how much of that was acknowledged. */
class Life {
  readonly #log: LogStore;
  readonly #random: Random;
  /** State after each record; the first is what was recovered. */
  readonly states: Model[];
  acknowledged = 0;
  readonly #pending: Promise<void>[] = [];

  constructor(log: LogStore, random: Random) {
    this.#log = log;
    this.#random = random;
    const { start: found, hardState: state, entries: list } = log.recovered;
    this.states = [{ start: found, hardState: state, entries: list }];
  }

  async run(steps: number): Promise<void> {
    if (this.#now.start === null) this.#restart(FOUNDING, false);
    for (let i = 0; i < steps; i++) {
      const choice = this.#random.below(20);
      if (choice === 0) this.#compact();
      else if (choice === 1) this.#restart(start(lastIndex(this.#now) + this.#random.below(50), 9), false);
      else this.#append();
      if (this.#random.below(3) === 0) await this.#pending.at(-1);
      if (this.#random.below(3) === 0) await Promise.resolve();
    }
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  get #now(): Model {
    const now = this.states.at(-1);
    if (now === undefined) throw new Error('a life has a state');
    return now;
  }

  #append(): void {
    const base = this.#now.start?.index ?? 0;
    const last = lastIndex(this.#now);
    const overwritten = this.#random.below(4) === 0 ? this.#random.below(Math.min(6, last - base) + 1) : 0;
    const count = this.#random.below(5);
    const term = 1 + this.#random.below(1_000);
    const list = entries(last + 1 - overwritten, last - overwritten + count, term);
    const state = this.#random.below(2) === 0 ? hardState(term, this.#random.below(4), base) : null;
    const steps: Step[] = state === null ? [] : [{ kind: 'hard-state', state }];
    for (const one of list) steps.push({ kind: 'entry', entry: one });
    this.#track(this.#log.append({ hardState: state, entries: list }), steps);
  }

  #compact(): void {
    const base = this.#now.start?.index ?? 0;
    this.#restart(start(base + this.#random.below(lastIndex(this.#now) - base + 1), 5), true);
  }

  #restart(at: LogStart, keep: boolean): void {
    this.#track(this.#log.restart(at, keep), [{ kind: 'start', start: at, keep }]);
  }

  #track(done: Promise<void>, steps: readonly Step[]): void {
    for (const step of steps) this.states.push(after(this.#now, step));
    const reached = this.states.length - 1;
    const tracked = done.then(
      () => {
        this.acknowledged = Math.max(this.acknowledged, reached);
      },
      () => undefined,
    );
    this.#pending.push(tracked);
  }
}

function described(model: Model): string {
  return JSON.stringify(seen({ ...model, sealed: false, tornBytes: 0 } as RecoveredLog));
}

/** Several lives on one disk, each ended by a crash at some operation; after each one the log must be what it may be. */
async function liveAndCrash(seed: number, lives: number): Promise<void> {
  const random = seededRandom(seed);
  let disk = new MemoryDisk({ honoursThrough: seed % 2 === 0 });
  for (let number = 0; number < lives; number++) {
    const log = await openSmall(disk, 200 + random.below(600));
    const life = new Life(log, random);
    let operationsLeft = random.below(60);
    const failing = random.below(2) === 0;
    const current = disk;
    disk.before = () => {
      operationsLeft--;
      // Half of the crashes are preceded by operations that fail: the log has to refuse all that follows.
      if (operationsLeft < 0 && failing && random.below(2) === 0) throw new Error('EIO');
      if (operationsLeft < -10 || (operationsLeft < 0 && !failing)) return new Promise(() => undefined);
      return undefined;
    };
    let ended = false;
    const whole = life
      .run(40)
      .then(() => life.settled())
      .finally(() => {
        ended = true;
      });
    await Promise.race([
      whole,
      until(() => ended || operationsLeft < -10 || (operationsLeft < 0 && !failing)),
    ]);
    disk = current.crash(random.below(4) === 0 ? { kind: 'synced-only' } : { kind: 'random', random });
    const found = described((await recoveredTwice(disk)) as Model);
    const allowed = life.states.slice(life.acknowledged).map(described);
    if (!allowed.includes(found)) {
      const text = `seed ${seed}, life ${number}: ${life.acknowledged} of ${life.states.length - 1} acknowledged`;
      throw new Error(`${text}; found ${found}, last acknowledged ${allowed[0]}`);
    }
  }
}

/** Lets everything else go on until then; bounded, for what never comes. */
async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < 1_000 && !condition(); turns++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** An opening that is itself followed by a crash finds the same again. */
async function recoveredTwice(disk: MemoryDisk): Promise<RecoveredLog> {
  const first = await recovered(disk, 300);
  const second = await recovered(disk, 300);
  if (described(first as Model) !== described(second as Model))
    throw new Error('a second opening finds another log');
  return first;
}

t.test('crash: whatever the moment and the disk, what was acknowledged is recovered', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => liveAndCrash(seed, 4)),
    { numRuns: 60 },
  );
  t.pass('60 disks with four crashes each');
});
