import { assert } from '../base/assert.ts';
import type { CodedError } from '../base/errors.ts';
import { type Database, type Snapshot, scan } from './database.ts';
import { encodeMark, type Head, readHead } from './head.ts';
import { ROW_RANGE, STREAM_RANGE, streamHeadKey, withoutPrefix } from './keys.ts';
import { checkRows, RowIndex } from './row-index.ts';
import type { AppliedMark } from './state-store.ts';
import { beginningOf, encodeStreamHead } from './stream-index.ts';
import { StreamWalk } from './stream-walk.ts';
import { FrameWriter } from './transfer.ts';
import { unwrapValue, valueChecksum } from './value.ts';

/**
 * The database as it is now, as frames, while writes go on. `done` is called once, when the frames were read to the end, or their
 * reader stopped, or reading failed; `failed` says what the latter was.
 */
export async function exportFrom(
  database: Database,
  done: () => void,
  failed: (error: unknown) => CodedError,
): Promise<{ readonly mark: AppliedMark; readonly chunks: AsyncIterable<Uint8Array> }> {
  const snapshot = database.snapshot();
  const close = async (): Promise<void> => {
    await snapshot.close();
    done();
  };
  try {
    const head = await readHead(database, snapshot);
    assert(head !== null, 'a state that is exported has a head');
    return { mark: head.mark, chunks: closing(frames(database, snapshot, head), close, failed) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Nothing is copied that is not whole: what is missing or changed throws. */
async function* frames(database: Database, snapshot: Snapshot, head: Head): AsyncGenerator<Uint8Array> {
  const writer = new FrameWriter();
  yield* writer.add({ kind: 'mark', content: encodeMark(head.mark) });
  const walk = await StreamWalk.begin(database, snapshot);
  // Of all others the head follows from the records.
  for (const [stream, head] of walk.trimmed()) {
    yield* writer.add({
      kind: 'value',
      key: streamHeadKey(stream),
      content: encodeStreamHead(beginningOf(head)),
    });
  }
  const rows = new RowIndex();
  for await (const [key, value] of scan(database, { ...ROW_RANGE, snapshot }, 64)) {
    const content = unwrapValue(key, value);
    rows.put(withoutPrefix(key), valueChecksum(value));
    yield* writer.add({ kind: 'value', key, content });
  }
  checkRows(rows.digest, head.rows);
  for await (const [key, value] of scan(database, { ...STREAM_RANGE, snapshot }, 64)) {
    const content = walk.take(key, value);
    if (content !== null) yield* writer.add({ kind: 'value', key, content });
  }
  walk.end();
  yield* writer.end();
}

/** A generator that was never started does not run its `finally`: so the closing is done around it. */
function closing<Value>(
  values: AsyncGenerator<Value>,
  close: () => Promise<void>,
  failed: (error: unknown) => CodedError,
): AsyncIterable<Value> {
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
        throw failed(error);
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
