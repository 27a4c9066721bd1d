/** `/admin/backup`, behind the operators' door: the records of a backup, which the operator's program encrypts. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { backupRecords } from '../../backup/source.ts';
import { CodedError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';

export interface BackupRoutesOptions {
  /** Of this moment. */
  readonly source: () => Parameters<typeof backupRecords>[0];
  readonly barrier: () => Promise<void>;
  /** One was read to its end. */
  readonly finished: () => void;
  readonly logger: Logger;
}

export function addBackupRoutes(
  scope: FastifyInstance,
  { source, barrier, finished, logger }: BackupRoutesOptions,
): void {
  let running = false;
  async function* alone(): AsyncGenerator<Uint8Array, void, undefined> {
    if (running) throw new CodedError('BUSY', 'Another backup is being read from this node.');
    running = true;
    try {
      yield* backupRecords(source());
      finished();
      logger.info({}, 'a backup was read to its end');
    } finally {
      running = false;
    }
  }
  const describe = () => ({ action: 'backup', subject: '' });
  scope.get('/admin/backup', { config: { describe } }, async (_request, reply) => {
    const records = alone();
    // All that was acknowledged before it was asked for is in it.
    await barrier();
    // What can be wrong at the start is an answer, not a stream that breaks off.
    const first = await records.next();
    const stream = Readable.from(first.done === true ? [] : following(first.value, records));
    // Also when nobody took the first piece: a copy of the state that nobody ends is held for ever.
    stream.once('close', () => void records.return());
    stream.on('error', (error) => logger.warn({ cause: error.message }, 'a backup ended early'));
    return reply.type('application/octet-stream').send(stream);
  });
}

async function* following(
  first: Uint8Array,
  rest: AsyncGenerator<Uint8Array, void, undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield first;
  yield* rest;
}
