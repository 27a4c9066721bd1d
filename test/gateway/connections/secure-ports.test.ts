/** SECURITY 22 and 25 on the ports that people connect to. */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get, request as httpsRequest } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { silentLogger } from '../../../src/base/logger.ts';
import { systemClock } from '../../../src/base/system-clock.ts';
import { TransportSecurity } from '../../../src/tls/transport-security.ts';
import { startNodes, type TestNode } from '../../support/gateway.ts';
import { type TestKeys, testKeys } from '../../support/keys.ts';

interface Stage {
  readonly node: TestNode;
  readonly keys: TestKeys;
  readonly security: TransportSecurity;
  readonly ca: string;
}

async function start(t: Test, plainText: readonly ('chat' | 'http')[] = []): Promise<Stage> {
  const keys = await testKeys(t, { ids: [1] });
  const { config, configPath } = keys;
  const security = await TransportSecurity.load({
    config,
    configPath,
    node: 1,
    clock: systemClock,
    logger: silentLogger,
  });
  const { nodes, stop } = await startNodes(1, { plainText: [...plainText] }, { security });
  t.teardown(async () => {
    security.stop();
    await stop();
  });
  const [node] = nodes;
  if (node === undefined) throw new Error('no node');
  return { node, keys, security, ca: await readFile(join(keys.directory, 'ca.pem'), 'utf8') };
}

/** What comes back for one line, until the other side closes or a whole line is there; and the protocol that carried it. */
async function ask(port: number, line: string, options: ConnectionOptions): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, ...options });
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
    if (text.includes('\n')) socket.end();
  });
  socket.write(line);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => resolve());
  });
  return text;
}

function status(port: number, path: string, ca: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, ca, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', reject);
  });
}

/** 101 after an upgrade, else the status that refused it. */
function upgrade(port: number, ca: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`wss://127.0.0.1:${port}/ws`, { ca, headers });
    socket.once('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      resolve(response.statusCode ?? 0);
    });
    socket.once('error', reject);
  });
}

t.test(
  'tls: lines, HTTP and WebSocket are carried by TLS 1.3, and by nothing older (SECURITY 25)',
  async (t) => {
    const { node, ca } = await start(t);
    t.equal(
      await ask(node.chatPort, '1|ann|pw\n', { ca }),
      'New account created! User ID: ann. Please log in.\n',
    );
    t.equal(await status(node.httpPort, '/readyz', ca), 200);
    t.equal(await upgrade(node.httpPort, ca, {}), 101);
    for (const port of [node.chatPort, node.httpPort]) {
      await t.rejects(ask(port, 'h\n', { ca, maxVersion: 'TLSv1.2' }), { message: /protocol version/i });
      await t.rejects(
        ask(port, 'h\n', {}),
        { code: /UNABLE_TO_VERIFY|SELF_SIGNED/ },
        'a stranger’s CA vouches for nothing',
      );
    }
  },
);

t.test(
  'tls: plain text on a port that is not named plain is closed unanswered, and counted (SECURITY 25)',
  async (t) => {
    const { node, ca } = await start(t);
    for (const port of [node.chatPort, node.httpPort]) {
      const socket = connectPlain({ host: '127.0.0.1', port });
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk.toString('latin1');
      });
      socket.on('error', () => socket.destroy());
      socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
      await new Promise((resolve) => socket.once('close', resolve));
      t.notMatch(heard, /HTTP|\|/, 'no answer of the service, at most an alert of TLS');
    }
    t.equal(await metric(node.httpPort, ca, 'conclave_tls_handshakes_failed_total'), 2);
  },
);

t.test('tls: a port is plain text when the configuration names it, and the others are not', async (t) => {
  const { node, ca } = await start(t, ['chat']);
  const socket = connectPlain({ host: '127.0.0.1', port: node.chatPort });
  socket.write('1|ann|pw\n');
  const reply = await new Promise((resolve) => socket.once('data', (chunk) => resolve(chunk.toString())));
  t.match(reply, /^New account created!/);
  socket.destroy();
  t.equal(await status(node.httpPort, '/readyz', ca), 200);
});

