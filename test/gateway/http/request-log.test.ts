/** What the log says about requests over HTTP, and what it never says. */
import { randomBytes } from 'node:crypto';
import t from 'tap';
import type { LogFields, Logger } from '../../../src/base/logger.ts';
import { requestIdOf } from '../../../src/gateway/http/request-log.ts';
import { startNodes, until } from '../../support/gateway.ts';

const lines: { readonly text: string; readonly fields: LogFields }[] = [];
const write = (fields: LogFields, text: string): void => void lines.push({ fields, text });
const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
const { nodes, stop } = await startNodes(1, {}, { logger });
t.teardown(stop);
const base = `http://127.0.0.1:${nodes[0]?.httpPort}`;

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(base + path, init);
}

/** The answer may be there before its line is. */
async function lineOf(id: string): Promise<LogFields> {
  const find = () => lines.find(({ text, fields }) => text === 'HTTP' && fields.request === id);
  await until(() => find() !== undefined);
  return find()?.fields ?? {};
}

t.test(
  'request log: an id is taken over, given back, and stands in the line; a bad one is replaced',
  async (t) => {
    const given = await ask('/readyz', { headers: { 'x-request-id': 'proxy-1.a:7' } });
    t.equal(given.headers.get('x-request-id'), 'proxy-1.a:7');
    t.match(await lineOf('proxy-1.a:7'), { method: 'GET', route: '/readyz', status: given.status });
    const own = (await ask('/healthz')).headers.get('x-request-id') ?? '';
    t.match(own, /^[0-9a-f]{8}-/);
    t.match(await lineOf(own), { route: '/healthz', status: 200 });
    const nowhere = await ask('/nowhere/canary');
    t.match(await lineOf(nowhere.headers.get('x-request-id') ?? ''), { route: '(none)', status: 404 });
    for (const bad of ['', 'a b', 'a\n{"level":50}', '"', 'é', 'x'.repeat(65)]) {
      t.match(requestIdOf({ headers: { 'x-request-id': bad } }), /^[0-9a-f]{8}-/, JSON.stringify(bad));
    }
  },
);

t.test('request log: nothing secret is in it, wherever in a request it stands', async (t) => {
  const canary = (): string => `canary${randomBytes(12).toString('hex')}`;
  const [password, bearer, cookie, csrf, query, key, typed] = Array.from({ length: 7 }, canary);
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${bearer}`,
    cookie: `conclave=${cookie}`,
    'x-csrf-token': csrf ?? '',
    'idempotency-key': key ?? '',
  };
  const body = JSON.stringify({ user: 'ann', name: 'ann', password, secret: password, text: typed });
  const ids: string[] = [];
  for (const path of [
    '/api/v1/accounts',
    '/api/v1/sessions',
    '/api/v1/conversations/bob/messages',
    '/admin/invite',
    '/echo',
  ]) {
    for (const sent of [headers, { 'content-type': 'application/json' }]) {
      const answer = await ask(`${path}?token=${query}`, { method: 'POST', headers: sent, body });
      ids.push(answer.headers.get('x-request-id') ?? '');
      await answer.arrayBuffer();
    }
  }
  for (const id of ids) await lineOf(id);
  const log = lines.map(({ text, fields }) => `${text} ${JSON.stringify(fields)}`).join('\n');
  t.match(log, /"route":"\/api\/v1\/sessions"/);
  t.notOk(log.includes('canary'));
});
