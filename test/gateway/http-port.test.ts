import t from 'tap';
import { limits } from '../../src/base/limits.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { AddressLimits } from '../../src/gateway/connections/address-limits.ts';
import { Counters } from '../../src/gateway/connections/counters.ts';
import { buildHttp, reasonNotReady } from '../../src/gateway/http-port.ts';
import type { EngineStatus } from '../../src/replication/ports/engine.ts';
import { noAddressBounds } from '../support/gateway.ts';

const ready: EngineStatus = {
  id: 1,
  role: 'leader',
  term: 3,
  leader: 1,
  commitIndex: 90,
  appliedIndex: 90,
  startCommitIndex: 80,
  members: [
    {
      id: 1,
      host: '127.0.0.1',
      peerPort: 1,
      chatPort: 2,
      httpPort: 3,
      state: 'voter',
      voter: true,
      promoted: false,
      oldVoter: false,
      match: 90,
      lag: 0,
      reachable: true,
    },
  ],
  alarms: ['observer: not a voting member'],
};

function app(status: EngineStatus, operationsToken: string | null = null): ReturnType<typeof buildHttp> {
  return buildHttp({
    status: () => status,
    metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'conclave_raft_term 3\n' },
    counters: new Counters(),
    logger: silentLogger,
    tls: null,
    connectionsPerAddress: 0,
    origins: () => ['http://127.0.0.1:7301'],
    operationsToken,
    operators: null,
    greeting: 'Conclave\n',
    openTicket: (address) => new AddressLimits(systemClock, noAddressBounds).open(address, true),
    onSlash: () => undefined,
    onSocket: () => undefined,
  });
}

t.test(
  'http: a node is ready while it has a leader and has caught up with what was committed at its start',
  async (t) => {
    t.equal(reasonNotReady(ready), null);
    t.equal(reasonNotReady({ ...ready, leader: null }), 'no leader is known');
    t.equal(reasonNotReady({ ...ready, startCommitIndex: null }), 'the commit index is not known yet');
    t.equal(reasonNotReady({ ...ready, appliedIndex: 79 }), 'applied 79 of 80 entries');
    t.equal((await app(ready).inject('/readyz')).statusCode, 200);
    const not = await app({ ...ready, leader: null }).inject('/readyz');
    t.equal(not.statusCode, 503);
    t.same(not.json(), { reason: 'no leader is known' });
    t.equal((await app({ ...ready, leader: null }).inject('/healthz')).statusCode, 200, 'alive all the same');
  },
);

t.test('http: the state of the cluster has its documented shape', async (t) => {
  const { startCommitIndex: _, ...shown } = ready;
  t.same((await app(ready).inject('/cluster')).json(), shown);
});

t.test('http: a request whose end does not come is given up, whichever route it is for', async (t) => {
  const { server } = app(ready);
  t.ok(server.requestTimeout > 0 && server.requestTimeout <= 60_000, `${server.requestTimeout} ms`);
  t.ok(server.headersTimeout > 0 && server.headersTimeout <= 60_000, `${server.headersTimeout} ms`);
});

t.test('http: metrics, the greeting, and what is not there', async (t) => {
  const http = app(ready);
  const metrics = await http.inject('/metrics');
  t.match(metrics.headers['content-type'], 'text/plain');
  t.equal(metrics.body, 'conclave_raft_term 3\n');
  t.equal((await http.inject('/')).body, 'Conclave\n');
  t.equal((await http.inject('/nothing')).statusCode, 404);
  t.equal((await http.inject('/ws')).statusCode, 404, 'without an upgrade there is nothing at /ws');
});

t.test(
  'http: JSON that is no JSON, nests deeper than 16, repeats a key or names __proto__ → 400; too long → 413 (SECURITY 28)',
  async (t) => {
    const server = app(ready);
    t.teardown(() => server.close());
    server.post('/echo', (request) => ({ echo: request.body }));
    const post = async (payload: string) => {
      const headers = { 'content-type': 'application/json' };
      return (await server.inject({ method: 'POST', url: '/echo', headers, payload })).statusCode;
    };
    const nested = (depth: number): string => `${'['.repeat(depth)}1${']'.repeat(depth)}`;
    for (const good of [
      '{}',
      '{"a":{"b":1},"b":{"b":2}}',
      '[{"a":1},{"a":1}]',
      nested(16),
      '"a:{\\"b\\":"',
    ]) {
      t.equal(await post(good), 200, good.slice(0, 40));
    }
    const bad = [
      '',
      '{',
      '{"a":1,"a":2}',
      '{"a":{"b":1,"\\u0062":2}}',
      '{"a":{},"a":1}',
      nested(17),
      '['.repeat(60_000),
    ];
    for (const text of [...bad, '{"__proto__":1}', '{"a":[{"\\u005f_proto__":1}]}']) {
      t.equal(await post(text), 400, text.slice(0, 40));
    }
    t.equal(await post(`"${'x'.repeat(limits.frameBytes)}"`), 413);
  },
);

t.test('http: off loopback /metrics and /cluster want the token, and nothing else does', async (t) => {
  const http = app(ready, 'secret');
  for (const url of ['/metrics', '/cluster']) {
    const refused = await http.inject(url);
    t.equal(refused.statusCode, 401);
    t.match(refused.json(), { code: 'AUTH_REQUIRED', text: /admin -- token/ });
    for (const authorization of ['Bearer secreT', 'Bearer secret2', 'Bearer ', 'secret', 'Basic secret']) {
      const response = await http.inject({ url, headers: { authorization } });
      t.equal(response.statusCode, 401, `${url} with ${authorization}`);
    }
    t.equal((await http.inject({ url, headers: { authorization: 'Bearer secret' } })).statusCode, 200);
    t.equal((await http.inject(`${url}?token=secret`)).statusCode, 401, 'never in an address');
  }
  for (const url of ['/healthz', '/readyz', '/']) t.equal((await http.inject(url)).statusCode, 200, url);
});