t.test(
  'tls: a reload changes the certificate of new connections and keeps the ones that stand',
  async (t) => {
    const { node, keys, security, ca } = await start(t);
    const standing = connectTls({ host: '127.0.0.1', port: node.chatPort, ca });
    await new Promise((resolve) => standing.once('secureConnect', resolve));
    await keys.make({ mode: 'replace' });
    await security.reload();
    for (const port of [node.chatPort, node.httpPort]) {
      await t.rejects(ask(port, 'h\n', { ca }), 'the old CA does not vouch for the new certificate');
    }
    const fresh = await readFile(join(keys.directory, 'ca.pem'), 'utf8');
    t.match(await ask(node.chatPort, 'zzz\n', { ca: fresh }), /^Invalid request/);
    t.equal(await status(node.httpPort, '/readyz', fresh), 200);
    standing.write('zzz\n');
    t.match(
      await new Promise((resolve) => standing.once('data', (chunk) => resolve(chunk.toString()))),
      /^Invalid request/,
    );
    standing.destroy();
  },
);

t.test(
  'websocket: a foreign or null origin → 403 before the upgrade; members’ pages and programs may (SECURITY 22)',
  async (t) => {
    const { node, ca } = await start(t);
    const open = (origin: string): Promise<number> => upgrade(node.httpPort, ca, { origin });
    t.equal(await open('https://evil.example'), 403);
    t.equal(await open('null'), 403);
    t.equal(await open('http://127.0.0.1:3'), 403, 'a member’s address, but not over TLS');
    t.equal(await open('https://127.0.0.1:3.evil.example'), 403);
    t.equal(await open('https://127.0.0.1:3'), 101, 'the page of a member, whose HTTP port is 3');
    t.equal(await open('https://localhost:3'), 101);
    t.equal(
      await upgrade(node.httpPort, ca, {}),
      101,
      'no browser: it has no ambient login that a page could use',
    );
  },
);

/** The answer to a request of JSON; its body is not looked at. */
function askJson(stage: Stage, path: string, body: object | null, cookie = ''): Promise<IncomingMessage> {
  const { node, ca } = stage;
  return new Promise((resolve, reject) => {
    const method = body === null ? 'GET' : 'POST';
    const headers = { 'content-type': 'application/json', cookie };
    const place = { host: '127.0.0.1', port: node.httpPort, path: `/api/v1${path}`, ca, agent: false };
    const request = httpsRequest({ ...place, method, headers }, (response) => {
      response.resume();
      resolve(response);
    });
    request.on('error', reject);
    request.end(body === null ? undefined : JSON.stringify(body));
  });
}

t.test('cookies: over TLS a page’s cookie is Secure and this host’s alone (SECURITY 23)', async (t) => {
  const stage = await start(t);
  const who = { user: 'ann', password: 'pw' };
  t.equal((await askJson(stage, '/accounts', who)).statusCode, 201);
  const login = await askJson(stage, '/sessions', { ...who, cookie: true });
  const [set = ''] = login.headers['set-cookie'] ?? [];
  t.match(set, /^__Host-conclave=[0-9a-f]{32}\.[0-9a-f]{64};/);
  for (const attribute of ['Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/']) t.match(set, attribute);
  const [cookie = ''] = set.split(';');
  t.equal((await askJson(stage, '/account', null, cookie)).statusCode, 200);
  const plain = cookie.replace('__Host-', '');
  t.equal(
    (await askJson(stage, '/account', null, plain)).statusCode,
    401,
    'a plain-text page could have set it',
  );
});

async function metric(port: number, ca: string, name: string): Promise<number> {
  const body = await new Promise<string>((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path: '/metrics', ca, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
  });
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(body)?.[1]);
}
