/** How the cluster view asks the nodes, and where its orders go: without a browser, on a clock of the test. */
import t from 'tap';
import { carryOut } from '../../../src/web/cluster/commands.ts';
import type { Caller, Place, Said } from '../../../src/web/cluster/ports.ts';
import { Watch } from '../../../src/web/cluster/watch.ts';
import type { NodeWire } from '../../../src/web/cluster/wire.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const ports = [1, 2, 3];

function wire(id: number, leader = 1): NodeWire {
  return {
    cluster: 'c',
    profile: 'production',
    id,
    nowMs: 5_000,
    upMs: 1,
    role: id === leader ? 'leader' : 'follower',
    term: 1,
    leader,
    lastIndex: 1,
    commitIndex: 1,
    appliedIndex: 1,
    members: ports.map((port) => ({
      id: port,
      host: 'h',
      httpPort: port,
      state: 'voter',
      voter: true,
      promoted: false,
      lag: null,
    })),
    alarms: [],
    disk: null,
    memoryBytes: 1,
    loopDelayMs: 0,
    connections: { native: 0, chat: 0 },
    subscribers: 0,
    accounts: 0,
    events: [],
  };
}

/** Answers by port; what is not set does not answer. */
class FakeNodes implements Caller {
  readonly says = new Map<number, Said>(ports.map((id) => [id, { status: 200, value: wire(id) }]));
  readonly answers = new Map<number, Said>();
  readonly asked: string[] = [];

  async get({ port }: Place, path: string): Promise<Said | null> {
    if (path.endsWith('/log')) return { status: 200, value: { actions: [] } };
    return this.says.get(port) ?? null;
  }

  async post({ port }: Place, path: string, body: unknown): Promise<Said | null> {
    this.asked.push(`${port} ${path} ${JSON.stringify(body)}`);
    return this.answers.get(port) ?? null;
  }
}

async function watching(nodes: FakeNodes): Promise<Watch> {
  const watch = new Watch(nodes, { host: 'h', port: 2 }, new VirtualClock());
  await watch.again();
  await watch.again();
  return watch;
}

const up = (watch: Watch): readonly number[] =>
  [...watch.state.heard].filter(([, { isUp }]) => isUp).map(([id]) => id);

t.test(
  'watch: from one node the others are found; who does not answer is down, and comes back',
  async (t) => {
    const nodes = new FakeNodes();
    const watch = await watching(nodes);
    t.same([...up(watch)].sort(), [1, 2, 3]);
    t.same(
      watch.answering(),
      [
        { host: 'h', port: 1 },
        { host: 'h', port: 2 },
        { host: 'h', port: 3 },
      ],
      'the leader first',
    );
    const said = nodes.says.get(2);
    nodes.says.delete(2);
    await watch.again();
    t.same([...up(watch)].sort(), [1, 3], 'the node that the page came from is one like the others');
    if (said !== undefined) nodes.says.set(2, said);
    await watch.again();
    t.same([...up(watch)].sort(), [1, 2, 3]);
  },
);

t.test(
  'watch: who must log in is told apart from who may not, and a node without a majority from one that is gone',
  async (t) => {
    const nodes = new FakeNodes();
    const watch = await watching(nodes);
    nodes.says.set(3, { status: 503, value: {} });
    await watch.again();
    t.match(watch.state.heard.get(3), { isUp: true, wire: { role: 'candidate', leader: null } });
    for (const [status, access] of [
      [401, 'login'],
      [403, 'denied'],
    ] as const) {
      for (const port of ports) nodes.says.set(port, { status, value: {} });
      await watch.again();
      t.equal(watch.state.access, access);
    }
  },
);

t.test(
  'orders: a node that cannot serve is passed over; who is to go is asked last, and the request stays the same',
  async (t) => {
    const nodes = new FakeNodes();
    const watch = await watching(nodes);
    nodes.answers.set(2, { status: 503, value: { text: 'no leader' } });
    nodes.answers.set(3, { status: 200, value: { status: 'done' } });
    t.same(await carryOut({ kind: 'remove', node: 1 }, watch, nodes, 'aa'), { kind: 'done' });
    const request = '/api/v1/admin/members {"tag":"aa","change":{"kind":"remove","node":1}}';
    t.same(nodes.asked, [`2 ${request}`, `3 ${request}`]);
  },
);

t.test(
  'orders: a refusal is shown in its words; once it may have happened no refusal takes that back',
  async (t) => {
    const nodes = new FakeNodes();
    const watch = await watching(nodes);
    nodes.answers.set(1, { status: 409, value: { code: 'LAST_VOTER', text: 'the last one' } });
    t.same(await carryOut({ kind: 'lead', node: 2 }, watch, nodes, 'aa'), {
      kind: 'refused',
      text: 'the last one',
    });
    nodes.answers.delete(1);
    nodes.answers.set(2, { status: 409, value: { code: 'MEMBERS_CHANGING', text: 'wait' } });
    t.same(await carryOut({ kind: 'lead', node: 2 }, watch, nodes, 'aa'), { kind: 'unknown' });
    t.same(await carryOut({ kind: 'kill', node: 3 }, watch, nodes, 'aa'), { kind: 'unknown' });
    t.match(nodes.asked.at(-1), /^3 .*kill/, 'nobody else can do that');
  },
);
