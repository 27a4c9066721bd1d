import t from 'tap';
import { parseRange } from '../../../src/gateway/api/byte-range.ts';
import { chunkBytes } from '../../../src/protocol/manifest.ts';
import { makeFile, type TestFile } from '../../files/support/file-cluster.ts';
import { startNodes, type TestNode } from '../../support/gateway.ts';
import { type Frame, NativeClient, newSession } from '../../support/native-client.ts';

const file = makeFile(2 * chunkBytes + 100);
const { nodes, stop } = await startNodes(3);
t.teardown(stop);
const [first, second, third] = nodes as [TestNode, TestNode, TestNode];

interface Person {
  readonly client: NativeClient;
  readonly authorization: string;
}

async function person(node: TestNode, name: string): Promise<Person> {
  const credentials = newSession();
  const client = await NativeClient.join(node.httpPort, name, credentials);
  return { client, authorization: `Bearer ${credentials.session}.${credentials.secret}` };
}

async function accepted(answer: Promise<Response>): Promise<void> {
  const { ok, status } = await answer;
  if (!ok) throw new Error(`the node answered ${status}`);
}

async function upload(node: TestNode, { authorization }: Person, { encoded, address, chunks }: TestFile) {
  const headers = { authorization, 'content-type': 'application/octet-stream' };
  const url = `http://127.0.0.1:${node.httpPort}/api/v1/files/uploads`;
  await accepted(fetch(url, { method: 'POST', headers, body: encoded }));
  for (const [place, body] of chunks.entries()) {
    await accepted(fetch(`${url}/${address}/chunks/${place}`, { method: 'PUT', headers, body }));
  }
}

function describe({ address, content }: TestFile, name = 'report.pdf', type = 'application/pdf'): Frame {
  return { op: 'send-file', name, type, bytes: content.length, manifest: address };
}

async function send(from: Person, to: string, sent: TestFile, name?: string, type?: string): Promise<number> {
  const { value } = await from.client.change({ ...describe(sent, name, type), to });
  const { op, index } = value as { op: string; index: number };
  if (op !== 'send-file') throw new Error(`answered as ${op}`);
  return index;
}

