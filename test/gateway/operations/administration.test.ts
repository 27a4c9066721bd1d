import { createHash } from 'node:crypto';
import t from 'tap';
import { accountKey } from '../../../src/chat/accounts/attempts.ts';
import { OperatorClient } from '../../../src/cli/cluster/operator-client.ts';
import { formatAccounts, readAccounts } from '../../../src/cli/commands/accounts-table.ts';
import { httpCaller } from '../../../src/client/http-caller.ts';
import { LineClient, startNodes, testOperatorKey, until } from '../../support/gateway.ts';
import { NativeClient, newSession } from '../../support/native-client.ts';

const { cluster, nodes, stop } = await startNodes(2, {
  registration: 'invitation',
  limits: {
    halfLineMs: 10_000,
    silentMs: 300_000,
    guessing: true,
    connectionsPerAddress: 0,
    newConnectionsPerAddress: 0,
    registrationsPerAddress: 0,
  },
});
t.teardown(stop);
const [one, two] = nodes;
if (one === undefined || two === undefined) throw new Error('two nodes');
const client = new OperatorClient([{ host: '127.0.0.1', port: one.httpPort }], testOperatorKey, httpCaller);

function hashOf(code: string): string {
  return createHash('sha256').update(code).digest('hex');
}

async function invite(code: string, uses = 1, lifetimeMs = 60_000) {
  return client.ask({
    method: 'POST',
    path: '/admin/invite',
    body: { codeHash: hashOf(code), uses, lifetimeMs },
  });
}

async function login(user: string, password: string) {
  const session = await NativeClient.greet(two?.httpPort ?? 0, newSession());
  const reply = await session.change({ op: 'login', user, password });
  session.destroy();
  return reply;
}

t.test('admin: an invitation lets so many people in, on any node and in any protocol', async (t) => {
  t.match(await invite('open-sesame', 2), { kind: 'done', value: { uses: 2 } });
  t.match(await invite('open-sesame', 2), { kind: 'done' }, 'asked again: the same one');
  const line = await LineClient.open(two.chatPort);
  t.same(await line.ask('invite open-sesame'), ['OK']);
  t.same(await line.ask('1|ann|pw'), ['New account created! User ID: ann. Please log in.']);
  line.destroy();
  const native = await NativeClient.greet(one.httpPort, newSession());
  const request = { op: 'register', password: 'pw', invitation: 'open-sesame' };
  t.match(await native.change({ ...request, user: 'bob', displayName: 'Bob' }), { ok: true });
  t.match(await native.change({ ...request, user: 'eve' }), { code: 'INVITATION_INVALID' });
  native.destroy();
  t.notOk(
    cluster.log.some(({ command }) => Buffer.from(command).includes('open-sesame')),
    'nobody knows the code',
  );
});

t.test(
  'admin: on the shared port an invitation comes first in every dialect, and decides none',
  async (t) => {
    const ways = [
      ['invite', 'register wanda wanda@example.org password', /^signed up successfully\.$/],
      ['invite', '1|peter|password', /^New account created! User ID: peter/],
      ['INVITE', 'USR|mara|password|Mara', /^0\|OK$/],
      ['invite', 'NEW_USER', /^[0-9a-f-]{36}$/],
    ] as const;
    for (const [verb, line, answer] of ways) {
      const code = `way-${line.slice(0, 3)}`;
      await invite(code);
      const client = await LineClient.open(one.chatPort);
      t.same(await client.ask(`${verb}${verb === 'invite' ? ' ' : '|'}${code}`), ['OK'], line);
      t.match(await client.ask(line), [answer], line);
      client.destroy();
    }
    const slash = await LineClient.open(two.chatPort);
    await invite('way-slash');
    t.match(await slash.ask('/invite way-slash'), [/OK/]);
    t.match(await slash.ask('/register sally password'), [/^SUCCESS: /]);
    slash.destroy();
  },
);

t.test('admin: an invitation expires by cluster time', async (t) => {
  await invite('late', 1, 60_000);
  cluster.aheadMs += 60_000;
  const native = await NativeClient.greet(one.httpPort, newSession());
  const request = { op: 'register', user: 'late', password: 'pw', invitation: 'late' };
  t.match(await native.change(request), { code: 'INVITATION_INVALID' });
  native.destroy();
});

t.test('admin: users shows who there is and who is locked out; unlock lets them try again', async (t) => {
  for (let failure = 0; failure < 5; failure++) await login('ann', 'no');
  t.match(await login('ann', 'pw'), { code: 'RATE_LIMITED' });
  await until(
    () =>
      one.engine.machine.attempt(accountKey(one.engine.machine.accountByName('ann')?.id ?? 0))?.blocks === 1,
  );
  const shown = await client.ask({ method: 'GET', path: '/admin/users?after=' });
  const rows = shown.kind === 'done' ? readAccounts(shown.value) : null;
  t.match(rows, {
    more: false,
    users: [
      { name: 'ann', access: 'limited', online: false, email: null },
      { name: 'bob', access: 'open', displayName: 'Bob' },
    ],
  });
  t.match(formatAccounts(rows?.users ?? []), /^name .*\nann {2,}member {2,}- {2,}no {2,}limited \(\d+ s\) /);
  t.notMatch(JSON.stringify(shown), /plain pw|passwordHash/, 'nothing that opens an account');
  const unlock = (user: string) => client.ask({ method: 'POST', path: '/admin/unlock', body: { user } });
  t.match(await unlock('ANN'), { kind: 'done', value: { name: 'ann', forgotten: 1 } });
  t.match(await login('ann', 'pw'), { ok: true });
  t.match(await unlock('nobody'), { kind: 'refused', code: 'UNKNOWN_USER' });
});

t.test('admin: users comes in pages, by name', async (t) => {
  const behind = await client.ask({ method: 'GET', path: '/admin/users?after=Ann' });
  t.match(behind, { kind: 'done', value: { users: [{ name: 'bob' }, { name: 'mara' }], more: false } });
});

t.test('admin: without the key nobody is let in, and a wrong body is refused', async (t) => {
  const stranger = new OperatorClient(
    [{ host: '127.0.0.1', port: one.httpPort }],
    new Uint8Array(32),
    httpCaller,
  );
  for (const path of ['/admin/users', '/admin/unlock', '/admin/invite']) {
    const method = path === '/admin/users' ? 'GET' : 'POST';
    t.match(await stranger.ask({ method, path }), { kind: 'refused', code: 'DENIED' }, path);
  }
  for (const body of [
    {},
    { codeHash: 'x', uses: 1, lifetimeMs: 1 },
    { codeHash: hashOf('a'), uses: 0, lifetimeMs: 1 },
  ]) {
    t.match(await client.ask({ method: 'POST', path: '/admin/invite', body }), { code: 'BAD_REQUEST' });
  }
  cluster.majority = false;
  t.match(await client.ask({ method: 'GET', path: '/admin/users' }), { kind: 'unreachable' });
  t.match(await invite('no majority'), { kind: 'unreachable' });
  cluster.majority = true;
});
