import fc from 'fast-check';
import t from 'tap';
import type { Changes } from '../../src/base/changes.ts';
import {
  type Entry,
  encodeConfChange,
  type Message,
  type MessageType,
  makeMessage,
} from '../../src/raft/index.ts';
import { ByteReader, ByteWriter } from '../../src/replication/formats/bytes.ts';
import { decodeEnvelope, encodeEnvelope, type ProposalTag } from '../../src/replication/formats/envelope.ts';
import {
  encodeContext,
  encodeDirectory,
  foundedBy,
  memberOf,
} from '../../src/replication/formats/members.ts';
import { readMessage, writeMessage } from '../../src/replication/formats/message-codec.ts';
import {
  decodeFrame,
  decodeMark,
  encodeFrame,
  encodeMark,
  type ForwardedProposal,
} from '../../src/replication/formats/peer-frames.ts';
import type { Outcome } from '../../src/replication/ports/engine.ts';
import { type AppliedSlice, Applier } from '../../src/replication/replica/applier.ts';
import { ClockStamps } from '../../src/replication/replica/clock-stamps.ts';
import { ForwardedProposals } from '../../src/replication/requests/forwarded.ts';
import { Proposals, type Route } from '../../src/replication/requests/proposals.ts';
import type { AppliedMark, StateStore } from '../../src/store/state-store.ts';
import { settle, VirtualClock } from '../support/virtual-clock.ts';
import { ToyMachine, type ToyResult } from './support/toy-machine.ts';

const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const bytes = fc.uint8Array({ maxLength: 40 });
const wireTypes: MessageType[] = [
  'MsgAppResp',
  'MsgVote',
  'MsgHeartbeat',
  'MsgReadIndexResp',
  'MsgTimeoutNow',
];

const plainMessage = fc
  .record({
    type: fc.constantFrom(...wireTypes),
    to: number,
    from: number,
    term: number,
    logTerm: number,
    index: number,
    commit: number,
    vote: number,
    reject: fc.boolean(),
    rejectHint: number,
    context: fc.option(bytes, { nil: null }),
  })
  .map(({ type, to, from, term, ...fields }) => makeMessage(type, to, from, term, fields));

const appendMessage = fc
  .record({ index: fc.nat(1_000_000), term: fc.nat(1_000), data: fc.array(bytes, { maxLength: 8 }) })
  .map(({ index, term, data }) => {
    const entries = data.map(
      (item, i): Entry => ({ term, index: index + 1 + i, type: 'normal', data: item }),
    );
    return makeMessage('MsgApp', 1, 2, term, { index, logTerm: term, commit: index, entries });
  });

const snapshotMessage = fc
  .record({ index: number, term: number, voters: fc.array(number, { maxLength: 5 }), data: bytes })
  .map(({ index, term, voters, data }) => {
    const confState = { voters, votersOutgoing: [], learners: [3], learnersNext: [], autoLeave: true };
    return makeMessage('MsgSnap', 1, 2, 3, { snapshot: { meta: { index, term, confState }, data } });
  });

const anyMessage = fc.oneof(plainMessage, appendMessage, snapshotMessage);

