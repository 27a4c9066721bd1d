import t, { type Test } from 'tap';
import { makeMessage } from '../../../src/raft/index.ts';
import { decodeFrame } from '../../../src/replication/formats/peer-frames.ts';
import { Links } from '../../../src/replication/peers/links.ts';
import { PeerOutbox } from '../../../src/replication/peers/peer-outbox.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { MemoryNetwork, MemoryTransport } from '../support/memory-network.ts';
import { TestCluster } from '../support/test-cluster.ts';

/** An outbox to nodes 2 and 3, and what leaves it: node, lane and messages of each frame. */
function box(t: Test) {
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
  t.same(flushed(), ['2 bulk MsgApp 7, MsgApp 7'], 'in order, in one frame, where entries go anyway');
  turn();
  t.same(turn(), ['3 bulk MsgApp 7']);
  commit(12);
  t.same(flushed(), []);
  outbox.stop();
  turn();
  t.same(turn(), [], 'nothing leaves after the end');
  t.end();
});

t.test('outbox: one proposal at a time costs two frames to each follower, and one back', async (t) => {
  const cluster = await TestCluster.led(3);
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
  const proposals = 50;
  for (let i = 0; i < proposals; i++) {
    t.match(await cluster.propose(led.id, `m${i}`), { kind: 'applied' });
    await cluster.clock.advance(4);
  }
  const out = frames.filter((way) => way.startsWith(`${led.id}>`)).length;
  t.ok(
    out >= 4 * proposals && out < 5 * proposals,
    `${out} went out: entry and commit index, to two followers`,
  );
  // Beside one answer each, what the ticks bring; twice as many if every append was answered at once.
  t.ok(frames.length - out < 3 * proposals, `${frames.length - out} came back`);
  await cluster.stopAll();
});
