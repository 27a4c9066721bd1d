import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { fastify } from 'fastify';
import t from 'tap';
import { addPages } from '../../../src/gateway/http/web-pages.ts';

const root = await mkdtemp(join(tmpdir(), 'conclave-pages-'));
t.teardown(() => rm(root, { recursive: true, force: true }));
await mkdir(join(root, 'assets'));
await writeFile(join(root, 'index.html'), '<!doctype html><title>Conclave</title><meta content="{origins}">');
await writeFile(join(root, 'assets', 'index-ABC.js'), 'plain');
await writeFile(join(root, 'assets', 'index-ABC.js.br'), 'short');

const member = 'http://127.0.0.1:7302';
const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

function app(built = root): FastifyInstance {
  const http = fastify();
  addPages(http, { origins: () => ['http://127.0.0.1:7301', member], greeting: 'Conclave\n', root: built });
  http.get('/api/v1/thing', () => ({ fine: true }));
  return http;
}

t.test('pages: a browser gets the page, everybody else the one line', async (t) => {
  const http = app();
  const page = await http.inject({ url: '/', headers: browser });
  t.equal(page.statusCode, 200);
  t.match(page.body, /<title>Conclave/);
  t.match(page.body, `content="http://127.0.0.1:7301 ${member}"`, 'it names the members');
  t.equal(page.headers['cache-control'], 'no-cache');
  const line = await http.inject({ url: '/', headers: { accept: '*/*' } });
  t.equal(line.body, 'Conclave\n');
  t.match(line.headers['content-type'], 'text/plain');
  t.equal((await http.inject('/')).body, 'Conclave\n');
});

t.test('pages: nothing inline runs, and a page speaks to members only (SECURITY 24)', async (t) => {
  const { headers } = await app().inject({ url: '/', headers: browser });
  const policy = new Map(
    String(headers['content-security-policy'])
      .split('; ')
      .map((rule): [string, readonly string[]] => {
        const [name = '', ...sources] = rule.split(' ');
        return [name, sources];
      }),
  );
  t.same(policy.get('default-src'), ["'none'"]);
  t.same(policy.get('script-src'), ["'self'"]);
  t.same(policy.get('style-src'), ["'self'"]);
  t.same(policy.get('frame-ancestors'), ["'none'"]);
  t.same(policy.get('require-trusted-types-for'), ["'script'"]);
  const reached = ['http://127.0.0.1:7301', member, 'ws://127.0.0.1:7301', 'ws://127.0.0.1:7302'];
  t.same(policy.get('connect-src'), ["'self'", ...reached]);
  t.notMatch(headers['content-security-policy'], /unsafe/);
  t.equal(headers['x-content-type-options'], 'nosniff');
  t.equal(headers['referrer-policy'], 'no-referrer');
});

t.test('pages: files are compressed once and kept for ever; what is outside stays there', async (t) => {
  const http = app();
  const url = '/assets/index-ABC.js';
  const file = await http.inject({ url, headers: { 'accept-encoding': 'gzip, br' } });
  t.equal(file.body, 'short');
  t.equal(file.headers['content-encoding'], 'br');
  t.match(file.headers['content-type'], 'javascript');
  t.match(file.headers['cache-control'], /max-age=31536000, immutable/);
  t.equal(file.headers['x-content-type-options'], 'nosniff');
  t.equal((await http.inject(url)).body, 'plain');
  for (const outside of ['/assets/../index.html', '/assets/%2e%2e/index.html', '/assets/none.js']) {
    t.equal((await http.inject(outside)).statusCode, 404, outside);
  }
});

t.test('pages: where they are not built the node says so', async (t) => {
  const page = await app(join(root, 'nowhere')).inject({ url: '/', headers: browser });
  t.equal(page.statusCode, 503);
  t.match(page.body, /not built on this node\. Run `npm install`/);
});

t.test(
  'pages: a member’s page may ask another member, without credentials; a stranger’s may not',
  async (t) => {
    const http = app();
    const preflight = {
      method: 'OPTIONS',
      url: '/api/v1/thing',
      headers: { origin: member, 'access-control-request-method': 'PUT' },
    } as const;
    const allowed = await http.inject(preflight);
    t.equal(allowed.statusCode, 204);
    t.equal(allowed.headers['access-control-allow-origin'], member);
    t.match(allowed.headers['access-control-allow-headers'], /authorization/);
    t.equal(allowed.headers['access-control-allow-credentials'], undefined);
    const answer = await http.inject({ url: '/api/v1/thing', headers: { origin: member } });
    t.equal(answer.headers['access-control-allow-origin'], member);
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:9999']) {
      const refused = await http.inject({ ...preflight, headers: { ...preflight.headers, origin } });
      t.equal(refused.headers['access-control-allow-origin'], undefined, origin);
    }
  },
);
