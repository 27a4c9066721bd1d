import { type Database, writeBatch } from './database.ts';
import { streamRange } from './keys.ts';

const PAGE_KEYS = 1_000;

/**
 * Deletes all chunks of a stream, the newest first, so that what is left at any moment is still a stream without a gap; each
 * page is one synced batch, so that nothing of it comes back behind a later batch.
 */
export async function dropStream(database: Database, stream: string): Promise<void> {
  for (;;) {
    const keys = await database.keys({ ...streamRange(stream), reverse: true, limit: PAGE_KEYS }).all();
    if (keys.length === 0) return;
    await writeBatch(
      database,
      keys.map((key) => ({ type: 'del', key })),
    );
  }
}
