/** Every row of the line dialects, to the letter, on a real cluster: by transcripts, each on all three nodes, and through the death of the leader. */
import { readFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import t from 'tap';
import { freePorts } from '../../scripts/support/ports.ts';
import { type FixedListener, RealCluster } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import { type Asserts, Transcript } from '../gateway/lines/support/transcript.ts';
import { LineClient } from './support/line-client.ts';
import { patienceOfFileMs } from './support/patience.ts';

const listeners: readonly FixedListener[] = [
  { dialect: 'pipe' },
  { dialect: 'messenger', dialBack: true },
  { dialect: 'slash' },
  { dialect: 'words' },
  { dialect: 'registry' },
];

/** For what takes a moment; the rest is for a busy machine. */
const patienceOfStepMs = 30_000;

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({
  label: 'dialects',
  listeners,
  config: { limits: { broadcastMs: 3_000 } },
});
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(20));
});

/** Nodes by what they are at the time. */
const roles = new Map<string, number>();

/** `2`: the chat port of node 2; `2/slash`: its listener of that dialect; `leader`: the chat port of that node. */
function portOf(place: string): number {
  const [node = '', dialect] = place.split('/');
  const { chatPort, listeners: fixed = [] } = cluster.node(roles.get(node) ?? Number(node));
  if (dialect === undefined) return chatPort;
  return fixed.find((listener) => listener.dialect === dialect)?.port ?? 0;
}

function startTalk(test: Asserts & { teardown(action: () => void): unknown }): Transcript {
  const talk = new Transcript(test, portOf);
  test.teardown(() => talk.close());
  return talk;
}

function script(name: string): Promise<string> {
  return readFile(new URL(`transcripts/${name}.txt`, import.meta.url), 'utf8');
}

// In this order: the first finds the cluster empty, and each lists what those before it have left.
for (const name of ['slash', 'pipe', 'messenger', 'words', 'registry', 'listeners']) {
  t.test(`${name}: each of its rows, to the letter, on three nodes`, async (t) => {
    const talk = startTalk(t);
    for (const { id } of cluster.nodes) talk.define(`port${id}`, String(portOf(String(id))));
    await talk.play(await script(name));
  });
}

const refusals = [
  { dialect: 'pipe', encoding: /^Error BAD_ENCODING: ./, tooLong: /^Error LINE_TOO_LONG: ./ },
  { dialect: 'messenger', encoding: /^9\|./, tooLong: /^9\|./ },
  { dialect: 'slash', encoding: /^ERROR: ./, tooLong: /^ERROR: ./ },
  { dialect: 'words', encoding: /^[A-Z][^|:]+$/, tooLong: /^[A-Z][^|:]+$/ },
  { dialect: 'registry', encoding: /^FAILED$/, tooLong: /^FAILED$/ },
];

t.test(
  'input: what no dialect allows is refused in the form of each; only too long a line closes',
  async (t) => {
    for (const [at, { dialect, encoding, tooLong }] of refusals.entries()) {
      const line = await LineClient.open(portOf(`${(at % 3) + 1}/${dialect}`));
      line.sendBytes(Uint8Array.from([0x34, 0xff, 0x0a]));
      t.match(await line.next(), encoding, `${dialect}: not UTF-8`);
      line.sendBytes(Uint8Array.from([0x35, 0x00, 0x0a]));
      t.match(await line.next(), encoding, `${dialect}: a NUL, and the connection has stayed`);
      line.send('x'.repeat(9_000));
      t.match(await line.next(), tooLong, `${dialect}: a line over 8 KiB`);
      await line.closed();
      await t.rejects(line.next(), /ended/, `${dialect}: closed`);
    }
  },
);

t.test('messenger: PORT, and the node connects back to the address of the client', async (t) => {
  const [port = 0] = await freePorts(1);
  const background = await listenOnce(port);
  t.teardown(() => background.server.close());
  const talk = startTalk(t);
  await talk.play(`
    m@2/messenger
    m> USR|mback|pw|Back
    m< 0|OK
    m> LOG|mback|pw
    m< 0|OK
    m> PORT|80
    m< 1|Port not allowed
    m> PORT|${port}
    m< OK
    s@3/messenger
    s> USR|mfore|pw|Fore
    s< 0|OK
    s> LOG|mfore|pw
    s< 0|OK
    s> MSG|mfore|mback|by the back door
    s< 0|000001
  `);
  const socket = await background.socket;
  t.teardown(() => socket.destroy());
  const [chunk] = await new Promise<readonly [string]>((resolve) => {
    socket.setEncoding('utf8').once('data', (text: string) => resolve([text]));
  });
  t.equal(chunk, 'R|mfore|000001|by the back door\n');
  socket.write('0|000001\n');
  await talk.play('s< OK|mfore|mback|000001\ns> 0|OK');
});

function listenOnce(port: number): Promise<{ readonly server: Server; readonly socket: Promise<Socket> }> {
  const server = createServer();
  const socket = new Promise<Socket>((resolve) => server.once('connection', resolve));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve({ server, socket }));
  });
}

t.test(
  'failover: what was pending when the leader died comes once in every dialect, and without a majority each says so',
  async (t) => {
    const talk = startTalk(t);
    const leader = await cluster.leader();
    const others = cluster.nodes.map(({ id }) => id).filter((id) => id !== leader.id);
    for (const [at, role] of ['second', 'third'].entries()) roles.set(role, others[at] ?? 0);
    roles.set('leader', leader.id);
    await talk.play(await script('before-failover'));
    await cluster.end(leader.id);
    await cluster.leader(leader.term);
    await talk.play(await script('after-failover'));

    await cluster.end(roles.get('second') ?? 0);
    const third = roles.get('third') ?? 0;
    await until('the last node knows that there is no leader', patienceOfStepMs, async () => {
      const status = await cluster.status(third);
      return status?.leader === null && status.role !== 'leader';
    });
    await talk.play(await script('no-majority'));
  },
);
