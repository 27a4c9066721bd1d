/** The row of failed attempts: see `row-codec.ts` for what all rows have in common. */
import { ByteWriter, MalformedBytes, readAll } from '../codecs/bytes.ts';
import type { AttemptKey } from '../vocabulary/types.ts';

const version = 1;

export interface AttemptData {
  readonly attempted: AttemptKey;
  /** Log index of the newest failure. */
  readonly notedIndex: number;
  /** Failures without a success between them. */
  readonly inARow: number;
  readonly windowFailures: number;
  /** Cluster time at which the window of `windowFailures` began. */
  readonly windowMs: number;
  /** Times that it was blocked since the last success. */
  readonly blocks: number;
  /** Cluster time until which nothing is tried. */
  readonly untilMs: number;
}

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

export function encodeAttempt(attempt: AttemptData): Uint8Array {
  writer.begin(version);
  writer.integer(attempt.notedIndex);
  writer.integer(attempt.inARow);
  writer.integer(attempt.windowFailures);
  writer.integer(attempt.windowMs);
  writer.integer(attempt.blocks);
  writer.integer(attempt.untilMs);
  return writer.take();
}

export function decodeAttempt(attempted: AttemptKey, value: Uint8Array): AttemptData | null {
  return readAll(value, (reader) => {
    if (reader.byte() !== version) throw new MalformedBytes('unknown version');
    return {
      attempted,
      notedIndex: reader.integer(),
      inARow: reader.integer(),
      windowFailures: reader.integer(),
      windowMs: reader.integer(),
      blocks: reader.integer(),
      untilMs: reader.integer(),
    };
  });
}
