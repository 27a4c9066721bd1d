/** The client library with a token in place of a login, as a bot uses it. */
import t from 'tap';
import { encodeProposal } from '../../../src/chat/codecs/codec.ts';
import { connect, type Session } from '../../../src/client/index.ts';
import { MessageStream } from '../../../src/client/message-stream.ts';
import type { Status } from '../../../src/client/status.ts';
import { hashSecret } from '../../../src/gateway/secrets/identifiers.ts';
import type { MessageEntry } from '../../../src/protocol/requests.ts';
import { startNodes, type TestNode, tellAddresses } from '../../support/gateway.ts';
import { NativeClient } from '../../support/native-client.ts';
import { call, join, textOf } from '../api/support/http-caller.ts';

const { nodes, stop } = await startNodes(3);
tellAddresses(nodes);
t.teardown(stop);
const [first, second] = nodes as [TestNode, TestNode, TestNode];
const addresses = nodes.map(({ httpPort: port }) => ({ host: '127.0.0.1', port }));

async function tokenOf(login: string, scopes: readonly string[]): Promise<{ id: unknown; token: string }> {
  const made = await call(first, 'POST', '/tokens', { name: scopes.join(' '), scopes }, { token: login });
  return { id: made.body?.id, token: textOf(made, 'token') };
}

/** As the session itself would end, without the client's knowing. */
function logoutOf({ id: session, secret }: Session, sequence: number): Uint8Array {
  const numbering = { session, secretHash: hashSecret(secret), sequence, lowest: sequence };
  return encodeProposal({ numbering, actor: null, command: { kind: 'logout' } });
}

t.test(
  'client: a token is shown before whatever was asked first, and messages come by for await',
  async (t) => {
    const { token } = await tokenOf(await join(first, 'echo'), ['read', 'send']);
    const ann = await NativeClient.join(second.httpPort, 'ann');
    const bot = connect({ nodes: addresses, token });
    t.match(await bot.send('ann', 'here I am'), { kind: 'receipt' }, 'asked at once');
    t.equal(bot.user, 'echo');
    await ann.change({ op: 'send', to: 'echo', text: 'one' });
    await ann.change({ op: 'send', to: 'echo', text: 'two' });
    const got: string[] = [];
    for await (const { from, text } of bot.messages()) {
      if (from !== 'echo') got.push(text);
      if (text === 'two') break;
    }
    t.same(got, ['one', 'two']);
    const again: string[] = [];
    for await (const { text } of bot.messages()) {
      again.push(text);
      break;
    }
    t.same(again, ['two'], 'what a loop was left at was not taken care of');
    await bot.close();
    ann.destroy();
  },
);

t.test('client: a session that was lost begins anew with the token, until that is revoked', async (t) => {
  const login = await join(first, 'bea');
  const { id, token } = await tokenOf(login, ['read', 'send']);
  const statuses: Status[] = [];
  let wake = (): void => undefined;
  const bot = connect({
    nodes: addresses,
    token,
    onStatus: (status) => {
      statuses.push(status);
      wake();
    },
  });
  const told = async (kind: Status['kind']): Promise<void> => {
    while (!statuses.some((status) => status.kind === kind))
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  await bot.send('bea', 'one');
  const session = bot.session.id;
  await first.engine.propose(logoutOf(bot.session, 3));
  await told('session-lost');
  t.match(await bot.send('bea', 'two'), { kind: 'receipt' });
  t.not(bot.session.id, session);
  await call(second, 'DELETE', `/tokens/${id}`, undefined, { token: login });
  await told('token-refused');
  t.match(await bot.send('bea', 'three'), { kind: 'rejection', code: 'AUTH_REQUIRED' });
  await bot.close();
});

t.test('client: a loop over messages ends behind what is there when the client is closed', async (t) => {
  const stream = new MessageStream();
  const message = (text: string) => ({ text }) as MessageEntry;
  const handled: string[] = [];
  const offer = (text: string) =>
    void Promise.resolve(stream.handler(message(text))).then(() => handled.push(text));
  offer('one');
  const texts: string[] = [];
  for await (const { text } of stream) {
    t.same(handled, texts, 'handled when the next one is asked for');
    texts.push(text);
    if (text === 'one') offer('two');
    else stream.end();
  }
  t.same(texts, ['one', 'two']);
});
