import { type Database, type Operation, writeBatch } from './database.ts';
import { dropKey, streamRange } from './keys.ts';
import { wrapValue } from './value.ts';

const PAGE_KEYS = 1_000;

/**
 * Deletes all chunks of a stream, the newest first, so that what is left at any moment is still a stream without a gap; each
 * page is one synced batch, so that nothing of it comes back behind a later batch. A note that it is going is taken back with its head.
 */
export async function dropStream(database: Database, stream: string): Promise<void> {
  for (;;) {
    const keys = await database.keys({ ...streamRange(stream), reverse: true, limit: PAGE_KEYS }).all();
    if (keys.length === 0) return;
    const key = dropKey(stream);
    const operations: Operation[] = [{ type: 'put', key, value: wrapValue(key, new Uint8Array(0)) }];
    for (const chunk of keys) operations.push({ type: 'del', key: chunk });
    await writeBatch(database, operations);
  }
}
