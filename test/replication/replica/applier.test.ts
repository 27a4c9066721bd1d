import t from 'tap';
import type { Changes } from '../../../src/base/changes.ts';
import { type Entry, encodeConfChange, type Message, makeMessage } from '../../../src/raft/index.ts';
import { encodeEnvelope } from '../../../src/replication/formats/envelope.ts';
import {
  encodeContext,
  encodeDirectory,
  foundedBy,
  memberOf,
} from '../../../src/replication/formats/members.ts';
import { type AppliedSlice, Applier } from '../../../src/replication/replica/applier.ts';
import { ClockStamps } from '../../../src/replication/replica/clock-stamps.ts';
import type { AppliedMark, StateStore } from '../../../src/store/state-store.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';
import { ToyMachine, type ToyResult } from '../support/toy-machine.ts';

t.test('time: stamps go on from what was seen, and fractions are not lost', async (t) => {
  let nowMs = 0.4;
  let wallMs = 1_000;
  const stamps = new ClockStamps({
    monotonicMs: () => nowMs,
    wallMs: () => wallMs,
    after: () => ({ cancel: () => undefined }),
  });
  stamps.observe({ wallMs: 5_000, clusterMs: 100 });
  stamps.observe({ wallMs: 4_000, clusterMs: 50 });
  t.strictSame(stamps.stamp(), { wallMs: 5_000, clusterMs: 100 }, 'never behind what was seen');
  for (let i = 0; i < 10; i++) {
    nowMs += 0.5;
    stamps.stamp();
  }
  wallMs = 9_000;
  t.strictSame(stamps.stamp(), { wallMs: 9_000, clusterMs: 105 });
  wallMs = 1;
  t.strictSame(stamps.stamp(), { wallMs: 9_000, clusterMs: 105 });
});

t.test('time: what is in the log counts, not what a leader that was cut off has stamped', async (t) => {
  let nowMs = 0;
  const stamps = new ClockStamps({
    monotonicMs: () => nowMs,
    wallMs: () => 0,
    after: () => ({ cancel: () => undefined }),
  });
  const entries = (clusterMs: number): Entry[] => [
    {
      index: 7,
      term: 3,
      type: 'normal',
      data: encodeEnvelope({ member: 1, life: 1, counter: 1 }, { wallMs: 0, clusterMs }, new Uint8Array(0)),
    },
    { index: 8, term: 3, type: 'normal', data: new Uint8Array(0) },
  ];
  const end = { lastIndex: 8, lastTerm: 3 };
  const later = { lastIndex: 9, lastTerm: 3 };
  stamps.observeEntries(entries(100), end);
  nowMs = 16_000;
  t.equal(stamps.stamp().clusterMs, 16_100, 'for an entry that no other node got');
  stamps.observeEntries(entries(110), later);
  stamps.observeEntries(entries(110), { lastIndex: 8, lastTerm: 4 });
  t.equal(stamps.stamp().clusterMs, 16_100, 'the log goes on behind these, or has others there');
  stamps.observeEntries(entries(120), end);
  nowMs += 2_000;
  t.equal(stamps.stamp().clusterMs, 2_120, 'the log ends with these');
  stamps.observeEntries([], end);
  stamps.observeEntries(entries(5_000), end);
  t.equal(stamps.stamp().clusterMs, 5_000);
});

/** A store that takes everything and writes only when it is told to. */
class HeldStore implements Pick<StateStore, 'stage' | 'flush' | 'pendingBytes'> {
  pendingBytes = 0;
  readonly staged: { mark: AppliedMark; changes: Changes }[] = [];
  readonly #flushes: (() => void)[] = [];

  stage(mark: AppliedMark, changes: Changes): void {
    this.staged.push({ mark, changes });
  }

