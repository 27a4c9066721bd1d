/** Files through the client library, over real HTTP, to nodes in this process. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { httpCaller, systemDigest } from '../../src/client/http-caller.ts';
import { type Client, connect, type FileSource, openSource, saveFile } from '../../src/client/index.ts';
import type { HttpAnswer, HttpCaller, HttpRequest } from '../../src/client/ports.ts';
import type { ServerAddress } from '../../src/client/server-pool.ts';
import { chunkBytes } from '../../src/protocol/manifest.ts';
import type { FileEntry, MessageEntry } from '../../src/protocol/requests.ts';
import { makeFile } from '../files/support/file-cluster.ts';
import { startNodes } from '../support/gateway.ts';

const { cluster, nodes, stop } = await startNodes(3);
t.teardown(stop);
const addresses = nodes.map(({ httpPort }) => ({ host: '127.0.0.1', port: httpPort }));

/** Calls to the nodes, with whatever a test does to them. */
class Wire implements HttpCaller {
  readonly calls: { readonly port: number; readonly method: string; readonly path: string }[] = [];
  /** Decides before each call; a rejection is a broken connection. */
  before: (address: ServerAddress, request: HttpRequest) => Promise<void> | void = () => undefined;
  /** The answer is lost, although the node did what was asked. */
  losesAnswerTo: (request: HttpRequest) => boolean = () => false;
  change: (answer: HttpAnswer) => HttpAnswer = (answer) => answer;

  async call(address: ServerAddress, request: HttpRequest): Promise<HttpAnswer> {
    this.calls.push({ port: address.port, method: request.method, path: request.path });
    await this.before(address, request);
    const answer = await httpCaller.call(address, request);
    if (this.losesAnswerTo(request)) throw new Error('the answer was lost');
    return this.change(answer);
  }

  puts(): readonly string[] {
    return this.calls.filter(({ method }) => method === 'PUT').map(({ path }) => path);
  }
}

interface Person {
  readonly client: Client;
  readonly wire: Wire;
  readonly got: MessageEntry[];
  next(): Promise<MessageEntry & { readonly file: FileEntry }>;
}

async function person(name: string): Promise<Person> {
  const wire = new Wire();
  const client = connect({ nodes: addresses, files: { http: wire, digest: systemDigest } });
  t.teardown(() => client.close());
  await client.register(name, 'pw');
  await client.login(name, 'pw');
  const got: MessageEntry[] = [];
  const waiting: ((message: MessageEntry) => void)[] = [];
  client.onMessage((message) => {
    if (message.from === name || message.file === undefined) return;
    const resolve = waiting.shift();
    if (resolve === undefined) got.push(message);
    else resolve(message);
  });
  const next: Person['next'] = async () => {
    const message = got.shift() ?? (await new Promise<MessageEntry>((resolve) => waiting.push(resolve)));
    const { file } = message;
    if (file === undefined) throw new Error('no file');
    return { ...message, file };
  };
  return { client, wire, got, next };
}

function source(content: Uint8Array, name = 'a.bin', type = ''): FileSource {
  return { name, type, bytes: content.length, read: async (from, to) => content.subarray(from, to) };
}

async function fetched(client: Client, file: FileEntry): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const outcome = await client.fetchFile(file, async (piece) => void pieces.push(piece));
  if (outcome.kind !== 'fetched') throw new Error(outcome.text);
  return Buffer.concat(pieces);
}

const [ann, bob] = [await person('ann'), await person('bob')];

t.test('client files: a file arrives as it was, with progress at both ends', async (t) => {
  const { content } = makeFile(3 * chunkBytes + 10, 21);
  const progress: number[] = [];
  const sent = await ann.client.sendFile(
    'bob',
    source(content, '../x/a.bin', 'Image/PNG'),
    (bytes, total) => {
      t.equal(total, content.length);
      progress.push(bytes);
    },
  );
  t.match(sent, { kind: 'receipt', value: { op: 'send-file', to: 'bob' } });
  t.equal(progress[0], 0);
  t.equal(progress.at(-1), content.length);
  t.strictSame(
    progress,
    [...progress].sort((a, b) => a - b),
  );
  const { file } = await bob.next();
  t.match(file, { name: 'a.bin', type: 'image/png', bytes: content.length });
  t.equal(Buffer.compare(await fetched(bob.client, file), content), 0);
});

