/** Two people and more on a real cluster, by plain TCP on every node: the pipe dialect to the letter. */
import t from 'tap';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import { LineClient } from './support/line-client.ts';
import { patienceOfFileMs } from './support/patience.ts';

const unavailable = 'Error UNAVAILABLE: Service unavailable: no leader, try again.';
/** The promise is 5 seconds for the answer; the rest is for a busy machine. */
const answeredMs = 8_000;

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({ label: 'chat' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(20));
});

const open = (id: number): Promise<LineClient> => LineClient.open(cluster.node(id).chatPort);

t.test('founding: three empty nodes elect one leader that all of them know', async (t) => {
  const leader = await cluster.leader();
  await cluster.converged();
  for (const { id } of cluster.nodes) {
    const status = await cluster.status(id);
    t.match(status, { id, leader: leader.id, term: leader.term, alarms: [] });
    t.equal(status?.role, id === leader.id ? 'leader' : 'follower');
  }
});

t.test('pipe: a whole conversation on each node, answered to the letter', async (t) => {
  for (const { id } of cluster.nodes) {
    const [ann, bob] = [`ann${id}`, `bob${id}`];
    const line = await open(id);
    t.equal(await line.ask(`d|${bob}|hi`), 'Please log in to send a message!');
    t.equal(await line.ask(`1|${ann}|pw|with|bars`), `New account created! User ID: ${ann}. Please log in.`);
    t.equal(await line.ask(`1|${ann.toUpperCase()}|pw`), `Account ${ann.toUpperCase()} already exists!`);
    t.equal(await line.ask('1|a|pw'), 'Username must be alphanumeric and 2-20 characters!');
    t.equal(await line.ask(`1|${bob}|pw`), `New account created! User ID: ${bob}. Please log in.`);
    t.equal(await line.ask(`2|${ann}|wrong`), 'Incorrect username or password. Please try again.');
    t.equal(await line.ask('2|nobody|pw'), 'Incorrect username or password. Please try again.');
    t.equal(await line.ask(`2|${ann}|pw|with|bars`), `Login successful - welcome back ${ann}!`);
    t.equal(await line.ask(`2|${bob}|pw`), 'Please log out first!');
    t.equal(await line.ask(`1|eve${id}|pw`), 'Please disconnect first!');
    t.equal(
      await line.ask(`d|${bob}|one|two  three`),
      `Message will be delivered to ${bob} after the account is online.`,
    );
    t.equal(await line.ask('d|nobody|hi'), 'Message failed to send! Verify recipient username.');
    t.same(await line.list(`6|${bob}`), [`[${ann}] one|two  three`]);
    t.same(await line.list('5|zz'), ['No usernames starting with zz']);
    t.same(await line.list(`5|${ann}`), [`${ann} (live)`]);
    t.equal(await line.ask(`3|${bob}`), 'You can only delete your own account.');
    t.equal(await line.ask('what?'), 'Invalid request, use "h" for usage help!');
    t.match(await line.ask('d|onlytwo'), /^Invalid arguments! Usage: /);
    t.equal(await line.ask(`3|${ann}`), `Account ${ann} has been deleted.`);
    line.close();
  }
});

t.test('delivery: pending at login on another node, then live from node to node', async (t) => {
  const [ann, bob] = [await open(1), await open(2)];
  t.equal(await ann.ask('1|anna|pw'), 'New account created! User ID: anna. Please log in.');
  t.equal(await ann.ask('1|bert|pw'), 'New account created! User ID: bert. Please log in.');
  t.equal(await ann.ask('2|anna|pw'), 'Login successful - welcome back anna!');
  t.equal(await ann.ask('d|bert|first'), 'Message will be delivered to bert after the account is online.');
  t.equal(await ann.ask('d|bert|second'), 'Message will be delivered to bert after the account is online.');
  t.equal(await bob.ask('2|bert|pw'), 'Login successful - welcome back bert!');
  t.equal(await bob.next(), '[anna] first', 'pending messages follow the login, oldest first');
  t.equal(await bob.next(), '[anna] second');
  await until('node 1 knows that bert is online', answeredMs, async () => {
    return (await ann.list('5|bert'))[0] === 'bert (live)';
  });
  for (let round = 1; round <= 20; round++) {
    ann.send(`d|bert|ping ${round}`);
    t.equal(await bob.next(), `[anna] ping ${round}`);
    t.equal(await ann.next(), 'Message sent to bert.');
    bob.send(`d|anna|pong ${round}`);
    t.equal(await ann.next(), `[bert] pong ${round}`);
    t.equal(await bob.next(), 'Message sent to anna.');
  }
  const onThree = await open(3);
  t.equal(await onThree.ask('2|anna|pw'), 'Login successful - welcome back anna!');
  const lines = await onThree.list('6|bert|3');
  // What her other connection has taken a moment ago may be pushed here once more, before the list.
  t.same(
    lines.slice(-3),
    ['[bert] pong 19', '[anna] ping 20', '[bert] pong 20'],
    'read back on a third node',
  );
  for (const line of [ann, bob, onThree]) line.close();
});

