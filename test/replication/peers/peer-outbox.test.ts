import t, { type Test } from 'tap';
import { makeMessage } from '../../../src/raft/index.ts';
import { defaultTimings } from '../../../src/replication/engine-options.ts';
import { decodeFrame } from '../../../src/replication/formats/peer-frames.ts';
import { Links } from '../../../src/replication/peers/links.ts';
import { PeerOutbox } from '../../../src/replication/peers/peer-outbox.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { MemoryNetwork, MemoryTransport } from '../support/memory-network.ts';
import { TestCluster } from '../support/test-cluster.ts';

/** An outbox to nodes 2 and 3, and what leaves it: node, lane and messages of each frame. */
function box(t: Test, hasReaders: (node: number) => boolean = () => true) {
  const sent: string[] = [];
  const turns: (() => void)[] = [];
  const transport = new MemoryTransport(new MemoryNetwork(new VirtualClock()), { node: 1, incarnation: 11 });
  transport.send = (node, lane, bytes) => {
    const frame = decodeFrame(bytes);
    const messages = frame?.kind === 'raft' ? frame.messages : [];
    sent.push(`${node} ${lane} ${messages.map(({ type, index }) => `${type} ${index}`).join(', ')}`);
    return true;
  };
  const links = new Links();
  for (const node of [2, 3]) links.up({ node, incarnation: 10 + node });
  const outbox = new PeerOutbox({
    transport,
    links,
    lost: () => t.fail('nothing is lost'),
    turn: (action) => turns.push(action),
    hasReaders,
  });
  const taken = (): readonly string[] => sent.splice(0);
  const flushed = (): readonly string[] => {
    outbox.flush();
    return taken();
  };
  const turn = (): readonly string[] => {
    for (const action of turns.splice(0)) action();
    return taken();
  };
  return { outbox, flushed, turn, taken };
}

t.test('outbox: an acknowledgement that says nothing new waits for the next frame, or for the tick', (t) => {
  const { outbox, flushed, taken } = box(t);
  const answer = (to: number, index: number, term = 1, reject = false) =>
    outbox.add([makeMessage('MsgAppResp', to, 11, term, { index, reject })]);
  answer(12, 7);
  t.same(flushed(), ['2 control MsgAppResp 7'], 'news leaves at once');
  answer(12, 7);
  t.same(flushed(), []);
  outbox.flushAll();
  t.same(taken(), ['2 control MsgAppResp 7'], 'with the tick');
  answer(12, 7);
  answer(12, 8);
  t.same(flushed(), ['2 control MsgAppResp 7, MsgAppResp 8'], 'with what is news');
  answer(12, 8);
  outbox.add([makeMessage('MsgHeartbeatResp', 12, 11, 1)]);
  t.same(flushed(), ['2 control MsgAppResp 8, MsgHeartbeatResp 0'], 'with anything else');
  answer(12, 8, 2);
  t.same(flushed(), ['2 control MsgAppResp 8'], 'in another term it is news');
  answer(13, 8, 2);
  t.same(flushed(), ['3 control MsgAppResp 8'], 'to another leader, too');
  answer(13, 8, 2, true);
  t.same(flushed(), ['3 control MsgAppResp 8'], 'and a refusal always');
  t.end();
});

t.test('outbox: a commit index leaves behind the answers of its turn, entries do not wait', (t) => {
  const { outbox, flushed, turn } = box(t);
  const entry = { term: 1, index: 8, type: 'normal', data: new Uint8Array(1) } as const;
  const commit = (to: number) =>
    outbox.add([makeMessage('MsgApp', to, 11, 1, { index: 7, logTerm: 1, commit: 7 })]);
  const append = (to: number) =>
    outbox.add([makeMessage('MsgApp', to, 11, 1, { index: 7, logTerm: 1, entries: [entry] })]);
  commit(12);
  t.same(flushed(), []);
  t.same(turn(), [], 'an answer takes a turn');
  t.same(turn(), ['2 bulk MsgApp 7']);
  t.same(turn(), []);
  commit(12);
  append(12);
  commit(13);
  t.same(flushed(), ['2 bulk MsgApp 7'], 'once, where entries go anyway');
  turn();
  t.same(turn(), ['3 bulk MsgApp 7']);
  commit(12);
  t.same(flushed(), []);
  outbox.stop();
  turn();
  t.same(turn(), [], 'nothing leaves after the end');
  t.end();
});

