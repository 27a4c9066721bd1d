/** Programs on a real cluster whose leader is killed: the example bot, a reader of the stream of events, and one that is sent webhooks. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checkout } from '../../scripts/support/node-process.ts';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import { connect } from '../../src/client/index.ts';
import { call, join as joinOverHttp, textOf } from '../gateway/api/support/http-caller.ts';
import { EventReader, Receiver } from '../gateway/bots/support/programs.ts';
import { findCanaries } from './support/canaries.ts';
import { patienceOfFileMs } from './support/patience.ts';

t.setTimeout(patienceOfFileMs);
const patienceMs = 60_000;
const cluster = await RealCluster.start({ label: 'bots' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(20));
});

/** In hexadecimal: what must stand nowhere but in the hands of its owner. */
const secrets: string[] = [];

/** As a user starts it: plain Node, the package by its name. */
function startBot(token: string): ChildProcess {
  const built = join(checkout, 'dist', 'client', 'message-stream.js');
  if (!existsSync(built)) throw new Error('dist/ is older than the sources: npm install builds it');
  const nodes = cluster.httpAddresses.map(({ host, port }) => `${host}:${port}`).join(',');
  const { NODE_OPTIONS: _hooks, ...env } = process.env;
  const program = join(checkout, 'examples', 'echo-bot.js');
  const bot = spawn(process.execPath, [program, nodes], {
    cwd: checkout,
    env: { ...env, CONCLAVE_TOKEN: token },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  t.teardown(() => bot.kill('SIGKILL'));
  return bot;
}

t.test('bots: the leader is killed, and each message is answered, streamed and posted once', async (t) => {
  const leader = await cluster.leader();
  const follower = cluster.nodes.find(({ id }) => id !== leader.id) ?? cluster.node(leader.id);
  const login = await joinOverHttp(follower, 'echo');
  const scoped = async (name: string, ...scopes: string[]) =>
    textOf(await call(follower, 'POST', '/tokens', { name, scopes }, { token: login }), 'token');
  const receiver = await Receiver.open();
  t.teardown(() => receiver.close());
  const ann = connect({ nodes: cluster.httpAddresses });
  t.teardown(() => ann.close());
  await ann.register('ann', 'pw');
  await ann.login('ann', 'pw');
  const answers: string[] = [];
  ann.onMessage(({ from, text }) => {
    if (from === 'echo') answers.push(text);
  });
  const hook = { to: 'ann', name: 'out', url: receiver.url };
  const hooking = await scoped('hooks', 'hooks');
  const secret = textOf(await call(follower, 'POST', '/hooks', hook, { token: hooking }), 'secret');
  const reading = await scoped('reader', 'read');
  const before = await EventReader.open(cluster.node(leader.id), reading);
  await before.next('caught-up');
  const botToken = await scoped('bot', 'read', 'send');
  for (const token of [hooking, reading, botToken]) secrets.push(token.replace('cvt_', ''));
  secrets.push(Buffer.from(secret.replace('whsec_', ''), 'base64').toString('hex'));
  const bot = startBot(botToken);
  const answered = (count: number) =>
    until(`${count} answers`, patienceMs, async () => (answers.length >= count ? true : null));
  for (const text of ['one', 'two']) await ann.send('echo', text);
  await answered(2);
  await before.next('message', ({ data }) => data.text === 'two');

  await cluster.end(leader.id);
  await before.end();
  for (const text of ['three', 'four']) {
    const outcome = await ann.send('echo', text);
    t.equal(outcome.kind, 'receipt', text);
  }
  await answered(4);
  t.same(
    answers,
    ['one', 'two', 'three', 'four'].map((text) => `You said: ${text}`),
  );

  const after = await EventReader.open(follower, reading, { lastEventId: before.lastEventId });
  await after.next('message', ({ data }) => data.text === 'You said: four');
  after.close();
  const streamed = [...before.events, ...after.events].filter(({ name }) => name === 'message');
  const sequences = streamed.map(({ data }) => data.sequence);
  t.same(sequences, [1, 2, 3, 4, 5, 6, 7, 8], 'streamed once and in order, over two nodes');

  await receiver.next('You said: four');
  const posted = new Map(receiver.received.map(({ headers, text }) => [headers['webhook-id'], text]));
  t.equal(posted.size, 8, 'posted, each under an id of its own, whoever led');
  const order = [...posted.keys()].map((id) => Number(String(id).split('-').at(-1)));
  t.same(order, [1, 2, 3, 4, 5, 6, 7, 8]);

  const ended = new Promise((resolve) => bot.once('exit', resolve));
  bot.kill('SIGTERM');
  t.equal(await ended, 0, 'the bot ends cleanly');
});

t.test('bots: no access token and no secret of a webhook is in data or logs', async (t) => {
  await cluster.stopAll();
  t.equal(secrets.length, 4);
  t.same(await findCanaries(cluster.root, secrets), []);
  const printed = cluster.nodes.flatMap(({ id }) => cluster.process(id).output).join('\n');
  for (const secret of secrets) t.notOk(printed.includes(secret), 'nor was one printed');
  const control = Buffer.from('You said: four').toString('hex');
  t.ok((await findCanaries(cluster.root, [control])).length > 0, 'the search finds what is there');
});
