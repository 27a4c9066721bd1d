/** Who may look after a cluster over HTTP, what the cluster view of a demonstration may do, and that all of it is in the log of actions. */
import t from 'tap';
import { silentLogger } from '../../../src/base/logger.ts';
import { systemClock } from '../../../src/base/system-clock.ts';
import { OperatorClient } from '../../../src/cli/cluster/operator-client.ts';
import { formatActions, readActions } from '../../../src/cli/commands/actions-table.ts';
import { httpCaller } from '../../../src/client/http-caller.ts';
import { ActionJournal } from '../../../src/gateway/operations/action-journal.ts';
import { startNodes, testOperatorKey, until } from '../../support/gateway.ts';
import { NativeClient, newSession } from '../../support/native-client.ts';

let kills = 0;
const killSelf = (): void => {
  kills += 1;
};
const { cluster, nodes, stop } = await startNodes(2, {}, { killSelf });
t.teardown(stop);
const [one, two] = nodes;
if (one === undefined || two === undefined) throw new Error('two nodes');
const operator = new OperatorClient([{ host: '127.0.0.1', port: one.httpPort }], testOperatorKey, httpCaller);
/** Of the members that the fake engine names. */
const memberOrigin = 'http://127.0.0.1:3';
const pageHeaders = { origin: memberOrigin, 'x-conclave-page': 'cluster' };

async function bearerOf(user: string): Promise<Readonly<Record<string, string>>> {
  const credentials = newSession();
  const client = await NativeClient.join(one?.httpPort ?? 0, user, credentials);
  client.destroy();
  return { authorization: `Bearer ${credentials.session}.${credentials.secret}` };
}

async function ask(
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
  port = one?.httpPort,
): Promise<{ readonly status: number; readonly value: unknown }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, value: await response.json() };
}

const newest = () => one.engine.machine.actions().at(-1);

t.test('administrators: a role opens the door, on any node, until it is taken', async (t) => {
  const ann = await bearerOf('ann');
  const eve = await bearerOf('eve');
  const grant = (user: string, administrator: boolean) =>
    operator.ask({ method: 'POST', path: '/admin/role', body: { user, administrator } });
  t.match(await ask('/api/v1/admin/users', ann), { status: 403, value: { code: 'DENIED' } });
  t.match(await grant('ann', true), { kind: 'done', value: { name: 'ann', administrator: true } });
  t.match(newest(), { by: { kind: 'operator' }, action: 'grant', subject: 'ann', outcome: 'done', node: 1 });
  t.match(await ask('/api/v1/admin/users', ann, undefined, two.httpPort), {
    status: 200,
    value: {
      users: [
        { name: 'ann', administrator: true },
        { name: 'eve', administrator: false },
      ],
    },
  });
  t.match(await ask('/api/v1/admin/unlock', ann, { user: 'eve' }), { status: 200 });
  t.match(newest(), {
    by: { kind: 'account', name: 'ann' },
    action: 'unlock',
    subject: 'eve',
    outcome: 'done',
  });
  t.match(await ask('/api/v1/admin/role', eve, { user: 'eve', administrator: true }), { status: 403 });
  t.match(await ask('/api/v1/admin/role', {}, { user: 'eve', administrator: true }), { status: 401 });
  t.match(newest(), { action: 'unlock' }, 'whoever is not let in writes no line');
  t.match(await ask('/api/v1/admin/export', ann), { status: 404 }, 'everything at once takes the key');
  t.match(await grant('nobody', true), { kind: 'refused', code: 'UNKNOWN_USER' });
  t.match(newest(), { action: 'grant', subject: 'nobody', outcome: 'UNKNOWN_USER' });
  t.match(await grant('ann', false), { kind: 'done' });
  t.match(await ask('/api/v1/admin/users', ann), { status: 403 });
});

t.test('administrators: a page of another site is refused, whoever visits it', async (t) => {
  const bob = await bearerOf('bob');
  await operator.ask({ method: 'POST', path: '/admin/role', body: { user: 'bob', administrator: true } });
  for (const origin of ['http://evil.example', 'null', `${memberOrigin}1`]) {
    for (const headers of [
      { ...pageHeaders, origin },
      { ...bob, origin },
    ]) {
      t.match(await ask('/api/v1/admin/cluster', headers), { status: 403 }, origin);
      t.match(await ask('/api/v1/admin/transfer', headers, { node: 2 }), { status: 403 }, origin);
    }
  }
  t.same(one.engine.transfers, []);
  t.match(await ask('/api/v1/admin/transfer', { ...bob, origin: memberOrigin }, { node: 2 }), {
    status: 200,
  });
  t.same(one.engine.transfers, [2]);
});