t.test(
  'outbox: where nobody reads along, a commit index waits for what goes there anyway, or for the tick',
  (t) => {
    const { outbox, flushed, turn, taken } = box(t, (node) => node === 3);
    const append = (to: number, index: number, commit: number, count: number, term = 1) => {
      const entries = Array.from({ length: count }, (_, at) => {
        return { term, index: index + at + 1, type: 'normal', data: new Uint8Array(1) } as const;
      });
      outbox.add([makeMessage('MsgApp', to, 11, term, { index, logTerm: term, commit, entries })]);
    };
    for (const to of [12, 13]) append(to, 7, 7, 1);
    t.same(flushed(), ['2 bulk MsgApp 7', '3 bulk MsgApp 7']);
    for (const to of [12, 13]) append(to, 8, 8, 0);
    t.same([...flushed(), ...turn(), ...turn()], ['3 bulk MsgApp 8'], 'at once where somebody does');
    append(12, 8, 8, 1);
    t.same(flushed(), ['2 bulk MsgApp 8'], 'the next entry takes it along');
    append(12, 9, 9, 0);
    t.same([...flushed(), ...turn(), ...turn()], []);
    outbox.flushAll();
    t.same(taken(), ['2 bulk MsgApp 9'], 'with the tick');
    append(12, 4, 9, 0);
    t.same(
      [...flushed(), ...turn(), ...turn()],
      ['2 bulk MsgApp 4'],
      'a question where its log matches does not wait',
    );
    append(12, 9, 9, 1);
    append(12, 10, 10, 0);
    t.same(flushed(), ['2 bulk MsgApp 9, MsgApp 10'], 'and it goes along with entries before it');
    append(12, 10, 10, 0, 2);
    t.same([...flushed(), ...turn(), ...turn()], ['2 bulk MsgApp 10'], 'nor does what a new leader asks');
    t.end();
  },
);

t.test('outbox: what a node without readers asked for, it is told at once', (t) => {
  const { outbox, flushed, turn } = box(t, () => false);
  const commit = (index: number) =>
    outbox.add([makeMessage('MsgApp', 12, 11, 1, { index: 9, logTerm: 1, commit: index })]);
  commit(5);
  t.same([...flushed(), ...turn(), ...turn()], ['2 bulk MsgApp 9'], 'where its log ends is a question');
  outbox.awaits(12, 7);
  commit(6);
  t.same([...flushed(), ...turn(), ...turn()], ['2 bulk MsgApp 9'], 'on the way to what it proposed');
  commit(7);
  t.same([...flushed(), ...turn(), ...turn()], ['2 bulk MsgApp 9']);
  commit(8);
  t.same([...flushed(), ...turn(), ...turn()], [], 'it has what it waited for');
  outbox.add([makeMessage('MsgReadIndexResp', 12, 11, 1, { index: 8 })]);
  t.same(
    [...flushed(), ...turn(), ...turn()],
    ['2 control MsgReadIndexResp 8', '2 bulk MsgApp 9'],
    'a read there takes along what had been left',
  );
  t.end();
});

t.test(
  'outbox: a follower without readers still answers what is proposed or read there before a tick',
  async (t) => {
    const cluster = await TestCluster.led(3, { hasReaders: () => false });
    const { id, engine } = cluster.followers[0] ?? cluster.led;
    await cluster.propose(id, 'first');
    for (let i = 0; i < 20; i++) {
      const begunMs = cluster.clock.monotonicMs();
      t.match(await cluster.propose(id, `m${i}`), { kind: 'applied' });
      await cluster.propose(cluster.led.id, `n${i}`);
      await cluster.finish(engine.barrier());
      t.ok(cluster.clock.monotonicMs() - begunMs < defaultTimings.tickMs, 'three rounds in less than a tick');
    }
    await cluster.stopAll();
  },
);

async function countFrames(t: Test, hasReaders: boolean, proposals: number) {
  const cluster = await TestCluster.led(3, { hasReaders: () => hasReaders });
  const { led } = cluster;
  await cluster.propose(led.id, 'first');
  const frames: string[] = [];
  cluster.network.filter = (from, to, _lane, bytes) => {
    const frame = decodeFrame(bytes);
    const kinds = frame?.kind === 'raft' ? frame.messages.map(({ type }) => type) : [];
    const timed = kinds.every((type) => type === 'MsgHeartbeat' || type === 'MsgHeartbeatResp');
    if (kinds.length > 0 && !timed) frames.push(`${from}>${to}`);
    return true;
  };
  for (let i = 0; i < proposals; i++) {
    t.match(await cluster.propose(led.id, `m${i}`), { kind: 'applied' });
    await cluster.clock.advance(4);
  }
  await cluster.converge();
  await cluster.stopAll();
  const out = frames.filter((way) => way.startsWith(`${led.id}>`)).length;
  return { out, back: frames.length - out };
}

t.test('outbox: one proposal at a time costs two frames to each follower, and one back', async (t) => {
  const proposals = 50;
  const { out, back } = await countFrames(t, true, proposals);
  t.ok(
    out >= 4 * proposals && out < 5 * proposals,
    `${out} went out: entry and commit index, to two followers`,
  );
  // Beside one answer each, what the ticks bring; twice as many if every append was answered at once.
  t.ok(back < 3 * proposals, `${back} came back`);
});

t.test(
  'outbox: where nobody reads along, one proposal at a time costs one frame to each follower',
  async (t) => {
    const proposals = 50;
    const { out, back } = await countFrames(t, false, proposals);
    t.ok(out >= 2 * proposals && out < 3 * proposals, `${out} went out, those of the ticks among them`);
    t.ok(back < 3 * proposals, `${back} came back`);
  },
);
