/**
 * The pages in dist/web/ for browsers, and what browsers are told about them: nothing on a page runs or styles that is not a file of this
 * node (SECURITY 24), and a page may speak to the members of the cluster and to nobody else.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type {} from '@fastify/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export interface PagesOptions {
  /** Origins of the members' own pages. */
  readonly origins: () => readonly string[];
  /** One line for whoever comes without a browser. */
  readonly greeting: string;
  /** Where the built pages are; dist/web/ of this checkout if left out. */
  readonly root?: string;
}

export type PageName = 'index' | 'cluster';

export interface Pages {
  send(reply: FastifyReply, name: PageName): Promise<FastifyReply>;
}

const builtRoot = fileURLToPath(new URL('../../../dist/web/', import.meta.url));
const notBuilt =
  'The pages for browsers are not built on this node. Run `npm install` (or `node --import tsx scripts/build.ts`) in its checkout, then reload.\n';
/** Asked by a page of one member on its way to another one. */
const apiPath = '/api/v1/*';
const preflightSeconds = 600;

export function addPages(app: FastifyInstance, options: PagesOptions): Pages {
  const root = options.root ?? builtRoot;
  const pages: Pages = {
    send: async (reply, name) => {
      const html = await readFile(join(root, `${name}.html`), 'utf8').catch(() => null);
      const origins = options.origins();
      guardPage(reply, origins);
      void reply.header('cache-control', 'no-cache');
      if (html === null) return reply.code(503).type('text/plain; charset=utf-8').send(notBuilt);
      // A page whose node is gone before it has spoken with it knows where else to go.
      return reply
        .type('text/html; charset=utf-8')
        .send(html.replace('{origins}', attribute(origins.join(' '))));
    },
  };
  app.get('/', (request, reply) => {
    void reply.header('vary', 'accept');
    if (wantsPage(request)) return pages.send(reply, 'index');
    return reply.type('text/plain; charset=utf-8').send(options.greeting);
  });
  void app.register(fastifyStatic, {
    root: join(root, 'assets'),
    prefix: '/assets/',
    decorateReply: false,
    index: false,
    preCompressed: true,
    immutable: true,
    maxAge: '365d',
    setHeaders: (response) => {
      response.setHeader('x-content-type-options', 'nosniff');
      response.setHeader('vary', 'accept-encoding');
    },
  });
  admitPages(app, options);
  return pages;
}

function attribute(text: string): string {
  return text.replace(/[&"<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function wantsPage({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/html') === true;
}

function guardPage(reply: FastifyReply, origins: readonly string[]): void {
  const sockets = origins.map((origin) => origin.replace(/^http/, 'ws'));
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    `connect-src ${["'self'", ...origins, ...sockets].join(' ')}`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  void reply
    .header('content-security-policy', policy.join('; '))
    .header('x-content-type-options', 'nosniff')
    .header('cross-origin-opener-policy', 'same-origin')
    .header('cross-origin-resource-policy', 'same-origin')
    .header('referrer-policy', 'no-referrer');
}

/**
 * A page goes on when the node that it came from is gone: members let each other's pages ask. Never with the browser's own credentials:
 * such a request shows a token or nothing.
 */
function admitPages(app: FastifyInstance, { origins }: PagesOptions): void {
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    if (origin === undefined || !request.url.startsWith('/api/v1/') || !origins().includes(origin)) return;
    void reply.header('access-control-allow-origin', origin).header('vary', 'origin');
  });
  app.options(apiPath, { schema: { hide: true } }, (_request, reply) =>
    reply
      .code(204)
      .header('access-control-allow-methods', 'GET, HEAD, POST, PUT, PATCH, DELETE')
      .header(
        'access-control-allow-headers',
        'authorization, content-type, range, idempotency-key, x-conclave-page',
      )
      .header('access-control-max-age', preflightSeconds)
      .send(),
  );
}