/** Buffers and views compare by content. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, item) =>
      item?.type === 'Buffer'
        ? { bytes: item.data }
        : item instanceof Uint8Array
          ? { bytes: [...item] }
          : item,
    ),
  );
}

t.test('codec: every message and frame comes back as it was', async (t) => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      const writer = new ByteWriter(1);
      writeMessage(writer, message);
      const reader = new ByteReader(writer.finish());
      t.strictSame(plain(readMessage(reader)), plain(message));
      t.equal(reader.left, 0);
    }),
    { numRuns: 200 },
  );
  const member = memberOf({ id: 1, host: 'h', peerPort: 1, chatPort: 2, httpPort: 3 }, 77);
  const frames = [
    {
      kind: 'propose',
      term: 3,
      life: 2 ** 32 - 1,
      proposals: [{ counter: 2 ** 50, command: Buffer.from('x') }],
    },
    { kind: 'refused', life: 1, counters: [1, 2 ** 40] },
    { kind: 'status', founding: [member], observing: true },
    { kind: 'status', founding: null, observing: false },
    { kind: 'place', address: { id: 4, host: 'h', peerPort: 1, chatPort: 2, httpPort: 3 } },
    { kind: 'removed' },
    { kind: 'ask', ask: { tag: 'a', term: 3, wish: { kind: 'promote', node: 4 } } },
    { kind: 'ask', ask: { tag: 'a', term: 3, wish: { kind: 'add', node: 4, place: null, promote: true } } },
    { kind: 'ask', ask: { tag: 'a', term: 3, wish: { kind: 'transfer', node: null } } },
    { kind: 'answer', answer: { tag: 'a', kind: 'wait', heir: 2 } },
    { kind: 'answer', answer: { tag: 'a', kind: 'refused', code: 'LAST_VOTER', text: 'no' } },
    { kind: 'gossip', payload: Buffer.from('hello') },
  ] as const;
  for (const frame of frames) t.strictSame(plain(decodeFrame(encodeFrame(frame))), plain(frame));
  const mark: AppliedMark = {
    index: 7,
    term: 3,
    wallMs: 1.7e12,
    clusterMs: 5,
    engine: Buffer.from('engine'),
  };
  t.strictSame(plain(decodeMark(encodeMark(mark))), plain(mark));
});

t.test('codec: what is cut, altered or made up is refused, never thrown and never trusted', async (t) => {
  const whole = encodeFrame({ kind: 'raft', messages: [makeMessage('MsgVote', 1, 2, 3, { index: 9 })] });
  for (let length = 0; length < whole.length; length++) t.equal(decodeFrame(whole.subarray(0, length)), null);
  t.equal(decodeFrame(Buffer.concat([whole, Buffer.from([0])])), null, 'too long');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
      decodeFrame(random);
      decodeFrame(Buffer.concat([Buffer.from([1, random[0] ?? 0]), random]));
    }),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(anyMessage, fc.nat(), fc.nat(255), (message, at, value) => {
      const frame = Buffer.from(encodeFrame({ kind: 'raft', messages: [message] }));
      frame[at % frame.length] = value;
      decodeFrame(frame);
    }),
    { numRuns: 1_000 },
  );
  const local = Buffer.from(whole);
  local[6] = 200;
  t.equal(decodeFrame(local), null, 'a type that no peer may send');
  const counted = Buffer.from(whole);
  counted.writeUInt32BE(0xffff_ffff, 2);
  t.equal(decodeFrame(counted), null, 'a count that cannot be true');
});

t.test('codec: an envelope of a newer version is not read as if it were known', async (t) => {
  const tag = { member: 2 ** 52 + 1, life: 5, counter: 6 };
  const time = { wallMs: 1.7e12, clusterMs: 9 };
  const data = Buffer.from(encodeEnvelope(tag, time, Buffer.from('command')));
  t.strictSame(plain(decodeEnvelope(data)), plain({ tag, time, command: Buffer.from('command') }));
  data[0] = 2;
  t.throws(() => decodeEnvelope(data), { code: 'DATA_NEWER', message: /newer/ });
});

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

interface Sent {
  readonly node: number;
  readonly term: number;
  readonly proposals: readonly ForwardedProposal[];
}

/** Proposals of a node whose surroundings a test plays. */
function proposalsOf(clock: VirtualClock): {
  proposals: Proposals<string>;
  sent: Sent[];
  route: (route: Route | null) => void;
  propose: (text: string) => { outcome: Outcome<string> | null };
  tag: (counter: number) => ProposalTag;
} {
  let route: Route | null = null;
  const sent: Sent[] = [];
  const proposals = new Proposals<string>({
    member: 1,
    life: 2,
    clock,
    route: () => route,
    append: () => false,
    forward: (node, term, batch) => {
      sent.push({ node, term, proposals: batch });
      return true;
    },
    lacksRoom: () => false,
    wake: () => clock.after(0, () => proposals.flush()),
  });
  return {
    proposals,
    sent,
    route: (next) => {
      route = next;
    },
    propose: (text) => {
      const found: { outcome: Outcome<string> | null } = { outcome: null };
      proposals.propose(Buffer.from(text)).then((outcome) => {
        found.outcome = outcome;
      });
      return found;
    },
    tag: (counter) => ({ member: 1, life: 2, counter }),
  };
}

t.test('proposals: a refusal of the first sending is certain, of a second one it is not', async (t) => {
  const clock = new VirtualClock();
  const { proposals, sent, route, propose, tag } = proposalsOf(clock);
  route({ kind: 'peer', node: 2, term: 5 });
  const first = propose('a');
  await clock.advance(1);
  t.match(sent, [{ node: 2, term: 5, proposals: [{ counter: 1 }] }]);
  proposals.refused([1]);
  await clock.advance(10);
  t.match(sent[1], { proposals: [{ counter: 2 }] }, 'sent again, under a new counter');
  proposals.linkRenewed(2);
  await clock.advance(1);
  t.match(sent[2], { proposals: [{ counter: 2 }] }, 'repeated under the same counter over the new link');
  proposals.refused([2]);
  await clock.advance(50);
  t.equal(sent.length, 3, 'the first sending may be in the log: nothing is sent again');
  proposals.applied([], 5);
  await clock.advance(1);
  t.equal(sent.length, 3, 'an entry of the same term proves nothing');
  route({ kind: 'peer', node: 3, term: 7 });
  proposals.applied([], 7);
  await clock.advance(1);
  t.match(
    sent[3],
    { node: 3, term: 7, proposals: [{ counter: 3 }] },
    'an applied entry of a later term does',
  );
  proposals.applied([{ tag: tag(3), index: 9, result: 'done' }], 7);
  await settle();
  t.strictSame(first.outcome, { kind: 'applied', index: 9, result: 'done' });
});

