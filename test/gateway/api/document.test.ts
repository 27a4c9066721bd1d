/** Every route under `/api/v1` stands in the document, whoever registered it and wherever. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type FastifyInstance, fastify } from 'fastify';
import t from 'tap';
import { startNodes } from '../../support/gateway.ts';

/** As a document would name them, of what is served while `run` runs: what fastify itself says of its instances. */
async function routesOf<Result>(
  run: () => Promise<Result>,
): Promise<{ readonly routes: Set<string>; readonly result: Result }> {
  const routes = new Set<string>();
  const watch = (message: unknown): void => {
    const { fastify: app } = message as { fastify: FastifyInstance };
    app.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) {
        if (one === 'HEAD' || one === 'OPTIONS' || !url.startsWith('/api/v1/')) continue;
        routes.add(`${one} ${url.replace(/:(\w+)/g, '{$1}')}`);
      }
    });
  };
  subscribe('fastify.initialization', watch);
  try {
    return { result: await run(), routes };
  } finally {
    unsubscribe('fastify.initialization', watch);
  }
}

for (const profile of ['loopback-demo', 'production'] as const) {
  t.test(`document: every route of a node stands in it, and nothing else: ${profile}`, async (t) => {
    const { routes, result } = await routesOf(() => startNodes(1, { profile }));
    t.teardown(result.stop);
    const response = await fetch(`http://127.0.0.1:${result.nodes[0]?.httpPort}/api/openapi.json`);
    const { paths, components } = (await response.json()) as {
      paths: Record<string, Record<string, { security?: object[]; operationId: string }>>;
      components: { securitySchemes: object };
    };
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    t.ok(routes.has('POST /api/v1/admin/members'), 'those of administrators too');
    t.strictSame(documented.sort(), [...routes].sort());
    const shown = Object.values(paths)
      .flatMap((methods) => Object.values(methods))
      .filter(({ security = [] }) => security.some((way) => !('bearer' in way || 'cookie' in way)))
      .map(({ operationId }) => operationId);
    t.strictSame(
      shown.sort(),
      profile === 'production'
        ? []
        : ['changeMembers', 'killNode', 'listActions', 'nodeView', 'transferLeadership'],
      'what needs no login is said where that is so',
    );
    t.equal('page' in components.securitySchemes, profile !== 'production');
  });
}

t.test('document: the check sees a route that somebody adds beside it', async (t) => {
  const { routes, result: app } = await routesOf(async () => {
    const beside = fastify();
    beside.get('/api/v1/secret/:id', () => 'x');
    return beside;
  });
  t.teardown(() => app.close());
  t.strictSame([...routes], ['GET /api/v1/secret/{id}']);
});
