/** `/admin/export` and `/admin/import`, behind the operators' door. */
import { Readable } from 'node:stream';
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { MIB } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import type { ExportLine } from './export-line.ts';
import type { Exporter } from './exporter.ts';
import type { Importer } from './importer.ts';

export interface TransferRoutesOptions {
  readonly importer: Importer;
  /** Of this moment, with the content of files or without. */
  readonly newExporter: (withFiles: boolean) => Exporter;
  readonly barrier: () => Promise<void>;
  readonly logger: Logger;
}

const recordsMax = 1_000;
const exportQuery = Type.Object({
  files: Type.Optional(Type.Union([Type.Literal('yes'), Type.Literal('no')])),
});
const importBody = Type.Object(
  { records: Type.Array(Type.Record(Type.String(), Type.Unknown()), { maxItems: recordsMax }) },
  { additionalProperties: false },
);

const describeExport = () => ({ action: 'export', subject: '' });

export function addTransferRoutes(scope: FastifyInstance, options: TransferRoutesOptions): void {
  const { importer, newExporter, barrier, logger } = options;
  const describe = () => ({ action: 'import', subject: '', joins: true });
  scope.post<{ Body: Static<typeof importBody> }>(
    '/admin/import',
    { schema: { body: importBody }, bodyLimit: 2 * MIB, config: { describe } },
    async ({ body }) => ({ answers: await importer.run(body.records) }),
  );
  scope.get<{ Querystring: Static<typeof exportQuery> }>(
    '/admin/export',
    { schema: { querystring: exportQuery }, config: { describe: describeExport } },
    async (request, reply) => {
      await barrier();
      const lines = newExporter(request.query.files !== 'no').lines();
      // By bytes and not by lines: some are short, others hold half a megabyte.
      const stream = Readable.from(textOf(lines), { objectMode: false });
      stream.on('error', (error) => logger.warn({ cause: error.message }, 'an export ended early'));
      return reply.type('application/x-ndjson; charset=utf-8').send(stream);
    },
  );
}

async function* textOf(lines: AsyncIterable<ExportLine>): AsyncGenerator<string, void, void> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`;
}