t.test('cluster view: in the demonstration all may look, its own page may act, and no other', async (t) => {
  t.match(await ask('/api/v1/admin/cluster', {}), {
    status: 200,
    value: { id: 1, profile: 'loopback-demo', leader: 1, members: [{ id: 1 }, { id: 2 }], alarms: [] },
  });
  const withoutHeader = { origin: memberOrigin };
  const withoutOrigin = { 'x-conclave-page': 'cluster' };
  for (const headers of [{}, withoutHeader, withoutOrigin]) {
    t.match(await ask('/api/v1/admin/transfer', headers, { node: null }), { status: 401 });
    t.match(await ask('/api/v1/admin/kill', headers, {}), { status: 401 });
  }
  t.equal(kills, 0);
  t.match(await ask('/api/v1/admin/transfer', pageHeaders, { node: null }), { status: 200 });
  t.match(newest(), { by: { kind: 'page' }, action: 'transfer', outcome: 'done' });
  t.match(await ask('/api/v1/admin/users', pageHeaders), { status: 401 }, 'people are not part of the show');
  t.match(await ask('/api/v1/admin/role', pageHeaders, { user: 'eve', administrator: true }), {
    status: 401,
  });
});

t.test('kill: the node says so, notes it, and ends; in any other profile it refuses', async (t) => {
  t.match(await ask('/api/v1/admin/kill', pageHeaders, {}), { status: 200 });
  t.match(newest(), { by: { kind: 'page' }, action: 'kill', subject: 'node 1', outcome: 'done' });
  await until(() => kills === 1);
  const serious = await startNodes(1, { profile: 'production' }, { killSelf });
  t.teardown(serious.stop);
  const [node] = serious.nodes;
  const port = node?.httpPort ?? 0;
  t.match(await ask('/api/v1/admin/cluster', pageHeaders, undefined, port), { status: 401 });
  t.match(await ask('/api/v1/admin/kill', pageHeaders, {}, port), { status: 401 });
  const client = new OperatorClient([{ host: '127.0.0.1', port }], testOperatorKey, httpCaller);
  t.match(await client.ask({ method: 'POST', path: '/admin/kill', body: {} }), {
    kind: 'refused',
    code: 'DENIED',
  });
  t.match(node?.engine.machine.actions(), [{ action: 'kill', outcome: 'DENIED' }]);
  t.equal(kills, 1);
});

t.test('log of actions: newest first, in pages, for those who may look after the cluster', async (t) => {
  const page = async (query: string) => {
    const answer = await operator.ask({ method: 'GET', path: `/admin/log${query}` });
    if (answer.kind !== 'done') throw new Error(`not answered: ${answer.text}`);
    return answer.value as { actions: { number: number; action: string }[]; more: boolean };
  };
  const { actions, more } = await page('');
  t.equal(more, false);
  t.equal(actions[0]?.action, 'kill');
  t.equal(actions.length, one.engine.machine.actions().length);
  t.same((await page(`?before=${actions[1]?.number}`)).actions, actions.slice(2));
  t.match(await operator.ask({ method: 'GET', path: '/admin/log?before=x' }), { code: 'BAD_REQUEST' });
  const table = formatActions(readActions(await page(''))?.actions ?? []);
  t.match(table, /^when .*\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ {2}\(page\) +kill node 1 +1 +done$/m);
  t.match(table, /Z {2}ann +unlock eve +1 +done$/m);
  t.match(table, /Z {2}\(cluster key\) +grant nobody +1 +UNKNOWN_USER$/m);
  t.equal(readActions({ actions: [{}], more: false }), null);
});

t.test('log of actions: an export is in it, though it changes nothing', async (t) => {
  const failure = await operator.read('/admin/export', async (pieces) => {
    for await (const piece of pieces) t.ok(piece.length > 0);
  });
  t.equal(failure, null);
  t.match(newest(), { by: { kind: 'operator' }, action: 'export', outcome: 'done' });
});

t.test(
  'log of actions: disks too full for a line do not keep an operator from doing something about them',
  async (t) => {
    const noted = newest()?.number;
    const journal = new ActionJournal({
      node: 1,
      clock: systemClock,
      logger: silentLogger,
      proposeOwn: async () => ({ kind: 'refused', code: 'LOW_SPACE' }),
    });
    const action = { action: 'members remove', subject: 'node 3' };
    t.same(await journal.begin({ kind: 'operator' }, action), { kind: 'unnoted' });
    t.equal(newest()?.number, noted);
  },
);

t.test('log of actions: without a majority nothing is noted, and so nothing is done', async (t) => {
  const { length } = one.engine.changes;
  cluster.majority = false;
  const change = { kind: 'remove', node: 2 };
  const tag = 'cd'.repeat(16);
  t.match(await operator.ask({ method: 'POST', path: '/admin/members', body: { tag, change } }), {
    kind: 'unreachable',
  });
  cluster.majority = true;
  t.equal(one.engine.changes.length, length);
  t.match(await operator.ask({ method: 'POST', path: '/admin/members', body: { tag, change } }), {
    kind: 'done',
  });
  t.match(newest(), { action: 'members remove', subject: 'node 2', outcome: 'done' });
});