t.test('proposals: at the deadline, unsent is refused and sent is unknown', async (t) => {
  const clock = new VirtualClock();
  const { proposals, route, propose } = proposalsOf(clock);
  route({ kind: 'peer', node: 2, term: 5 });
  const sent = propose('sent');
  await clock.advance(1);
  route(null);
  const unsent = propose('unsent');
  await clock.advance(4_999);
  proposals.expire(clock.monotonicMs());
  await settle();
  t.strictSame(sent.outcome, { kind: 'unknown' });
  t.equal(unsent.outcome, null, 'younger by a millisecond');
  await clock.advance(1);
  proposals.expire(clock.monotonicMs());
  await settle();
  t.strictSame(unsent.outcome, { kind: 'refused', code: 'UNAVAILABLE' });
  t.equal(proposals.waiting, 0);
});

t.test('proposals: a snapshot leaves those of later terms alone', async (t) => {
  const clock = new VirtualClock();
  const { proposals, route, propose } = proposalsOf(clock);
  route({ kind: 'peer', node: 2, term: 5 });
  const old = propose('old');
  await clock.advance(1);
  route({ kind: 'peer', node: 3, term: 8 });
  const young = propose('young');
  await clock.advance(1);
  proposals.snapshotInstalled(7);
  await settle();
  t.strictSame(old.outcome, { kind: 'unknown' });
  t.equal(young.outcome, null);
});

t.test('proposals: a refusing own log is asked again after a while, not in a circle', async (t) => {
  const clock = new VirtualClock();
  let asked = 0;
  const proposals: Proposals<string> = new Proposals<string>({
    member: 1,
    life: 2,
    clock,
    route: () => ({ kind: 'own', term: 1 }),
    append: () => {
      asked++;
      return false;
    },
    forward: () => false,
    lacksRoom: () => false,
    wake: () => clock.after(0, () => proposals.flush()),
  });
  const outcome = proposals.propose(Buffer.from('x'));
  await clock.advance(100);
  t.ok(asked > 5 && asked <= 21, `${asked} times in 100 ms`);
  proposals.close();
  t.strictSame(await outcome, { kind: 'refused', code: 'UNAVAILABLE' });
});

t.test('forwarded: repetitions are left out within a term and a life, and only there', async (t) => {
  const appended: number[] = [];
  let full = false;
  const forwarded = new ForwardedProposals((proposals) => {
    if (!full) appended.push(...proposals.map(({ tag }) => tag.counter));
    return !full;
  });
  const batch = (...counters: number[]): ForwardedProposal[] =>
    counters.map((counter) => ({ counter, command: Buffer.from('x') }));
  t.strictSame(forwarded.accept(9, 1, 1, batch(1, 2, 3)), []);
  t.strictSame(forwarded.accept(9, 1, 1, batch(2, 3, 4)), []);
  t.strictSame(appended, [1, 2, 3, 4]);
  full = true;
  t.strictSame(forwarded.accept(9, 1, 1, batch(4, 5, 6)), [5, 6], 'refused is what was not appended before');
  full = false;
  t.strictSame(forwarded.accept(9, 1, 2, batch(1)), [], 'another life counts anew');
  t.strictSame(forwarded.accept(8, 1, 1, batch(1)), [], 'another member too');
  t.strictSame(forwarded.accept(9, 2, 2, batch(1)), [], 'in another term, nothing of before is in the log');
  t.strictSame(appended, [1, 2, 3, 4, 1, 1, 1]);
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
  t.strictSame(plain(store.staged[0]?.mark.engine), plain(encodeDirectory(applier.directory)));
});

t.test('applier: a throw in the state machine is fatal, and nothing is applied after it', async (t) => {
  const { applier, machine, fatal } = applierOf(new HeldStore());
  machine.failOn = 'c3';
  applier.enqueue(work(2, 5));
  t.match(fatal, [{ message: 'planted' }]);
  applier.enqueue(work(7, 5));
  t.strictSame(machine.texts, ['c2']);
});
