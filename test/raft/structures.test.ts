import fc from 'fast-check';
import t from 'tap';
import { seededRandom } from '../../src/base/prng.ts';
import {
  faultOf,
  isJoint,
  planEnterJoint,
  planLeaveJoint,
  planSimple,
} from '../../src/raft/configuration.ts';
import { EntryWindow } from '../../src/raft/entry-window.ts';
import {
  type ConfChangeSingle,
  type ConfState,
  type Entry,
  emptyConfState,
  entrySize,
  MemoryLog,
  RaftError,
  StorageError,
  silentLogger,
} from '../../src/raft/index.ts';
import { Inflights } from '../../src/raft/inflights.ts';
import { jointCommitted, jointVote, majorityCommitted } from '../../src/raft/quorum.ts';
import { RaftLog } from '../../src/raft/raft-log.ts';

/** Each structure beside a plain model of it. */

function entry(term: number, index: number, size = 0): Entry {
  return { term, index, type: 'normal', data: new Uint8Array(size) };
}

const runs = { numRuns: 100, seed: 20 };

t.test('window: it reads like a list, whatever is pushed, truncated and released', (t) => {
  const step = fc.tuple(fc.constantFrom('push', 'truncate', 'release', 'restart'), fc.nat(1500));
  const property = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const window = new EntryWindow(7);
    let first = 7;
    let model: Entry[] = [];
    for (const [kind, amount] of steps) {
      const next = first + model.length;
      if (kind === 'push') {
        const added = Array.from({ length: amount }, (_, position) => entry(1, next + position, amount % 5));
        window.push(added);
        model.push(...added);
      } else if (kind === 'truncate') {
        const keep = amount % (model.length + 1);
        window.truncateFrom(first + keep);
        model = model.slice(0, keep);
      } else if (kind === 'release') {
        const drop = amount % (model.length + 1);
        window.dropBefore(first + drop);
        model = model.slice(drop);
        first += drop;
      } else if (amount % 10 === 0) {
        window.restart(amount);
        model = [];
        first = amount;
      }
      const lo = first + Math.floor(model.length / 3);
      const got = window.slice(lo, first + model.length, amount);
      if (window.first !== first || window.length !== model.length) return false;
      if (got.some((one, position) => one !== model[lo - first + position])) return false;
      const size = got.reduce((sum, one) => sum + entrySize(one), 0);
      if (got.length > 1 && size > amount) return false;
      if (got.length === 0 && lo < first + model.length) return false;
    }
    return true;
  });
  fc.assert(property, runs);
  t.pass();
  t.end();
});

t.test('window: what it does not hold is never read', (t) => {
  const window = new EntryWindow(5);
  window.push([entry(1, 5), entry(1, 6)]);
  window.dropBefore(6);
  for (const index of [4, 5, 7]) t.throws(() => window.at(index), /invariant violated/);
  t.throws(() => window.slice(5, 7), /invariant violated/);
  t.throws(() => window.push([entry(1, 8)]), /contiguous/);
  t.throws(() => window.truncateFrom(5), /invariant violated/);
  t.end();
});

t.test('log: the search for a shared entry finds what a scan finds', (t) => {
  const random = seededRandom(4);
  for (let round = 0; round < 300; round++) {
    const storage = new MemoryLog();
    const start = random.below(4);
    if (start > 0) {
      storage.applySnapshot({
        meta: { index: start, term: 1 + random.below(3), confState: emptyConfState },
        data: new Uint8Array(0),
      });
    }
    let term = storage.term(start);
    const terms = Array.from({ length: random.below(12) }, () => (term += random.below(3)));
    const split = random.below(terms.length + 1);
    const all = terms.map((each, position) => entry(each, start + 1 + position));
    storage.append(all.slice(0, split));
    const log = new RaftLog(storage, silentLogger, 1000);
    log.append(all.slice(split));
    for (let index = 0; index <= log.lastIndex() + 1; index++) {
      const wanted = random.below(term + 2);
      let scan = index;
      while (scan > 0 && log.term(scan) !== null && (log.term(scan) ?? 0) > wanted) scan--;
      const expected = { index: scan, term: log.term(scan) ?? 0 };
      const found = log.findConflictByTerm(index, wanted);
      if (found.index !== expected.index || found.term !== expected.term) {
        t.same(found, expected, `terms ${terms} from ${start + 1}, index ${index}, term ${wanted}`);
        t.end();
        return;
      }
    }
  }
  t.pass();
  t.end();
});

t.test('log: entries on disk and in memory read as one, within the bound in bytes', (t) => {
  for (let split = 0; split <= 6; split++) {
    const storage = new MemoryLog();
    const all = Array.from({ length: 6 }, (_, position) => entry(1, position + 1, 10));
    storage.append(all.slice(0, split));
    const log = new RaftLog(storage, silentLogger, 1000);
    log.append(all.slice(split));
    for (const [maxBytes, count] of [
      [0, 1],
      [18, 1],
      [35, 1],
      [36, 2],
      [90, 5],
      [1000, 6],
    ] as const) {
      t.same(log.entriesFrom(1, maxBytes), all.slice(0, count), `split at ${split}, ${maxBytes} bytes`);
    }
  }
  t.end();
});

