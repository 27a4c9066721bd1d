import t from 'tap';
import { parseTokenLine } from '../../../src/cli/dialogues/token-desk.ts';
import { startNodes, type TestNode, tellAddresses } from '../../support/gateway.ts';
import { NativeClient, newSession } from '../../support/native-client.ts';
import { Person } from '../support/person.ts';

t.test('token lines: what they ask, and that everything else is left to the dialect', async (t) => {
  t.same(parseTokenLine('tokens'), { kind: 'ask', request: { op: 'tokens' } });
  t.same(parseTokenLine('revoke|7'), { kind: 'ask', request: { op: 'revoke-token', id: 7 } });
  t.same(parseTokenLine('token|my bot|read send'), { kind: 'create', name: 'my bot', scopes: 'read send' });
  for (const line of ['token', 'token|x', 'token||read', 'token|x|', 'revoke|x', 'd|token|read']) {
    t.equal(parseTokenLine(line), null, line);
  }
});

t.test(
  'token lines: a token is made at the terminal, opens what it should, and is revoked there',
  async (t) => {
    const { nodes, stop } = await startNodes(2);
    t.teardown(stop);
    tellAddresses(nodes);
    const [first, second] = nodes as [TestNode, TestNode];
    const ann = new Person(t, first, 'pipe');
    for (const line of ['1|ann|pw', '2|ann|pw']) {
      await ann.types(line);
      await ann.reads();
    }
    t.equal(await ann.types('tokens'), 'accepted');
    t.equal(await ann.reads(), 'No access tokens.');
    await ann.types('token|my bot|read send');
    const [, id = '', token = ''] = /^Token (\d+): (cvt_[0-9a-f]{64})$/.exec(await ann.reads()) ?? [];
    t.match(await ann.reads(), /^It is shown this once/);
    const bot = await NativeClient.greet(second.httpPort, newSession());
    t.match(await bot.change({ op: 'enter-token', token }), { ok: true, value: { user: 'ann' } });
    await ann.types('tokens');
    t.match(await ann.reads(), /^\d+ my bot: read send, last used \d{4}-\d\d-\d\d$/);
    t.equal(await ann.types('token|my bot|read'), 'rejected');
    await ann.reads();
    await ann.types(`revoke|${id}`);
    t.equal(await ann.reads(), `Token ${id} is revoked.`);
    t.equal((await bot.closed()).reason, 'SESSION_ENDED');
    t.equal(await ann.types('token|x|everything'), 'rejected');
  },
);
