import { type ClientRequest, request } from 'node:http';
import t from 'tap';
import { parseConfig } from '../../../src/base/config.ts';
import { chunkBytes } from '../../../src/protocol/manifest.ts';
import { makeFile, type TestFile } from '../../files/support/file-cluster.ts';
import { startNodes, type TestNode } from '../../support/gateway.ts';
import { NativeClient, newSession } from '../../support/native-client.ts';

const file = makeFile(2 * chunkBytes + 100);
const defaults = parseConfig(
  JSON.stringify({ nodes: [{ id: 1, host: '127.0.0.1', peerPort: 1, chatPort: 2, httpPort: 3 }] }),
).files;

interface Caller {
  readonly authorization: string;
  call(node: TestNode, method: string, path: string, body?: Uint8Array): Promise<Response>;
  begin(node: TestNode, file: TestFile): Promise<Response>;
  put(node: TestNode, file: TestFile, place: number, content?: Uint8Array): Promise<Response>;
}

async function caller(node: TestNode, name: string): Promise<Caller> {
  const credentials = newSession();
  const client = await NativeClient.join(node.httpPort, name, credentials);
  client.destroy();
  const authorization = `Bearer ${credentials.session}.${credentials.secret}`;
  const call: Caller['call'] = (to, method, path, body) =>
    fetch(`http://127.0.0.1:${to.httpPort}/api/v1/files${path}`, {
      method,
      headers: {
        authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
      },
      ...(body === undefined ? {} : { body }),
    });
  return {
    authorization,
    call,
    begin: (to, { encoded }) => call(to, 'POST', '/uploads', encoded),
    put: (to, { address, chunks }, place, content = chunks[place] ?? new Uint8Array(0)) =>
      call(to, 'PUT', `/uploads/${address}/chunks/${place}`, content),
  };
}

async function codeOf(response: Response): Promise<string> {
  const problem = (await response.json()) as { code: string; status: number };
  t.equal(problem.status, response.status);
  t.match(response.headers.get('content-type'), 'application/problem+json');
  return problem.code;
}

const { cluster, nodes, stop } = await startNodes(3);
t.teardown(stop);
const [first, second] = nodes as [TestNode, TestNode, TestNode];

t.test('upload: begun on one node, gone on with on another, and each knows what is missing', async (t) => {
  const ann = await caller(first, 'ann');
  const begun = await ann.begin(first, file);
  t.equal(begun.status, 200);
  t.strictSame(await begun.json(), {
    manifest: file.address,
    bytes: file.content.length,
    chunkBytes,
    chunks: 3,
    missing: [0, 1, 2],
  });
  t.equal((await ann.put(first, file, 1)).status, 204);
  const seen = await ann.call(second, 'GET', `/uploads/${file.address}`);
  t.strictSame(((await seen.json()) as { missing: number[] }).missing, [0, 2]);
  t.equal((await ann.put(second, file, 0)).status, 204);
  t.equal((await ann.put(second, file, 0)).status, 204, 'once more does no harm');
  t.equal((await ann.put(second, file, 2)).status, 204);
  const written = cluster.log.length;
  const again = await ann.begin(first, file);
  t.equal(cluster.log.length, written, 'a fresh lease is not written again');
  t.strictSame(((await again.json()) as { missing: number[] }).missing, []);
  for (const node of nodes) t.equal(node.files.status().chunks, 4);
});

t.test('upload: a lease is renewed when half of its time is over', async (t) => {
  const ina = await caller(first, 'ina');
  const long = makeFile(10, 12);
  await ina.begin(first, long);
  const until = (): number =>
    [...nodes][0]?.engine.machine.files.lease(account(), long.address)?.untilMs ?? 0;
  const account = (): number => first.engine.machine.accountByName('ina')?.id ?? 0;
  const granted = until();
  cluster.aheadMs += 13 * 3_600_000;
  // Time comes with the next entry.
  await caller(first, 'joe');
  await ina.begin(first, long);
  t.ok(until() > granted + 12 * 3_600_000);
});

t.test('upload: what is no session, or no longer one, is not let in, before its body is read', async (t) => {
  const url = `http://127.0.0.1:${first.httpPort}/api/v1/files/uploads`;
  const type = { 'content-type': 'application/octet-stream' };
  const known = newSession();
  const client = await NativeClient.join(first.httpPort, 'lena', known);
  for (const authorization of [
    undefined,
    'Bearer x',
    `Bearer ${known.session}`,
    `Bearer ${known.session}.${'0'.repeat(64)}`,
    `Bearer ${'0'.repeat(32)}.${known.secret}`,
  ]) {
    const headers = { ...type, ...(authorization === undefined ? {} : { authorization }) };
    const refused = await fetch(url, { method: 'POST', headers, body: file.encoded });
    t.equal(await codeOf(refused), 'AUTH_REQUIRED');
    t.match(refused.headers.get('www-authenticate'), /^Bearer/);
  }
  const headers = { ...type, authorization: `Bearer ${known.session}.${known.secret}` };
  t.equal((await fetch(url, { method: 'POST', headers, body: file.encoded })).status, 200);
  await client.change({ op: 'logout' });
  const other = url.replace(String(first.httpPort), String(second.httpPort));
  t.equal(await codeOf(await fetch(other, { method: 'POST', headers, body: file.encoded })), 'AUTH_REQUIRED');
});