t.test('memory log: out of bounds is told by kind, overlaps replace, gaps are refused', (t) => {
  const kind = (act: () => unknown): string => {
    try {
      act();
      return 'none';
    } catch (error) {
      if (error instanceof StorageError) return error.kind;
      throw error;
    }
  };
  const log = new MemoryLog();
  log.append([1, 2, 3, 4, 5].map((index) => entry(1, index)));
  log.createSnapshot(3, null, new Uint8Array(0));
  log.compact(3);
  t.equal(log.firstIndex(), 4);
  t.equal(log.term(3), 1, 'the term of the point of compaction is kept');
  t.equal(
    kind(() => log.term(2)),
    'compacted',
  );
  t.equal(
    kind(() => log.entries(3, 5, 100)),
    'compacted',
  );
  t.equal(
    kind(() => log.term(6)),
    'unavailable',
  );
  t.equal(
    kind(() => log.entries(4, 7, 100)),
    'unavailable',
  );
  t.equal(
    kind(() => log.compact(3)),
    'compacted',
  );
  t.equal(
    kind(() => log.createSnapshot(3, null, new Uint8Array(0))),
    'snapshot-out-of-date',
  );
  t.equal(
    kind(() => log.applySnapshot(log.snapshot())),
    'snapshot-out-of-date',
  );
  log.append([entry(2, 2), entry(2, 3), entry(2, 4)]);
  t.same(log.entries(4, 5, 100), [entry(2, 4)], 'from the first one that is not compacted');
  t.equal(log.lastIndex(), 4);
  t.throws(() => log.append([entry(2, 6)]), /no gap/);
  t.end();
});

t.test('inflights: the window counts like a queue', (t) => {
  const random = seededRandom(6);
  for (const [capacity, maxBytes] of [
    [1, 100],
    [5, 100],
    [40, 100],
    [1000, Number.POSITIVE_INFINITY],
  ] as const) {
    const window = new Inflights(capacity, maxBytes);
    let model: { readonly index: number; readonly size: number }[] = [];
    let last = 0;
    for (let step = 0; step < 500; step++) {
      const used = model.reduce((sum, { size }) => sum + size, 0);
      const full = model.length >= capacity || used >= maxBytes;
      if (window.full() !== full || window.count !== model.length) {
        t.fail(`step ${step}: ${window.count} of ${model.length}`);
        break;
      }
      if (!full && random.below(3) > 0) {
        last += 1 + random.below(3);
        const size = random.below(30);
        window.add(last, size);
        model.push({ index: last, size });
      } else {
        const upTo = last - random.below(6);
        window.freeUpTo(upTo);
        model = model.filter(({ index }) => index > upTo);
      }
    }
    window.clear();
    t.equal(window.count, 0);
  }
  const one = new Inflights(1, 1);
  one.add(1, 5);
  t.throws(() => one.add(2, 0), /invariant violated/);
  t.end();
});

t.test('quorum: the committed index is what a majority of each half has, by definition', (t) => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 7 });
  const acks = fc.array(fc.option(fc.nat(9), { nil: undefined }), { minLength: 10, maxLength: 10 });
  const reaches = (
    voters: readonly number[],
    index: number,
    acked: readonly (number | undefined)[],
  ): boolean =>
    voters.filter((id) => (acked[id] ?? 0) >= index).length * 2 > voters.length || voters.length === 0;
  const property = fc.property(ids, ids, acks, (one, other, acked) => {
    const index = jointCommitted(one, other, (id) => acked[id]);
    if (one.length + other.length === 0) return index === Number.POSITIVE_INFINITY;
    const holds = reaches(one, index, acked) && reaches(other, index, acked);
    const more = reaches(one, index + 1, acked) && reaches(other, index + 1, acked);
    return holds && !more && majorityCommitted(one, (id) => acked[id]) >= index;
  });
  fc.assert(property, runs);
  t.pass();
  t.end();
});

t.test('quorum: votes that are missing decide nothing, and no outcome changes as they come in', (t) => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 });
  const ballots = fc.array(fc.boolean(), { minLength: 7, maxLength: 7 });
  const property = fc.property(ids, ids, ballots, fc.nat(6), (one, other, votes, known) => {
    const early = jointVote(one, other, (id) => (id <= known ? votes[id] : undefined));
    const final = jointVote(one, other, (id) => votes[id]);
    return final !== 'pending' && (early === 'pending' || early === final);
  });
  fc.assert(property, runs);
  t.pass();
  t.end();
});

t.test('configuration: whatever is asked for, the next one is sound or the change is refused', (t) => {
  const change: fc.Arbitrary<ConfChangeSingle> = fc.record({
    type: fc.constantFrom('add-voter', 'add-learner', 'remove', 'update'),
    id: fc.nat(5),
  });
  const ask = fc.record({
    kind: fc.constantFrom('simple', 'joint', 'leave'),
    changes: fc.array(change, { maxLength: 4 }),
    autoLeave: fc.boolean(),
  });
  const property = fc.property(fc.array(ask, { maxLength: 30 }), (asks) => {
    let current: ConfState = { ...emptyConfState, voters: [1, 2] };
    for (const { kind, changes, autoLeave } of asks) {
      try {
        const plan =
          kind === 'simple'
            ? planSimple(current, changes)
            : kind === 'joint'
              ? planEnterJoint(current, autoLeave, changes)
              : planLeaveJoint(current);
        const { confState } = plan;
        if (faultOf(confState) !== null || confState.voters.length === 0) return false;
        if (isJoint(confState) !== (kind === 'joint')) return false;
        const left = kind === 'leave' ? current.learnersNext : [];
        if (!left.every((id) => confState.learners.includes(id))) return false;
        current = confState;
      } catch (error) {
        if (!(error instanceof RaftError)) throw error;
      }
    }
    return true;
  });
  fc.assert(property, runs);
  t.pass();
  t.end();
});
