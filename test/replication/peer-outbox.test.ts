import t from 'tap';
import { makeMessage } from '../../src/raft/index.ts';
import { Links } from '../../src/replication/links.ts';
import { decodeFrame } from '../../src/replication/peer-frames.ts';
import { PeerOutbox } from '../../src/replication/peer-outbox.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { MemoryNetwork, MemoryTransport } from './support/memory-network.ts';
import { TestCluster } from './support/test-cluster.ts';

t.test('outbox: an acknowledgement that says nothing new waits for the next frame, or for the tick', (t) => {
  const sent: string[] = [];
  const transport = new MemoryTransport(new MemoryNetwork(new VirtualClock()), { node: 1, incarnation: 11 });
  transport.send = (node, lane, bytes) => {
    const frame = decodeFrame(bytes);
    const messages = frame?.kind === 'raft' ? frame.messages : [];
    sent.push(`${node} ${lane} ${messages.map(({ type, index }) => `${type} ${index}`).join(', ')}`);
    return true;
  };
  const links = new Links();
  for (const node of [2, 3]) links.up({ node, incarnation: 10 + node });
  const outbox = new PeerOutbox(transport, links, () => t.fail('nothing is lost'));
  const answer = (to: number, index: number, term = 1, reject = false) =>
    outbox.add([makeMessage('MsgAppResp', to, 11, term, { index, reject })]);
  const flushed = (all?: boolean): readonly string[] => {
    outbox.flush(all);
    return sent.splice(0);
  };
  answer(12, 7);
  t.same(flushed(), ['2 control MsgAppResp 7'], 'news leaves at once');
  answer(12, 7);
  t.same(flushed(), []);
  t.same(flushed(true), ['2 control MsgAppResp 7'], 'with the tick');
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