function get(node: TestNode, { authorization }: Person, path: string, headers = {}, method = 'GET') {
  const url = `http://127.0.0.1:${node.httpPort}/api/v1/files/${path}`;
  return fetch(url, { method, headers: { authorization, ...headers } });
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

const [ann, bob, eve] = await Promise.all([
  person(first, 'ann'),
  person(second, 'bob'),
  person(third, 'eve'),
]);
await upload(first, ann, file);
const id = await send(ann, 'bob', file);

t.test('file: the receiver is told what it is, and fetches it whole from any node', async (t) => {
  const message = await bob.client.next((frame) => frame.ev === 'message' && frame.index === id);
  t.match(message, {
    from: 'ann',
    to: 'bob',
    text: 'sent a file: report.pdf (1.0 MiB)',
    file: {
      id,
      name: 'report.pdf',
      type: 'application/pdf',
      bytes: file.content.length,
      manifest: file.address,
    },
  });
  for (const node of nodes) {
    const response = await get(node, bob, String(id));
    t.equal(response.status, 200);
    t.equal(Buffer.compare(await bytesOf(response), file.content), 0);
  }
  t.equal(Buffer.compare(await bytesOf(await get(second, bob, `${id}/manifest`)), file.encoded), 0);
  const history = await bob.client.query({ op: 'history', with: 'ann', limit: 10 });
  t.match(history, { value: { messages: [{ file: { id } }] } });
});

t.test('file: a part of it, to the byte', async (t) => {
  const range = async (header: string) => get(second, bob, String(id), { range: header });
  const part = await range(`bytes=${chunkBytes - 2}-${chunkBytes + 1}`);
  t.equal(part.status, 206);
  t.equal(
    part.headers.get('content-range'),
    `bytes ${chunkBytes - 2}-${chunkBytes + 1}/${file.content.length}`,
  );
  t.equal(Buffer.compare(await bytesOf(part), file.content.slice(chunkBytes - 2, chunkBytes + 2)), 0);
  t.equal(Buffer.compare(await bytesOf(await range('bytes=-10')), file.content.slice(-10)), 0);
  const beyond = await range(`bytes=${file.content.length}-`);
  t.equal(beyond.status, 416);
  t.equal(beyond.headers.get('content-range'), `bytes */${file.content.length}`);
  const stale = { range: 'bytes=0-1', 'if-range': '"another"' };
  t.equal((await get(second, bob, String(id), stale)).status, 200, 'of another file: all of this one');
  const head = await get(second, bob, String(id), {}, 'HEAD');
  t.equal(head.headers.get('content-length'), String(file.content.length));
  t.equal((await bytesOf(head)).length, 0);
});

t.test('range: what is understood, what is not, and what lies behind the end', async (t) => {
  t.strictSame(parseRange('bytes=0-0', 10), { from: 0, to: 1 });
  t.strictSame(parseRange('bytes=5-', 10), { from: 5, to: 10 });
  t.strictSame(parseRange('bytes=5-99', 10), { from: 5, to: 10 });
  t.strictSame(parseRange('bytes=-3', 10), { from: 7, to: 10 });
  t.strictSame(parseRange('bytes=-99', 10), { from: 0, to: 10 });
  for (const header of [undefined, 'bytes=-', 'bytes=4-2', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=a-b']) {
    t.equal(parseRange(header, 10), null, String(header));
  }
  for (const [header, bytes] of [
    ['bytes=10-', 10],
    ['bytes=-0', 10],
    ['bytes=0-', 0],
  ] as const) {
    t.equal(parseRange(header, bytes), 'unsatisfiable', header);
  }
});

t.test('file: who is not in the conversation learns nothing of it', async (t) => {
  for (const path of [String(id), `${id}/manifest`, '999999']) {
    const refused = await get(first, eve, path);
    t.equal(refused.status, 404);
    t.match(await refused.json(), { code: 'UNKNOWN_FILE' });
  }
  t.equal((await get(first, { ...eve, authorization: '' }, String(id))).status, 401);
});

t.test('file: whatever it is called, a browser saves it and runs nothing', async (t) => {
  const evil = makeFile(50, 4);
  await upload(first, ann, evil);
  const name = '../../<img onerror=x>"\u202efdp.html';
  const odd = await send(ann, 'bob', evil, name, 'text/html\r\nx-evil: 1');
  const response = await get(second, bob, String(odd));
  t.equal(response.headers.get('content-type'), 'application/octet-stream');
  t.equal(response.headers.get('x-content-type-options'), 'nosniff');
  t.equal(response.headers.get('x-evil'), null);
  t.match(response.headers.get('content-security-policy'), /sandbox/);
  const disposition = response.headers.get('content-disposition') ?? '';
  t.match(disposition, /^attachment; filename="_img onerror=x___fdp\.html"; filename\*=UTF-8''/);
  const message = await bob.client.next((frame) => frame.ev === 'message' && frame.index === odd);
  t.equal((message.file as { name: string }).name, '_img onerror=x___fdp.html');
});

t.test('file: it is not sent before all of it is held, and once under its number', async (t) => {
  const late = makeFile(chunkBytes + 5, 6);
  const early = await ann.client.change({ ...describe(late), to: 'bob' });
  t.match(early, { ok: false, code: 'UNKNOWN_UPLOAD' });
  const headers = { authorization: ann.authorization, 'content-type': 'application/octet-stream' };
  const url = `http://127.0.0.1:${first.httpPort}/api/v1/files/uploads`;
  await fetch(url, { method: 'POST', headers, body: late.encoded });
  t.match(await ann.client.change({ ...describe(late), to: 'bob' }), {
    ok: false,
    code: 'UPLOAD_INCOMPLETE',
  });
  await upload(first, ann, late);
  const sent = { ...describe(late), to: 'bob', n: 900, low: 900 };
  ann.client.send(sent);
  const reply = await ann.client.next((frame) => frame.n === 900);
  ann.client.received.length = 0;
  ann.client.send(sent);
  t.strictSame(await ann.client.next((frame) => frame.n === 900), reply, 'the first answer');
});

t.test('file: in a group for its members, whoever has left reads it no more', async (t) => {
  const shared = makeFile(30, 8);
  await ann.client.query({ op: 'groups' });
  ann.client.send({ op: 'create-group', group: 'team', n: 901, low: 901 });
  await ann.client.next((frame) => frame.n === 901);
  await upload(first, ann, shared);
  ann.client.send({ ...describe(shared), to: '#team', n: 902, low: 902 });
  const { value } = (await ann.client.next((frame) => frame.n === 902)) as { value: { index: number } };
  t.equal((await get(second, bob, String(value.index))).status, 404);
  await bob.client.change({ op: 'join-group', group: 'team' });
  t.equal((await get(second, bob, String(value.index))).status, 200);
  await bob.client.change({ op: 'leave-group', group: 'team' });
  t.equal((await get(second, bob, String(value.index))).status, 404);
});

t.test('file: after it is gone from one node’s disk, that node still gives it out', async (t) => {
  for (const path of second.disk.files()) second.disk.plant(path, null);
  const response = await get(second, bob, String(id));
  t.equal(Buffer.compare(await bytesOf(response), file.content), 0);
});
