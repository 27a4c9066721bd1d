/** Guests and bearers through the native protocol: they come in without a password, and a session is theirs like anybody's. */
import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { connect } from '../../../src/client/index.ts';
import type { ClientRequest, Reply } from '../../../src/protocol/requests.ts';
import { startNodes, tellAddresses } from '../../support/gateway.ts';
import { NativeClient, newSession } from '../../support/native-client.ts';

async function people(t: Test, overrides: Parameters<typeof startNodes>[1] = {}) {
  const { nodes, stop } = await startNodes(2, overrides);
  t.teardown(stop);
  tellAddresses(nodes);
  const join = (at: number) => {
    const client = connect({ nodes: `127.0.0.1:${nodes[at]?.httpPort}` });
    t.teardown(() => client.close());
    const ask = async (request: ClientRequest): Promise<string> => told(await client.request(request));
    return { client, ask };
  };
  return { nodes, join };
}

function told(reply: Reply): string {
  if (reply.kind !== 'receipt') return reply.kind === 'rejection' ? reply.code : 'unknown';
  return reply.value.op === 'login' ? `in as ${reply.value.user}` : reply.value.op;
}

t.test('entrance: a guest has what others have, until it leaves', async (t) => {
  const { join } = await people(t);
  const [sophia, jojo] = [join(0), join(1)];
  t.equal(await sophia.ask({ op: 'enter-guest', user: 'sophia' }), 'in as sophia');
  t.equal(await sophia.ask({ op: 'enter-guest', user: 'other' }), 'ALREADY_LOGGED_IN');
  t.equal(await jojo.ask({ op: 'enter-guest', user: 'Sophia' }), 'NAME_TAKEN');
  t.equal(
    await jojo.ask({ op: 'enter-guest', user: 'jojo' }),
    'in as jojo',
    'a refusal leaves the session as it was',
  );
  const heard = new Promise<string>((resolve) =>
    jojo.client.onMessage(({ from, text }) => resolve(`${from}: ${text}`)),
  );
  t.equal(await sophia.ask({ op: 'send', to: 'jojo', text: 'hi' }), 'send');
  t.equal(await heard, 'sophia: hi');
  t.equal(await sophia.ask({ op: 'delete', user: 'sophia' }), 'delete');
  t.equal(await sophia.ask({ op: 'enter-guest', user: 'sophia' }), 'in as sophia', 'the name is free again');
});

t.test('entrance: where no guests are admitted there are none', async (t) => {
  const { join } = await people(t, { guests: false });
  const eve = join(0);
  t.equal(await eve.ask({ op: 'enter-guest', user: 'eve' }), 'DENIED');
  t.equal(await eve.ask({ op: 'register', user: 'eve', password: 'pw' }), 'register', 'the session goes on');
});

t.test('entrance: a secret is one account, whoever shows it and however often', async (t) => {
  const { join } = await people(t);
  const [first, second] = [join(0), join(1)];
  const secret = randomUUID();
  const entered = await first.ask({ op: 'enter-bearer', secret });
  t.match(entered, /^in as user-[0-9a-f]{8}$/);
  t.equal(await second.ask({ op: 'enter-bearer', secret }), entered);
  t.equal(await join(0).ask({ op: 'enter-bearer', secret: 'a guess' }), 'BAD_CREDENTIALS');
  const stranger = await join(1).ask({ op: 'enter-bearer', secret: randomUUID() });
  t.not(stranger, entered);
});

t.test('entrance: asked on two nodes at once under one number, it is one guest and one answer', async (t) => {
  const { nodes } = await people(t);
  for (let round = 1; round <= 5; round++) {
    const credentials = newSession();
    const user = `nana${round}`;
    const replies = await Promise.all(
      nodes.map(async ({ httpPort }) => {
        const client = await NativeClient.greet(httpPort, credentials);
        const reply = await client.change({ op: 'enter-guest', user });
        client.destroy();
        return reply;
      }),
    );
    for (const reply of replies) t.match(reply, { ok: true, value: { op: 'login', user } });
  }
});

t.test('entrance: a name that somebody else has as a guest is taken, also for who asks again', async (t) => {
  const { nodes } = await people(t);
  const port = nodes[0]?.httpPort ?? 0;
  const first = await NativeClient.greet(port, newSession());
  t.match(await first.change({ op: 'enter-guest', user: 'nana' }), { ok: true });
  const credentials = newSession();
  for (let attempt = 1; attempt <= 2; attempt++) {
    const other = await NativeClient.greet(port, credentials);
    t.match(await other.change({ op: 'enter-guest', user: 'nana' }), { ok: false, code: 'NAME_TAKEN' });
    other.destroy();
  }
  first.destroy();
});

t.test(
  'entrance: what only one node refuses for its own reasons spoils nothing on another one',
  async (t) => {
    const limits = { halfLineMs: 10_000, silentMs: 300_000, registrationsPerAddress: 1 };
    const { nodes } = await people(t, { limits });
    const [full, free] = nodes.map(({ httpPort }) => httpPort);
    const filler = await NativeClient.greet(full ?? 0, newSession());
    t.match(await filler.change({ op: 'enter-guest', user: 'filler' }), { ok: true });
    const request = { op: 'enter-guest', user: 'nana' };
    const credentials = newSession();
    const ask = async (port = 0): Promise<unknown> => {
      const client = await NativeClient.greet(port, credentials);
      const reply = await client.change(request);
      client.destroy();
      return reply;
    };
    t.match(await ask(full), { ok: false, code: 'RATE_LIMITED' });
    t.match(await ask(free), { ok: true, value: { op: 'login', user: 'nana' } });
    t.match(
      await ask(full),
      { ok: true, value: { op: 'login', user: 'nana' } },
      'the first answer, whatever the limit',
    );
    filler.destroy();
  },
);
