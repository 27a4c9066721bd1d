import { assert } from '../base/assert.ts';
import { type Database, type Scan, type Snapshot, scan } from './database.ts';
import { encodeMark, readHead } from './head.ts';
import { ROW_RANGE, STREAM_RANGE } from './keys.ts';
import type { AppliedMark } from './state-store.ts';
import { FrameWriter } from './transfer.ts';
import { unwrapValue } from './value.ts';

/**
 * The database as it is now, as frames, while writes go on. `done` is called once, when the frames were read to the end, or their
 * reader stopped, or reading failed.
 */
export async function exportFrom(
  database: Database,
  done: () => void,
): Promise<{ readonly mark: AppliedMark; readonly chunks: AsyncIterable<Uint8Array> }> {
  const snapshot = database.snapshot();
  const close = async (): Promise<void> => {
    await snapshot.close();
    done();
  };
  try {
    const head = await readHead(database, snapshot);
    assert(head !== null, 'a state that is exported has a head');
    return { mark: head.mark, chunks: closing(frames(database, snapshot, head.mark), close) };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* frames(
  database: Database,
  snapshot: Snapshot,
  mark: AppliedMark,
): AsyncGenerator<Uint8Array> {
  const writer = new FrameWriter();
  yield* writer.add({ kind: 'mark', content: encodeMark(mark) });
  const ranges: readonly Scan[] = [ROW_RANGE, STREAM_RANGE];
  for (const range of ranges) {
    for await (const [key, value] of scan(database, { ...range, snapshot }, 64)) {
      yield* writer.add({ kind: 'value', key, content: unwrapValue(key, value) });
    }
  }
  yield* writer.end();
}

/** A generator that was never started does not run its `finally`: so the closing is done around it. */
function closing<Value>(values: AsyncGenerator<Value>, close: () => Promise<void>): AsyncIterable<Value> {
  let closed = false;
  const closeOnce = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await close();
  };
  const iterator: AsyncIterator<Value, void> = {
    async next() {
      try {
        const result = await values.next();
        if (result.done !== true) return result;
      } catch (error) {
        await closeOnce();
        throw error;
      }
      await closeOnce();
      return { done: true, value: undefined };
    },
    async return() {
      await values.return(undefined);
      await closeOnce();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
