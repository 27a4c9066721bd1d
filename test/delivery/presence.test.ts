import t from 'tap';
import { seededRandom } from '../../src/base/prng.ts';
import {
  digestMs,
  frameAccounts,
  graceMs,
  Presence,
  returnMs,
  silenceMs,
} from '../../src/delivery/presence.ts';
import { FakeCluster, type FakeEngine } from '../support/fake-engine.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

class Nodes {
  readonly clock = new VirtualClock();
  readonly cluster = new FakeCluster();
  readonly engines: readonly FakeEngine[];
  readonly presences: Presence[];
  #seed = 1;

  constructor(count: number) {
    this.engines = Array.from({ length: count }, (_, at) => this.cluster.node(at + 1));
    this.presences = this.engines.map((engine) => this.#start(engine));
  }

  get(at: number): { readonly engine: FakeEngine; readonly presence: Presence } {
    const [engine, presence] = [this.engines[at], this.presences[at]];
    if (engine === undefined || presence === undefined) throw new Error('no such node');
    return { engine, presence };
  }

  /** All other nodes lose their link with this one, and it theirs. */
  isolate(at: number, linked: boolean): void {
    const { engine } = this.get(at);
    for (const other of this.engines) {
      if (other === engine) continue;
      engine.bus.link(other.node, linked);
      other.bus.link(engine.node, linked);
    }
  }

  restart(at: number): Presence {
    this.get(at).presence.stop();
    const presence = this.#start(this.get(at).engine);
    this.presences[at] = presence;
    return presence;
  }

  /** Which nodes hold the account for online. */
  whoSees(account: number): readonly number[] {
    return this.presences.flatMap((presence, at) => (presence.isOnline(account) ? [at] : []));
  }

  #start(engine: FakeEngine): Presence {
    return new Presence(this.clock, seededRandom(this.#seed++), engine.bus);
  }
}

const everywhere = [0, 1, 2];
const nowhere: number[] = [];

t.test(
  'presence: a login is known on all nodes at once, a log-out when the last connection ends',
  async (t) => {
    const nodes = new Nodes(3);
    const first = nodes.get(0).presence.connect(7);
    t.same(nodes.whoSees(7), everywhere);
    const second = nodes.get(1).presence.connect(7);
    const third = nodes.get(0).presence.connect(7);
    first();
    first();
    await nodes.clock.advance(100);
    t.same(nodes.whoSees(7), everywhere);
    third();
    await nodes.clock.advance(100);
    t.same(nodes.whoSees(7), everywhere, 'still connected elsewhere');
    second();
    await nodes.clock.advance(100);
    t.same(nodes.whoSees(7), nowhere);
  },
);

t.test('presence: users of a node that died are gone within two seconds, those who moved stay', async (t) => {
  const nodes = new Nodes(3);
  nodes.get(0).presence.connect(1);
  nodes.get(0).presence.connect(2);
  nodes.isolate(0, false);
  nodes.get(1).presence.connect(2);
  await nodes.clock.advance(graceMs + 1);
  t.same(nodes.whoSees(1), [0]);
  t.same(nodes.whoSees(2), everywhere);
});

t.test('presence: who fails over, or is back soon, was online throughout', async (t) => {
  const nodes = new Nodes(3);
  const order = (at: number): readonly number[] =>
    nodes
      .get(at)
      .presence.online()
      .map(({ account }) => account);
  const first = nodes.get(0).presence.connect(9);
  await nodes.clock.advance(50);
  nodes.get(1).presence.connect(4);
  await nodes.clock.advance(50);
  first();
  await nodes.clock.advance(returnMs - 100);
  t.same(order(2), [4]);
  const again = nodes.get(1).presence.connect(9);
  await nodes.clock.advance(50);
  for (const at of everywhere) t.same(order(at), [9, 4], 'back on another node');
  again();
  await nodes.clock.advance(returnMs + digestMs);
  nodes.get(0).presence.connect(9);
  await nodes.clock.advance(50);
  for (const at of everywhere) t.same(order(at), [4, 9], 'that was too late');
});

t.test(
  'presence: those of a node that died keep their places, whether it is still believed or not',
  async (t) => {
    const nodes = new Nodes(3);
    for (const account of [3, 2]) {
      nodes.get(0).presence.connect(account);
      await nodes.clock.advance(50);
    }
    nodes.get(1).presence.connect(1);
    await nodes.clock.advance(50);
    nodes.isolate(0, false);
    nodes.get(1).presence.connect(3);
    await nodes.clock.advance(graceMs + digestMs);
    nodes.get(2).presence.connect(2);
    await nodes.clock.advance(50);
    for (const at of [1, 2]) {
      const online = nodes.get(at).presence.online();
      t.same(
        online.map(({ account }) => account),
        [3, 2, 1],
      );
    }
  },
);

t.test('presence: a link that blinks takes nobody away', async (t) => {
  const nodes = new Nodes(3);
  nodes.get(0).presence.connect(1);
  nodes.isolate(0, false);
  await nodes.clock.advance(graceMs - 100);
  nodes.isolate(0, true);
  await nodes.clock.advance(3 * graceMs);
  t.same(nodes.whoSees(1), everywhere);
});

t.test('presence: what changed while a link was down is right when it is up', async (t) => {
  const nodes = new Nodes(3);
  const end = nodes.get(0).presence.connect(1);
  nodes.isolate(0, false);
  end();
  nodes.get(0).presence.connect(2);
  await nodes.clock.advance(10);
  nodes.isolate(0, true);
  t.same(nodes.whoSees(1), nowhere);
  t.same(nodes.whoSees(2), everywhere);
});

t.test('presence: a lost change is found by the digest and asked for', async (t) => {
  const nodes = new Nodes(2);
  const { bus } = nodes.get(0).engine;
  bus.filter = () => false;
  nodes.get(0).presence.connect(1);
  await nodes.clock.advance(100);
  t.same(nodes.whoSees(1), [0]);
  bus.filter = () => true;
  await nodes.clock.advance(digestMs);
  t.same(nodes.whoSees(1), [0, 1]);
});

t.test('presence: a change behind a lost one is not trusted alone', async (t) => {
  const nodes = new Nodes(2);
  const { bus } = nodes.get(0).engine;
  bus.filter = () => false;
  nodes.get(0).presence.connect(1);
  await nodes.clock.advance(100);
  bus.filter = () => true;
  nodes.get(0).presence.connect(2);
  await nodes.clock.advance(100);
  t.same(nodes.whoSees(1), [0, 1]);
  t.same(nodes.whoSees(2), [0, 1]);
});

t.test('presence: a node that falls silent without a close counts for nobody, and comes back', async (t) => {
  const nodes = new Nodes(2);
  const { bus } = nodes.get(0).engine;
  nodes.get(0).presence.connect(1);
  bus.filter = () => false;
  await nodes.clock.advance(silenceMs + 2 * digestMs);
  t.same(nodes.whoSees(1), [0]);
  bus.filter = () => true;
  await nodes.clock.advance(2 * digestMs);
  t.same(nodes.whoSees(1), [0, 1]);
});

t.test('presence: a restarted node is not believed its former life', async (t) => {
  const nodes = new Nodes(2);
  nodes.get(0).presence.connect(1);
  nodes.isolate(0, false);
  const presence = nodes.restart(0);
  presence.connect(2);
  nodes.isolate(0, true);
  await nodes.clock.advance(100);
  t.same(nodes.whoSees(1), nowhere);
  t.same(nodes.whoSees(2), [0, 1]);
});

t.test('presence: a long list goes in bounded frames, and most of the traffic is small', async (t) => {
  const nodes = new Nodes(2);
  const { bus } = nodes.get(0).engine;
  const sizes: number[] = [];
  bus.filter = (_to, payload) => {
    sizes.push(payload.length);
    return true;
  };
  const total = 3 * frameAccounts + 1;
  for (let account = 1; account <= total; account++) nodes.get(0).presence.connect(account);
  await nodes.clock.advance(100);
  t.ok(sizes.length < 10, `${sizes.length} frames`);
  nodes.isolate(0, false);
  await nodes.clock.advance(2 * graceMs);
  t.same(nodes.whoSees(total), [0]);
  nodes.isolate(0, true);
  t.same(nodes.whoSees(total), [0, 1]);
  t.same(nodes.whoSees(1), [0, 1]);
  t.ok(Math.max(...sizes) < 16_384);
  sizes.length = 0;
  await nodes.clock.advance(5 * digestMs);
  t.equal(sizes.length, 5);
  t.ok(Math.max(...sizes) < 200, 'a digest stands for the list');
});

t.test('presence: a node may have readers while it has some, and while nobody knows', async (t) => {
  const nodes = new Nodes(3);
  const { presence } = nodes.get(0);
  const mayBeOn = (): readonly boolean[] => [2, 3, 4].map((node) => presence.mayBeOn(node));
  t.same(mayBeOn(), [false, false, true], 'of node 4 nothing was heard');
  const end = nodes.get(1).presence.connect(7);
  t.same(mayBeOn(), [true, false, true]);
  end();
  await nodes.clock.advance(100);
  t.same(mayBeOn(), [false, false, true]);
  nodes.isolate(2, false);
  await nodes.clock.advance(silenceMs + digestMs);
  t.same(mayBeOn(), [false, true, true], 'nor of node 3 since it is gone');
});

t.test('presence: bytes that mean nothing are counted and ignored', async (t) => {
  const nodes = new Nodes(2);
  const { engine, presence } = nodes.get(0);
  for (const text of [
    '',
    '{',
    '[]',
    '{"v":2,"kind":"ask"}',
    '{"v":1,"kind":"delta","epoch":1,"sequence":1,"up":["x"],"down":[]}',
  ]) {
    engine.bus.receive(2, new TextEncoder().encode(text));
  }
  engine.bus.receive(2, Uint8Array.from([0xff, 0x00]));
  t.equal(presence.malformed, 6);
});