  flush(): Promise<void> {
    return new Promise((resolve) => this.#flushes.push(resolve));
  }

  write(): void {
    this.pendingBytes = 0;
    for (const resolve of this.#flushes.splice(0)) resolve();
  }
}

const directory = foundedBy([memberOf({ id: 1, host: 'h', peerPort: 1, chatPort: 2, httpPort: 3 }, 11)]);

function applierOf(store: HeldStore): {
  applier: Applier<ToyResult, string>;
  slices: AppliedSlice<ToyResult, string>[];
  turns: (() => void)[];
  fatal: unknown[];
  released: () => number;
  machine: ToyMachine;
} {
  const slices: AppliedSlice<ToyResult, string>[] = [];
  const turns: (() => void)[] = [];
  const fatal: unknown[] = [];
  let released = 0;
  const machine = new ToyMachine();
  const applier = new Applier<ToyResult, string>(
    {
      machine,
      store: store as unknown as StateStore,
      clock: new VirtualClock(),
      turn: (action) => turns.push(action),
      isOwn: ({ member }) => member === 11,
      newestFormat: 1,
      ports: {
        applied: (slice) => slices.push(slice),
        applyConfChange: () => ({ ...directory.conf, voters: [11, 12] }),
        membersChanged: () => undefined,
        release: (responses) => {
          released += responses.length;
        },
        fatal: (error) => fatal.push(error),
      },
    },
    { index: 1, term: 1, wallMs: 0, clusterMs: 0, engine: encodeDirectory(directory) },
  );
  return { applier, slices, turns, fatal, machine, released: () => released };
}

function work(from: number, count: number, member = 11): Message {
  const entries = Array.from({ length: count }, (_, i): Entry => {
    const tag = { member, life: 1, counter: i };
    const data = encodeEnvelope(tag, { wallMs: i, clusterMs: i }, Buffer.from(`c${from + i}`));
    return { term: 2, index: from + i, type: 'normal', data };
  });
  return makeMessage('MsgStorageApply', 0, 11, 0, {
    entries,
    responses: [makeMessage('MsgStorageApplyResp', 11, 0, 0)],
  });
}

t.test('applier: long work is done in slices, and others get a turn in between', async (t) => {
  const store = new HeldStore();
  const { applier, slices, turns, released } = applierOf(store);
  applier.enqueue(work(2, 3_000));
  t.equal(slices.length, 1);
  t.equal(turns.length, 1);
  t.equal(released(), 0, 'not done yet');
  const idle = applier.idle();
  while (turns.length > 0) turns.shift()?.();
  t.ok(slices.length >= 3);
  t.equal(released(), 1);
  await idle;
  t.equal(applier.mark.index, 3_001);
  t.equal(slices.flatMap(({ proposals }) => proposals).length, 3_000);
  t.strictSame(
    store.staged.map(({ mark }) => mark.index),
    slices.map(({ index }) => index),
    'each slice is staged once, before anybody is told',
  );
});

t.test(
  'applier: commands of a format that this program does not know are not applied, nor is anything behind them',
  (t) => {
    const store = new HeldStore();
    const { applier, machine, fatal } = applierOf(store);
    const raise = encodeConfChange({
      version: 2,
      transition: 'auto',
      changes: [{ type: 'update', id: 11 }],
      context: encodeContext({ tag: 'raise', members: [], expected: [], format: 2 }),
    });
    const [newer, ...later] = work(3, 2).entries;
    if (newer === undefined) throw new Error('no work');
    const change: Entry = { term: 2, index: 2, type: 'conf-change-v2', data: raise };
    applier.enqueue(makeMessage('MsgStorageApply', 0, 11, 0, { entries: [change, newer, ...later] }));
    t.match(fatal, [{ code: 'DATA_NEWER' }]);
    t.strictSame([machine.texts, store.staged], [[], []]);
    t.end();
  },
);

t.test('applier: it waits for a store that does not keep up', async (t) => {
  const store = new HeldStore();
  const { applier, slices } = applierOf(store);
  store.pendingBytes = 1e9;
  applier.enqueue(work(2, 10));
  t.equal(slices.length, 0);
  store.write();
  await settle();
  t.equal(applier.mark.index, 11);
});

t.test('applier: an entry that the state holds already is not applied again', async (t) => {
  const { applier, machine, released } = applierOf(new HeldStore());
  applier.reset({ index: 10, term: 2, wallMs: 0, clusterMs: 0, engine: encodeDirectory(directory) });
  applier.enqueue(work(5, 8, 99));
  t.strictSame(machine.texts, ['c11', 'c12']);
  t.equal(released(), 1);
});

t.test('applier: a change of configuration travels with the mark', async (t) => {
  const store = new HeldStore();
  const { applier } = applierOf(store);
  const member = memberOf({ id: 2, host: 'h', peerPort: 1, chatPort: 2, httpPort: 3 }, 12);
  const data = encodeConfChange({
    version: 2,
    transition: 'auto',
    changes: [{ type: 'add-voter', id: 12 }],
    context: encodeContext({ tag: 'one', members: [member], expected: [] }),
  });
  const entries: Entry[] = [{ term: 2, index: 2, type: 'conf-change-v2', data }];
  applier.enqueue(makeMessage('MsgStorageApply', 0, 11, 0, { entries }));
  t.strictSame(applier.directory.conf.voters, [11, 12]);
  t.match(applier.directory.members, [{ node: 1 }, { node: 2 }]);
  const engine = store.staged[0]?.mark.engine;
  t.strictSame([...(engine ?? [])], [...encodeDirectory(applier.directory)]);
});

t.test('applier: a throw in the state machine is fatal, and nothing is applied after it', async (t) => {
  const { applier, machine, fatal } = applierOf(new HeldStore());
  machine.failOn = 'c3';
  applier.enqueue(work(2, 5));
  t.match(fatal, [{ message: 'planted' }]);
  applier.enqueue(work(7, 5));
  t.strictSame(machine.texts, ['c2']);
});
