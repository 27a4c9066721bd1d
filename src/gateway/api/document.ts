/** What the document says beside its operations. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { cookieName } from '../http/cookies.ts';
import { pageHeader } from '../operations/administrator-gate.ts';

export interface DocumentOptions {
  readonly isSecure: boolean;
  readonly isDemonstration: boolean;
}

export function documentOf(options: DocumentOptions): NonNullable<FastifyDynamicSwaggerOptions['openapi']> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Conclave',
      version: '1',
      description: about,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'Any node of the cluster.' }],
    security: [{ bearer: [] }, { cookie: [] }],
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token that a login gives, or an access token (`cvt_…`).',
        },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: cookieName(options.isSecure),
          description: 'Of a page; every change needs `X-CSRF-Token`, too.',
        },
        ...(options.isDemonstration ? { page } : {}),
      },
    },
  };
}

const page = {
  type: 'apiKey',
  in: 'header',
  name: pageHeader,
  description:
    'The cluster view of a demonstration, which asks nobody who they are: any value, from a page (`Origin`) of a member.',
} as const;

const about = `Any node takes any request. Errors are problem details (RFC 9457) with a \`code\`. Without a majority of the nodes the answer
is 503 with \`Retry-After\`; 504 \`UNKNOWN_OUTCOME\` says that a change may or may not have happened: send it again with the same
\`Idempotency-Key\`, to any node. \`RateLimit\` and \`RateLimit-Policy\` tell how much may be asked. Everything live is told over the native
protocol at \`/ws\`.`;
