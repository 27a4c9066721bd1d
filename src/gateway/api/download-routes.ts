/** `/api/v1/files/:id`: a file, or a range of it, to whoever is in its conversation. */
import { Readable } from 'node:stream';
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { FileDescription } from '../../chat/vocabulary/file-types.ts';
import type { AccountId } from '../../chat/vocabulary/types.ts';
import { safeFileName, safeMediaType } from '../../protocol/file-name.ts';
import type { Downloads } from '../files/downloads.ts';
import { describe, type Operation } from '../http/operation.ts';
import { sendProblem } from '../http/problems.ts';
import { Turnstile } from '../http/turnstile.ts';
import { parseRange } from './byte-range.ts';

export interface DownloadRoutesOptions {
  readonly prefix: string;
  readonly downloads: Downloads;
  readonly accountOf: (request: FastifyRequest) => AccountId;
}

const bytesType = 'application/octet-stream';
const common = { tag: 'files', door: 'download' } as const;
const content = Type.Unsafe<Uint8Array>({ type: 'string', contentMediaType: bytesType });
const fileParams = Type.Object({ id: Type.Integer({ minimum: 1, description: 'index of the message' }) });
const ranges = { range: Type.Optional(Type.String()), 'if-range': Type.Optional(Type.String()) };
const ofFile: Operation = {
  ...common,
  operationId: 'downloadFile',
  summary: 'A file, or a range of it.',
  description:
    'HEAD tells its size and name. A range that lies behind the end of the file is answered with 416.',
  headers: ranges,
  params: fileParams,
  answers: {
    200: { description: 'The whole file.', content: { '*/*': { schema: content } } },
    206: { description: 'The range.', content: { '*/*': { schema: content } } },
  },
  errors: ['UNKNOWN_FILE', 'BUSY'],
};
type FileRoute = { Params: Static<typeof fileParams> };

export function addDownloadRoutes(scope: FastifyInstance, options: DownloadRoutesOptions): void {
  const { prefix, downloads, accountOf } = options;
  const turnstile = new Turnstile(limits.downloadsInFlight, limits.downloadsPerAccount);

  const enter = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (!turnstile.enterWith(accountOf(request), reply.raw)) throw new CodedError('BUSY');
  };

  const send = async (request: FastifyRequest<FileRoute>, reply: FastifyReply): Promise<FastifyReply> => {
    const file = await downloads.describe(accountOf(request), request.params.id);
    setHeaders(reply, file);
    const range = rangeOf(request, file);
    if (range === 'unsatisfiable') {
      void reply.header('content-range', `bytes */${file.bytes}`);
      return sendProblem(reply, 'BAD_REQUEST', 'The range lies behind the end of the file.', 416);
    }
    const { from, to } = range ?? { from: 0, to: file.bytes };
    if (range !== null) void reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${file.bytes}`);
    void reply.header('content-length', to - from);
    if (request.method === 'HEAD') return reply.send();
    return reply.send(
      Readable.from(downloads.range(file, from, to), { objectMode: false, highWaterMark: 1 }),
    );
  };
  scope.get<FileRoute>(
    `${prefix}/:id`,
    { onRequest: enter, exposeHeadRoute: false, ...describe(ofFile, 'read') },
    send,
  );
  // Its headers alone; the document tells of it with the file.
  scope.head<FileRoute>(`${prefix}/:id`, { onRequest: enter, ...describe(ofFile, 'read') }, send);

  scope.get<FileRoute>(
    `${prefix}/:id/manifest`,
    describe(
      {
        ...common,
        operationId: 'downloadManifest',
        summary: 'The list of a file’s chunks, by which its content is checked.',
        params: fileParams,
        answers: { 200: { description: 'docs/files.md', content: { [bytesType]: { schema: content } } } },
        errors: ['UNKNOWN_FILE'],
      },
      'read',
    ),
    async (request, reply) => {
      const file = await downloads.describe(accountOf(request), request.params.id);
      const manifest = await downloads.manifest(file);
      return reply.type(bytesType).send(manifest);
    },
  );
}

/** A range of another version of the file would be nonsense; there is none, but a client may hold one of another file. */
function rangeOf(request: FastifyRequest, file: FileDescription): ReturnType<typeof parseRange> {
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== entityTag(file)) return null;
  return parseRange(request.headers.range, file.bytes);
}

/** Whatever the sender called it, a browser saves it and neither shows nor runs it. */
function setHeaders(reply: FastifyReply, file: FileDescription): void {
  const name = safeFileName(file.name);
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  void reply
    .type(safeMediaType(file.type))
    .header('content-disposition', `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`)
    .header('x-content-type-options', 'nosniff')
    .header('content-security-policy', "sandbox; default-src 'none'")
    .header('cross-origin-resource-policy', 'same-origin')
    .header('cache-control', 'private, no-transform, max-age=31536000, immutable')
    .header('accept-ranges', 'bytes')
    .header('etag', entityTag(file));
}

function entityTag(file: FileDescription): string {
  return `"${file.manifest}"`;
}