t.test('client files: an empty one, and one of a single byte', async (t) => {
  for (const content of [new Uint8Array(0), Uint8Array.of(7)]) {
    t.match(await ann.client.sendFile('bob', source(content)), { kind: 'receipt' });
    const { file } = await bob.next();
    t.equal(Buffer.compare(await fetched(bob.client, file), content), 0);
  }
});

t.test('client files: nodes that break off every other call change nothing but the time', async (t) => {
  const { content } = makeFile(6 * chunkBytes, 22);
  let count = 0;
  ann.wire.before = () => {
    if (++count % 2 === 0) throw new Error('connection reset');
  };
  ann.wire.losesAnswerTo = () => count % 3 === 0;
  t.match(await ann.client.sendFile('bob', source(content)), { kind: 'receipt' });
  ann.wire.before = () => undefined;
  ann.wire.losesAnswerTo = () => false;
  const { file } = await bob.next();
  bob.wire.before = () => {
    if (++count % 2 === 0) throw new Error('connection reset');
  };
  t.equal(Buffer.compare(await fetched(bob.client, file), content), 0);
  bob.wire.before = () => undefined;
  const history = await bob.client.history('ann', { limit: 100 });
  if (history.kind !== 'receipt') throw new Error(history.text);
  const copies = history.value.messages.filter((message) => message.file?.manifest === file.manifest);
  t.equal(copies.length, 1, 'it came once');
});

t.test(
  'client files: a node that dies in the middle is left, and what was held is not sent again',
  async (t) => {
    const { content, manifest } = makeFile(8 * chunkBytes, 23);
    ann.wire.calls.length = 0;
    let dead: number | null = null;
    ann.wire.before = (address) => {
      if (ann.wire.puts().length > 4) dead ??= address.port;
      if (address.port === dead) throw new Error('connection refused');
    };
    t.match(await ann.client.sendFile('bob', source(content)), { kind: 'receipt' });
    ann.wire.before = () => undefined;
    t.not(dead, null);
    const puts = ann.wire.puts();
    const again = puts.length - new Set(puts).size;
    t.ok(again <= 3, `${again} chunks of ${manifest.chunks.length} were under way and sent again`);
    await bob.next();
  },
);

t.test('client files: one that was begun before is only finished', async (t) => {
  const { content } = makeFile(5 * chunkBytes, 24);
  const broken = source(content);
  const failing = {
    ...broken,
    read: async (from: number, to: number) => {
      if (from >= 3 * chunkBytes && ann.wire.puts().length > 0) throw new Error('the disk was pulled out');
      return broken.read(from, to);
    },
  };
  ann.wire.calls.length = 0;
  await t.rejects(ann.client.sendFile('bob', failing), { message: 'the disk was pulled out' });
  const before = new Set(ann.wire.puts());
  ann.wire.calls.length = 0;
  const progress: number[] = [];
  t.match(await ann.client.sendFile('bob', broken, (bytes) => progress.push(bytes)), { kind: 'receipt' });
  t.ok(before.size > 0 && ann.wire.puts().every((path) => !before.has(path)));
  t.equal(progress[0], before.size * chunkBytes, 'it begins where it was');
  await bob.next();
});

t.test('client files: what a node alters on the way is noticed', async (t) => {
  const { content } = makeFile(chunkBytes + 1, 25);
  await ann.client.sendFile('bob', source(content));
  const { file } = await bob.next();
  let altered = 0;
  bob.wire.change = (answer) => {
    if (answer.body.length !== chunkBytes || altered++ > 1) return answer;
    return { ...answer, body: Uint8Array.from(answer.body, (byte, at) => (at === 9 ? byte ^ 1 : byte)) };
  };
  t.equal(Buffer.compare(await fetched(bob.client, file), content), 0, 'asked again');
  bob.wire.change = (answer) => ({ ...answer, body: new Uint8Array(answer.body.length) });
  const outcome = await bob.client.fetchFile(file, async () => undefined);
  t.match(outcome, { kind: 'rejection', code: 'DATA_DAMAGED' });
  bob.wire.change = (answer) => answer;
});

