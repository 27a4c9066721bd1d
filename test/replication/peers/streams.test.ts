import t from 'tap';
import { roomRequest, snapshotRequest } from '../../../src/replication/formats/peer-frames.ts';
import { StreamDoor } from '../../../src/replication/peers/peer-streams.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { MemoryNetwork, MemoryTransport } from '../support/memory-network.ts';
import { TestCluster } from '../support/test-cluster.ts';

async function all(answers: AsyncIterable<Uint8Array>): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const answer of answers) texts.push(Buffer.from(answer).toString());
  return texts;
}

t.test('streams: what one room asks of another node comes to that room, with who asks', async (t) => {
  const cluster = await TestCluster.led(3);
  t.teardown(() => cluster.stopAll());
  cluster.node(2).handle.streams.onRequest(async function* (node, request) {
    yield Buffer.from(`to ${node}:`);
    yield request;
  });
  const answers = await cluster.node(3).handle.streams.open(2, Buffer.from('what?'));
  t.strictSame(await all(answers), ['to 3:', 'what?']);
});

t.test('streams: a node where no room answers refuses, and an unreachable one rejects', async (t) => {
  const cluster = await TestCluster.led(3);
  t.teardown(() => cluster.stopAll());
  const { streams } = cluster.node(1).handle;
  await t.rejects(streams.open(2, Buffer.from('x')).then(all), { code: 'BAD_REQUEST' });
  cluster.crash(3);
  await t.rejects(streams.open(3, Buffer.from('x')).then(all));
});

t.test('streams: a disk that was removed is given nothing, whatever it asks', async (t) => {
  const network = new MemoryNetwork(new VirtualClock());
  const transport = new MemoryTransport(network, { node: 1, incarnation: 11 });
  const sender = {
    serve: async function* () {
      yield Buffer.from('a copy of the state');
    },
  };
  const door = new StreamDoor(transport, () => ({ sender, directory: { removed: [33] } }));
  door.onRequest(async function* () {
    yield Buffer.from('a chunk');
  });
  for (const request of [snapshotRequest, roomRequest(Buffer.from('x'))]) {
    t.equal((await all(door.serve({ node: 3, incarnation: 34 }, request))).length, 1);
    await t.rejects(all(door.serve({ node: 3, incarnation: 33 }, request)), { code: 'DENIED' });
  }
});
