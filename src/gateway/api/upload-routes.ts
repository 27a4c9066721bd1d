/** `/api/v1/files/uploads`: each request may be repeated, on any node. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { AccountId } from '../../chat/vocabulary/types.ts';
import { chunkBytes, manifestBytes } from '../../protocol/manifest.ts';
import { resting } from '../files/rest.ts';
import type { Uploads } from '../files/uploads.ts';
import { describe } from '../http/operation.ts';
import { closed, nothing } from '../http/schemas.ts';
import { Turnstile } from '../http/turnstile.ts';

export interface UploadRoutesOptions {
  readonly prefix: string;
  readonly uploads: Uploads;
  readonly accountOf: (request: FastifyRequest) => AccountId;
  readonly clock: Clock;
}

/** Until a body must have come: half a megabyte over a poor line. */
const bodyMs = 60_000;
const bytesType = 'application/octet-stream';

const common = { tag: 'files', door: 'upload' } as const;
/** The parser has seen to it that it is bytes, and the handler that there are any. */
const bytes = Type.Unsafe<Uint8Array>({ type: 'string', contentMediaType: bytesType });
const address = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of the manifest' });
const uploadParams = Type.Object({ manifest: address });
const chunkParams = Type.Object({ manifest: address, place: Type.Integer({ minimum: 0 }) });
const uploadState = closed({
  manifest: address,
  bytes: Type.Integer({ description: 'size of the file' }),
  chunkBytes: Type.Integer({ description: 'size of every chunk but the last' }),
  chunks: Type.Integer(),
  missing: Type.Array(Type.Integer(), {
    description: 'places of the chunks that a majority does not hold yet',
  }),
});
type UploadRoute = { Params: Static<typeof uploadParams> };
type ChunkRoute = { Params: Static<typeof chunkParams> };

export function addUploadRoutes(scope: FastifyInstance, options: UploadRoutesOptions): void {
  const { uploads, accountOf } = options;
  const path = `${options.prefix}/uploads`;
  const onRequest = bodyGate(options);
  scope.addContentTypeParser(bytesType, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  scope.post(
    path,
    {
      bodyLimit: manifestBytes,
      onRequest,
      ...describe({
        ...common,
        operationId: 'beginUpload',
        summary: 'Begin an upload, or find out what is missing of it.',
        description: 'The body is the manifest of the file: docs/files.md.',
        body: bytes,
        consumes: [bytesType],
        answers: { 200: uploadState },
        errors: ['TOO_LARGE', 'QUOTA_EXCEEDED', 'LIMIT_REACHED'],
      }),
    },
    (request) => uploads.begin(accountOf(request), bytesOf(request)),
  );
  scope.get<UploadRoute>(
    `${path}/:manifest`,
    describe(
      {
        ...common,
        operationId: 'uploadState',
        summary: 'What is missing of an upload.',
        params: uploadParams,
        answers: { 200: uploadState },
        errors: ['UNKNOWN_UPLOAD'],
      },
      'read',
    ),
    (request) => uploads.state(accountOf(request), request.params.manifest),
  );
  scope.delete<UploadRoute>(
    `${path}/:manifest`,
    describe({
      ...common,
      operationId: 'cancelUpload',
      summary: 'Give an upload up.',
      params: uploadParams,
      answers: { 204: nothing },
    }),
    async (request, reply) => {
      await uploads.cancel(accountOf(request), request.params.manifest);
      return reply.code(204).send();
    },
  );
  addChunks(scope, options, onRequest);
}

function addChunks(
  scope: FastifyInstance,
  { uploads, accountOf, clock, prefix }: UploadRoutesOptions,
  onRequest: BodyGate,
): void {
  scope.put<ChunkRoute>(
    `${prefix}/uploads/:manifest/chunks/:place`,
    {
      bodyLimit: chunkBytes,
      onRequest,
      ...describe({
        ...common,
        operationId: 'putChunk',
        summary: 'One chunk of an upload; again is no harm.',
        params: chunkParams,
        body: bytes,
        consumes: [bytesType],
        answers: { 204: nothing },
        errors: ['UNKNOWN_UPLOAD', 'TOO_LARGE'],
      }),
    },
    async (request, reply) => {
      const { manifest, place } = request.params;
      const account = accountOf(request);
      await resting(clock, () => uploads.put(account, manifest, place, bytesOf(request)));
      return reply.code(204).send();
    },
  );
}

type BodyGate = ReturnType<typeof bodyGate>;

/** Before any of a body is read: so many at once, each within its time. */
function bodyGate({ accountOf, clock }: UploadRoutesOptions) {
  const parts = new Turnstile(limits.filePartsInFlight, limits.filePartsPerAccount);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (!parts.enterWith(accountOf(request), reply.raw)) throw new CodedError('BUSY');
    const insist = clock.after(bodyMs, () => request.raw.destroy());
    request.raw.once('end', () => insist.cancel());
    reply.raw.once('close', () => insist.cancel());
  };
}

function bytesOf(request: FastifyRequest): Uint8Array {
  if (!Buffer.isBuffer(request.body)) throw new CodedError('BAD_REQUEST', `The body must be ${bytesType}.`);
  return request.body;
}