t.test('upload: nothing but a chunk of the leased file is taken', async (t) => {
  const ben = await caller(first, 'ben');
  const other = makeFile(10, 5);
  t.equal(await codeOf(await ben.put(first, other, 0)), 'UNKNOWN_UPLOAD', 'not leased');
  await ben.begin(first, other);
  const held = first.files.status().chunks;
  t.equal(await codeOf(await ben.put(first, other, 1)), 'BAD_REQUEST', 'no such place');
  t.equal(await codeOf(await ben.put(first, other, 0, new Uint8Array(9))), 'BAD_REQUEST', 'another size');
  t.equal(await codeOf(await ben.put(first, other, 0, new Uint8Array(10))), 'BAD_REQUEST', 'another content');
  t.equal(
    await codeOf(await ben.put(first, other, 0, new Uint8Array(chunkBytes + 1))),
    'TOO_LARGE',
    'more than a chunk',
  );
  t.equal(await codeOf(await ben.call(first, 'POST', '/uploads', new Uint8Array(20))), 'BAD_REQUEST');
  t.equal(
    await codeOf(await ben.call(first, 'PUT', `/uploads/x/chunks/0`, new Uint8Array(1))),
    'BAD_REQUEST',
  );
  t.equal(first.files.status().chunks, held, 'and nothing was kept');
});

t.test('upload: one account cannot put chunks of another’s upload', async (t) => {
  const [cal, dan] = [await caller(first, 'cal'), await caller(first, 'dan')];
  const his = makeFile(10, 6);
  await cal.begin(first, his);
  t.equal(await codeOf(await dan.put(first, his, 0)), 'UNKNOWN_UPLOAD');
  t.equal(await codeOf(await dan.call(first, 'GET', `/uploads/${his.address}`)), 'UNKNOWN_UPLOAD');
});

t.test('upload: cancelled, its room is given back', async (t) => {
  const eve = await caller(first, 'eve');
  const gone = makeFile(10, 7);
  await eve.begin(first, gone);
  t.equal((await eve.call(second, 'DELETE', `/uploads/${gone.address}`)).status, 204);
  t.equal((await eve.call(second, 'DELETE', `/uploads/${gone.address}`)).status, 204);
  t.equal(await codeOf(await eve.put(first, gone, 0)), 'UNKNOWN_UPLOAD');
  await first.files.collect();
  t.notOk(first.disk.files().some((path) => path.includes(gone.address)));
});

t.test('upload: a file over the limit, and over the quota, is refused before any chunk', async (t) => {
  const small = await startNodes(1, {
    files: { ...defaults, fileBytes: 3 * chunkBytes, accountBytes: 4 * chunkBytes },
  });
  t.teardown(small.stop);
  const [node] = small.nodes as [TestNode];
  const fay = await caller(node, 'fay');
  t.equal(await codeOf(await fay.begin(node, makeFile(3 * chunkBytes + 1))), 'TOO_LARGE');
  t.equal((await fay.begin(node, file)).status, 200);
  const full = await fay.begin(node, makeFile(2 * chunkBytes, 8));
  t.match(await full.json(), {
    code: 'QUOTA_EXCEEDED',
    detail: 'No room for this file: of 2.0 MiB for your files 1.0 MiB are taken.',
  });
  t.equal((await fay.begin(node, makeFile(chunkBytes, 9))).status, 200);
});

t.test('upload: without a majority the answer is to try again', async (t) => {
  const gus = await caller(first, 'gus');
  await gus.begin(first, file);
  cluster.majority = false;
  const refused = await gus.begin(first, file);
  cluster.majority = true;
  t.equal(refused.headers.get('retry-after'), '1');
  t.equal(await codeOf(refused), 'UNAVAILABLE');
});

/** A PUT of which only the first byte is sent, without a length unless one is given. */
function startPut(node: TestNode, { authorization }: Caller, sent: TestFile, headers = {}): ClientRequest {
  const started = request({
    host: '127.0.0.1',
    port: node.httpPort,
    method: 'PUT',
    path: `/api/v1/files/uploads/${sent.address}/chunks/0`,
    headers: { authorization, 'content-type': 'application/octet-stream', ...headers },
  });
  started.on('error', () => undefined);
  started.write('x');
  return started;
}

t.test(
  'upload: one account has so many parts under way at once, the rest are asked to come again',
  async (t) => {
    const hal = await caller(first, 'hal');
    const kim = await caller(first, 'kim');
    const [one, other] = [makeFile(1_000, 14), makeFile(1_000, 15)];
    await hal.begin(first, one);
    await kim.begin(first, other);
    const open = [1, 2, 3, 4].map(() => startPut(first, hal, one, { 'content-length': 1_000 }));
    const refused = async (): Promise<Response> => {
      for (;;) {
        const response = await hal.put(first, one, 0);
        if (response.status === 503) return response;
        // It may have had the place of one of them, which was sent away for it.
        open.push(startPut(first, hal, one, { 'content-length': 1_000 }));
      }
    };
    const busy = await refused();
    t.equal(busy.headers.get('retry-after'), '1');
    t.equal(await codeOf(busy), 'BUSY');
    t.equal((await kim.put(first, other, 0)).status, 204, 'nobody else has to wait');
    for (const started of open) started.destroy();
    const accepted = async (): Promise<number> => {
      for (;;) {
        const { status } = await hal.put(first, one, 0);
        if (status !== 503) return status;
      }
    };
    t.equal(await accepted(), 204, 'whoever has gone makes room');
  },
);

t.test('upload: a body that never ends is cut off at the size of a chunk', async (t) => {
  const max = await caller(first, 'max');
  const one = makeFile(1_000, 16);
  await max.begin(first, one);
  const started = startPut(first, max, one);
  const status = new Promise((resolve) => started.on('response', (answer) => resolve(answer.statusCode)));
  const piece = Buffer.alloc(65_536);
  for (let sent = 0; sent <= chunkBytes; sent += piece.length) started.write(piece);
  t.equal(await status, 413);
  started.destroy();
});
