/** Groups on a real cluster: three people on three nodes, the leader killed in mid-conversation, nothing lost, doubled or out of order. */
import t from 'tap';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import { type Client, type ClientEvent, connect } from '../../src/client/index.ts';
import { LineClient } from './support/line-client.ts';
import { patienceOfFileMs } from './support/patience.ts';

/** For what takes a moment; the rest is for a busy machine. */
const patienceOfStepMs = 30_000;

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({ label: 'groups' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(20));
});

interface Person {
  readonly name: string;
  readonly client: Client;
  readonly heard: string[];
  readonly events: ClientEvent[];
}

async function enter(name: string): Promise<Person> {
  const client = connect({ nodes: cluster.httpAddresses });
  const heard: string[] = [];
  const events: ClientEvent[] = [];
  client.onMessage(({ to, from, text }) => void heard.push(`${to} ${from}: ${text}`));
  client.onEvent((event) => events.push(event));
  await client.register(name, 'password');
  const login = await client.login(name, 'password');
  if (login.kind !== 'receipt') throw new Error(login.text);
  return { name, client, heard, events };
}

t.test('groups: what is said through a failover reaches every member once and in one order', async (t) => {
  const people = await Promise.all(['ann', 'bob', 'cy'].map(enter));
  const [ann, bob, cy] = people;
  if (ann === undefined || bob === undefined || cy === undefined) throw new Error('three people');
  t.match(await ann.client.createGroup('team', 'secret'), { value: { group: 'team' } });
  t.match(await bob.client.joinGroup('team', 'wrong'), { code: 'GROUP_PASSWORD_WRONG' });
  for (const { client } of [bob, cy]) t.match(await client.joinGroup('TEAM', 'secret'), { kind: 'receipt' });
  const leader = await cluster.leader();
  const other = cluster.nodes.find(({ id }) => id !== leader.id)?.id ?? 0;
  const line = await LineClient.open(cluster.node(other).chatPort);
  await line.ask('1|dora|password');
  await line.ask('2|dora|password');
  t.equal(await line.ask('j|#team|secret'), 'Joined group #team.');

  const rounds = 60;
  const sent: string[] = [];
  const say = async (person: Person): Promise<void> => {
    for (let round = 1; round <= rounds; round++) {
      t.match(await person.client.send('#team', `${round}`), { kind: 'receipt' });
      sent.push(`#team ${person.name}: ${round}`);
      if (person === ann && round === rounds / 2) await cluster.end(leader.id);
    }
  };
  await Promise.all([say(ann), say(bob)]);
  const all = () => people.every(({ heard }) => heard.length >= sent.length);
  await until('everyone has heard everything', patienceOfStepMs, async () => all());
  t.same([...ann.heard].sort(), [...sent].sort(), 'each once');
  for (const { heard } of [bob, cy]) t.same(heard, ann.heard, 'in one order');
  const onLine: string[] = [];
  while (onLine.length < sent.length) onLine.push(await line.next());
  t.same(
    onLine,
    ann.heard.map((heard) => heard.replace(/^(#team \w+): /, '[$1] ')),
    'on a plain line too',
  );
  const history = await cy.client.history('#team', { limit: 1_000 });
  if (history.kind !== 'receipt') throw new Error(history.text);
  t.same(
    history.value.messages.map(({ to, from, text }) => `${to} ${from}: ${text}`),
    ann.heard,
  );

  const last = history.value.messages.at(-1);
  t.match(await cy.client.conversations(), {
    value: { conversations: [{ name: '#team', lastSequence: sent.length, unread: sent.length }] },
  });
  cy.client.markRead(last?.conversation ?? '', last?.sequence ?? 0);
  await until('all is read', patienceOfStepMs, async () => {
    const own = await cy.client.conversations();
    return own.kind === 'receipt' && own.value.conversations[0]?.unread === 0;
  });
  line.close();
  for (const { client } of people) await client.close();
  await cluster.restart(leader.id);
  await cluster.converged();
});

t.test('pipe: each row about groups, to the letter, on three nodes', async (t) => {
  const lines = await Promise.all(
    ['eve', 'fay', 'gus'].map(async (name, at) => {
      const line = await LineClient.open(cluster.nodes[at]?.chatPort ?? 0);
      t.equal(await line.ask('j|#club'), 'Please log in first!');
      t.equal(await line.ask('d|#club|hi'), 'Please log in to send a message!');
      t.equal(await line.ask('6|#club'), 'Please log in first!');
      await line.ask(`1|${name}|password`);
      await line.ask(`2|${name}|password`);
      return line;
    }),
  );
  const [eve, fay, gus] = lines;
  if (eve === undefined || fay === undefined || gus === undefined) throw new Error('three lines');
  t.equal(await eve.ask('j|#club|open|sesame'), 'Joined group #club.');
  t.equal(await fay.ask('j|#CLUB|open|sesame'), 'Joined group #club.');
  t.equal(await gus.ask('j|#club|open'), 'Group password wrong.');
  t.equal(await gus.ask('j|#club'), 'Group password wrong.');
  t.equal(await gus.ask('d|#club|hi'), 'Message failed to send! Verify recipient username.');
  t.equal(await gus.ask('6|#club'), await gus.ask('6|#nothing'));
  t.equal(await gus.ask('j|club'), 'Invalid arguments! Usage: j|#group or j|#group|password');
  t.match(await gus.ask('j|#no group'), /^Error BAD_GROUP_NAME: /);
  t.equal(await eve.ask('d|#club|one | two'), 'Message sent to #club.');
  t.equal(await fay.next(), '[#club eve] one | two');
  t.equal(await fay.ask('d|#Club|three'), 'Message sent to #club.');
  t.equal(await eve.next(), '[#club fay] three');
  t.same(await eve.list('6|#club'), ['[#club eve] one | two', '[#club fay] three']);
  t.same(await fay.list('6|#club|1'), ['[#club fay] three']);
  for (const line of lines) line.close();
});
