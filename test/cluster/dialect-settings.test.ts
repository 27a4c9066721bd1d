/** The rows of the line dialects that depend on the configuration, to the letter, on a real cluster; and the slash dialect by WebSocket. */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { WebSocket } from 'ws';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import { Transcript } from '../gateway/lines/support/transcript.ts';
import { runAdmin } from './support/admin.ts';
import { patienceOfFileMs } from './support/patience.ts';

t.setTimeout(patienceOfFileMs);
const patienceOfStepMs = 30_000;

async function start(label: string, config: Readonly<Record<string, unknown>>): Promise<RealCluster> {
  const cluster = await RealCluster.start({ label, config, listeners: [{ dialect: 'slash' }] });
  t.teardown(() => cluster.dispose({ keep: !t.passing() }));
  return cluster;
}

t.test(
  'settings: invitations, one session a user, unknown users told, no guests: to the letter',
  async (t) => {
    const cluster = await start('settings', {
      sessions: 'single',
      revealUnknownUser: true,
      registration: 'invitation',
      guests: false,
    });
    const invited = await runAdmin(cluster, 'invite', '--uses', '10', '--json');
    t.equal(invited.code, 0, invited.text);
    const { code } = JSON.parse(invited.text) as { readonly code: string };
    const talk = new Transcript(t, (place) => cluster.node(Number(place)).chatPort);
    t.teardown(() => talk.close());
    talk.define('code', code);
    await talk.play(await readFile(new URL('transcripts/settings.txt', import.meta.url), 'utf8'));
  },
);

t.test('slash: by WebSocket on two nodes, where the first frame is a name', async (t) => {
  const cluster = await start('frames', {});
  for (const { id, listeners } of cluster.nodes) {
    const told = `WebSocket server started and listening on ws://127.0.0.1:${listeners?.[0]?.port}`;
    t.ok(
      cluster.process(id).output.some((line) => line.includes(told)),
      told,
    );
  }
  // On the listener, as clients of that system do, or on the HTTP port.
  const listener = cluster.node(1).listeners?.[0]?.port;
  const sophia = await Frames.open(`ws://127.0.0.1:${listener}`);
  const jojo = await Frames.open(slashOf(cluster, 2));
  t.equal(await sophia.ask('sophia'), 'SUCCESS: Username registered.');
  t.equal(await jojo.ask('sophia'), 'ERROR: Username already taken. Please choose another one.');
  await jojo.closed;
  const again = await Frames.open(slashOf(cluster, 3));
  t.equal(await again.ask('jojo'), 'SUCCESS: Username registered.');
  t.equal(await sophia.ask('/msg jojo hi'), 'Private message to jojo: hi');
  t.equal(await again.next(), 'Private message from sophia: hi');
  await again.ask('/create haha');
  t.equal(await sophia.ask('/join haha'), 'Joined group haha');
  t.equal(await sophia.ask('/group haha hello'), 'Group message to haha: hello');
  t.equal(await again.next(), '[Receive group haha message from sophia]: hello');
  t.equal(await again.ask('/quit'), 'SUCCESS: You have left the ChatSystem:)');
  await again.closed;
  sophia.close();
});

function slashOf(cluster: RealCluster, node: number): string {
  return `ws://127.0.0.1:${cluster.node(node).httpPort}/slash`;
}

class Frames {
  readonly #socket: WebSocket;
  readonly #frames: string[] = [];
  readonly closed: Promise<unknown>;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.on('message', (data) => this.#frames.push(String(data)));
  }

  static async open(address: string): Promise<Frames> {
    const socket = new WebSocket(address);
    const frames = new Frames(socket);
    await once(socket, 'open');
    return frames;
  }

  ask(text: string): Promise<string> {
    this.#socket.send(text);
    return this.next();
  }

  next(): Promise<string> {
    return until('a frame', patienceOfStepMs, () => this.#frames.shift() ?? null);
  }

  close(): void {
    this.#socket.close();
  }
}