t.test(
  'input: what no dialect allows is refused, and only where it must be is the line closed',
  async (t) => {
    const line = await open(1);
    line.sendBytes(Uint8Array.from([0x34, 0xff, 0x0a]));
    t.match(await line.next(), /^Error BAD_ENCODING: /);
    line.sendBytes(Uint8Array.from([0x35, 0x7c, 0x00, 0x0a]));
    t.match(await line.next(), /^Error BAD_ENCODING: /, 'a NUL; the connection has stayed');
    line.send(`5|${'x'.repeat(9_000)}`);
    t.match(await line.next(), /^Error LINE_TOO_LONG: /);
    await line.closed();
    t.ok(line.isClosed, 'a line over 8 KiB closes');
  },
);

t.test('presence: who is online is known everywhere, and again after the leader was killed', async (t) => {
  const victim = await cluster.leader();
  const others = cluster.nodes.map((node) => node.id).filter((id) => id !== victim.id);
  const lines = new Map<number, LineClient>();
  for (const { id } of cluster.nodes) {
    const line = await open(id);
    t.match(await line.ask(`1|seen${id}|pw`), /^New account created!/);
    t.match(await line.ask(`2|seen${id}|pw`), /^Login successful/);
    lines.set(id, line);
  }
  const listOn = async (id: number): Promise<string> => {
    const list = (await lines.get(id)?.list('5|seen')) ?? [];
    return list.join(', ');
  };
  for (const { id } of cluster.nodes) {
    await until(`node ${id} sees all three`, answeredMs, async () => {
      return (await listOn(id)) === 'seen1 (live), seen2 (live), seen3 (live)';
    });
    const users = await lines.get(id)?.list('4');
    t.ok(users?.includes('seen2 ✅'), 'and the user list shows it');
  }
  await cluster.end(victim.id, 'SIGKILL');
  const successor = await cluster.leader(victim.term);
  const ledMs = performance.now();
  const expected = cluster.nodes
    .map(({ id }) => (id === victim.id ? `seen${id}` : `seen${id} (live)`))
    .join(', ');
  for (const id of others) {
    await until(`node ${id} sees ${expected}`, answeredMs, async () => (await listOn(id)) === expected);
  }
  t.comment(`correct ${(performance.now() - ledMs).toFixed(0)} ms after node ${successor.id} led`);
  await cluster.restart(victim.id);
  for (const line of lines.values()) line.close();
});

t.test('no majority: writes and reads are refused in time, the connection stays', async (t) => {
  await cluster.converged();
  const leader = await cluster.leader();
  const [left = 0, gone = 0] = cluster.nodes.map((node) => node.id).filter((id) => id !== leader.id);
  const [line, reader, stranger] = await Promise.all([open(left), open(left), open(left)]);
  t.match(await line.ask('1|lonely|pw'), /^New account created!/);
  t.match(await line.ask('1|friend|pw'), /^New account created!/);
  t.match(await line.ask('2|lonely|pw'), /^Login successful/);
  t.match(await reader.ask('2|lonely|pw'), /^Login successful/);
  await Promise.all([cluster.end(leader.id, 'SIGKILL'), cluster.end(gone, 'SIGKILL')]);
  const answers = Promise.all([
    line.ask('d|friend|hello?', answeredMs),
    reader.ask('6|friend', answeredMs),
    stranger.ask('2|lonely|pw', answeredMs),
  ]);
  t.same(await answers, [unavailable, unavailable, unavailable], 'a write, a read and a login');
  t.ok((await line.list('h')).length > 5, 'help still works');
  cluster.run(leader.id);
  cluster.run(gone);
  await cluster.allReady();
  await cluster.leader();
  const later = 'Message will be delivered to friend after the account is online.';
  t.equal(await line.ask('d|friend|again'), later, 'the same connection, still logged in');
  t.same(await line.list('6|friend'), ['[lonely] again'], 'what was refused did not happen');
  for (const open of [line, reader, stranger]) open.close();
});