t.test('client files: refusals come with their code', async (t) => {
  const small = source(Uint8Array.of(1, 2, 3));
  t.match(await ann.client.sendFile('zoe', small), { kind: 'rejection', code: 'UNKNOWN_USER' });
  t.match(await ann.client.sendFile('#nowhere', small), { kind: 'rejection', code: 'UNKNOWN_GROUP' });
  const large = { ...small, bytes: 2 ** 40 };
  t.match(await ann.client.sendFile('bob', large), { kind: 'rejection', code: 'TOO_LARGE' });
  const stranger = connect({ nodes: addresses });
  t.teardown(() => stranger.close());
  t.match(await stranger.sendFile('bob', small), { kind: 'rejection', code: 'AUTH_REQUIRED' });
  const none = { id: 999_999, name: 'a', type: 'a/b', bytes: 1, manifest: '0'.repeat(64) };
  const outcome = await bob.client.fetchFile(none, async () => undefined);
  t.match(outcome, { kind: 'rejection', code: 'UNKNOWN_FILE' });
});

t.test('client files: without a majority it waits, and goes on by itself', async (t) => {
  cluster.majority = false;
  const sending = ann.client.sendFile('bob', source(Uint8Array.of(1, 2, 3)));
  while (ann.wire.calls.length < 3) await new Promise((resolve) => setImmediate(resolve));
  cluster.majority = true;
  t.match(await sending, { kind: 'receipt' });
  await bob.next();
});

t.test(
  'client files: a client that gives up does so when nobody serves it, though they answer',
  async (t) => {
    const impatient = connect({ nodes: addresses, giveUpMs: 200 });
    t.teardown(() => impatient.close());
    await impatient.register('ida', 'pw');
    await impatient.login('ida', 'pw');
    cluster.majority = false;
    const outcome = await impatient.sendFile('bob', source(Uint8Array.of(9)));
    cluster.majority = true;
    t.match(outcome, { kind: 'rejection', code: 'UNAVAILABLE' });
  },
);

t.test('client files: one full disk is left for another node, and all full ones end it', async (t) => {
  const full = new Set([nodes[0]?.httpPort]);
  const refusal = Buffer.from(JSON.stringify({ code: 'LOW_SPACE', detail: 'no room' }));
  const { call } = ann.wire;
  ann.wire.call = (address, request) =>
    full.has(address.port)
      ? Promise.resolve({ status: 507, body: refusal })
      : call.call(ann.wire, address, request);
  t.match(await ann.client.sendFile('bob', source(Uint8Array.of(4, 5))), { kind: 'receipt' });
  for (const { httpPort } of nodes) full.add(httpPort);
  const outcome = await ann.client.sendFile('bob', source(Uint8Array.of(6)));
  ann.wire.call = call;
  t.match(outcome, { kind: 'rejection', code: 'LOW_SPACE', text: 'no room' });
  await bob.next();
});

t.test('client files: from a path to a path, whole, under a free name', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'conclave-files-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const { content } = makeFile(2 * chunkBytes + 3, 26);
  await writeFile(join(directory, 'photo.jpg'), content);
  const opened = await openSource(join(directory, 'photo.jpg'));
  t.match(await ann.client.sendFile('bob', opened), { kind: 'receipt' });
  await opened.close();
  const { file } = await bob.next();
  const path = await saveFile(directory, file.name, async (take) => {
    const outcome = await bob.client.fetchFile(file, take);
    t.equal(outcome.kind, 'fetched');
  });
  t.equal(path, join(directory, 'photo (2).jpg'));
  const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  t.equal(hash(await readFile(path)), hash(content));
  t.equal((await readdir(directory)).length, 2);
});
