/** `/api/v1/files`: uploads in chunks, each step of which may be repeated on any node; downloads (`download-routes.ts`). */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { AccountId } from '../chat/types.ts';
import { chunkBytes, manifestBytes } from '../protocol/manifest.ts';
import { addDownloadRoutes } from './download-routes.ts';
import type { Downloads } from './downloads.ts';
import type { HttpSessions } from './http-session.ts';
import { answerError } from './problems.ts';
import { Turnstile } from './turnstile.ts';
import type { Uploads } from './uploads.ts';

export interface FileRoutesOptions {
  readonly sessions: HttpSessions;
  readonly uploads: Uploads;
  readonly downloads: Downloads;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Until a body must have come: half a megabyte over a poor line. */
const bodyMs = 60_000;
const prefix = '/api/v1/files';
const bytesType = 'application/octet-stream';

const address = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of the manifest' });
const uploadParams = Type.Object({ manifest: address });
const chunkParams = Type.Object({ manifest: address, place: Type.Integer({ minimum: 0 }) });
const uploadState = Type.Object({
  manifest: address,
  bytes: Type.Integer({ description: 'size of the file' }),
  chunkBytes: Type.Integer({ description: 'size of every chunk but the last' }),
  chunks: Type.Integer(),
  missing: Type.Array(Type.Integer(), {
    description: 'places of the chunks that a majority does not hold yet',
  }),
});

export function fileRoutes(options: FileRoutesOptions): FastifyPluginAsync {
  const { sessions, uploads, downloads, clock, logger } = options;
  const accounts = new WeakMap<FastifyRequest, AccountId>();
  const parts = new Turnstile(limits.filePartsInFlight, limits.filePartsPerAccount);

  const accountOf = (request: FastifyRequest): AccountId => {
    const account = accounts.get(request);
    if (account === undefined) throw new CodedError('AUTH_REQUIRED');
    return account;
  };
  /** Before any of the body is read: a stranger makes the node hold nothing. */
  const authenticate = async (request: FastifyRequest): Promise<void> => {
    const { account } = await sessions.authenticate(request.headers.authorization);
    accounts.set(request, account);
  };
  const takeBody = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const leave = parts.enter(accountOf(request));
    if (leave === null) throw new CodedError('BUSY');
    const insist = clock.after(bodyMs, () => request.raw.destroy());
    request.raw.once('end', () => insist.cancel());
    reply.raw.once('close', () => {
      insist.cancel();
      leave();
    });
  };

  return async (scope) => {
    scope.setErrorHandler((error: FastifyError | CodedError, _request, reply) =>
      answerError(error, reply, logger),
    );
    scope.addContentTypeParser(bytesType, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.addHook('onRequest', authenticate);
    addDownloadRoutes(scope, { prefix, downloads, accountOf });

    scope.post(
      `${prefix}/uploads`,
      { bodyLimit: manifestBytes, onRequest: takeBody, schema: { response: { 200: uploadState } } },
      (request) => uploads.begin(accountOf(request), bytesOf(request)),
    );
    scope.get<{ Params: Static<typeof uploadParams> }>(
      `${prefix}/uploads/:manifest`,
      { schema: { params: uploadParams, response: { 200: uploadState } } },
      (request) => uploads.state(accountOf(request), request.params.manifest),
    );
    scope.put<{ Params: Static<typeof chunkParams> }>(
      `${prefix}/uploads/:manifest/chunks/:place`,
      { bodyLimit: chunkBytes, onRequest: takeBody, schema: { params: chunkParams } },
      async (request, reply) => {
        const { manifest, place } = request.params;
        await uploads.put(accountOf(request), manifest, place, bytesOf(request));
        return reply.code(204).send();
      },
    );
    scope.delete<{ Params: Static<typeof uploadParams> }>(
      `${prefix}/uploads/:manifest`,
      { schema: { params: uploadParams } },
      async (request, reply) => {
        await uploads.cancel(accountOf(request), request.params.manifest);
        return reply.code(204).send();
      },
    );
  };
}

function bytesOf(request: FastifyRequest): Uint8Array {
  if (!Buffer.isBuffer(request.body)) throw new CodedError('BAD_REQUEST', `The body must be ${bytesType}.`);
  return request.body;
}
