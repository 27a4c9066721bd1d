import type { Clock, Timer } from '../base/clock.ts';
import { KIB } from '../base/limits.ts';
import { scan } from './database.ts';
import type { Generation } from './generation.ts';
import {
  chunkKey,
  dropKey,
  ROW_RANGE,
  STREAM_HEAD_RANGE,
  streamHeadKey,
  streamRange,
  withoutPrefix,
} from './keys.ts';
import { beginningOf, decodeStreamHead, noRecords, type StreamHead } from './stream-index.ts';
import { checkEnd, extendByChunk } from './stream-walk.ts';
import { unwrapValue } from './value.ts';

/** At most 1 MiB a second: a terabyte takes twelve days, and nobody notices. */
const STEP_BYTES = 256 * KIB;
const STEP_MS = 250;
const STEP_VALUES = 64;
/** Times as long as a step took, until the next one: where the node has much to do, a step takes long, and the scrub stands back. */
const REST_STEPS = 50;
const REST_STEP_MS = 10_000;
/** Until the first pass, and between two. */
const FIRST_MS = 30_000;
const REST_MS = 6 * 3_600_000;

type Place =
  /** Rows behind this key. */
  | { readonly kind: 'rows'; readonly after: string }
  /** The first stream behind this name. */
  | { readonly kind: 'between'; readonly after: string }
  | { readonly kind: 'stream'; readonly stream: string; readonly reached: StreamHead }
  | { readonly kind: 'done' };

const begin: Place = { kind: 'rows', after: ROW_RANGE.gte };

export interface ScrubOptions {
  readonly clock: Clock;
  readonly generation: () => Generation;
  /** A read failed; what it was is for the owner to say. */
  readonly failed: (error: unknown) => void;
}

/** Reads all rows and records again, in small steps, so that damage is found before somebody needs what it hit. */
export class Scrub {
  readonly #options: ScrubOptions;
  #generation: Generation | null = null;
  #place: Place = begin;
  #timer: Timer | null = null;
  #stepping: Promise<void> = Promise.resolve();
  #stopped = false;
  passes = 0;

  constructor(options: ScrubOptions) {
    this.#options = options;
    this.#later(FIRST_MS);
  }

  /** Resolves when nothing is read any more. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    return this.#stepping;
  }

  #later(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#stepping = this.#step();
    });
  }

  /** Never rejects. */
  async #step(): Promise<void> {
    const { clock, generation: current } = this.#options;
    const begunMs = clock.monotonicMs();
    const generation = current();
    if (generation !== this.#generation) this.#place = begin;
    this.#generation = generation;
    const release = generation.hold();
    try {
      this.#place = await advance(generation, this.#place);
    } catch (error) {
      this.#place = { kind: 'done' };
      this.#options.failed(error);
    } finally {
      release();
    }
    const restMs = Math.min(REST_STEP_MS, REST_STEPS * (clock.monotonicMs() - begunMs));
    if (this.#place.kind !== 'done') return this.#later(Math.max(STEP_MS, restMs));
    this.passes++;
    this.#place = begin;
    this.#later(REST_MS);
  }
}

async function advance(generation: Generation, place: Place): Promise<Place> {
  switch (place.kind) {
    case 'rows':
      return await readRows(generation, place.after);
    case 'between':
      return await findStream(generation, place.after);
    case 'stream':
      return await readChunks(generation, place.stream, place.reached);
    case 'done':
      return place;
    default:
      return place satisfies never;
  }
}

async function readRows({ database }: Generation, after: string): Promise<Place> {
  let bytes = 0;
  let last = after;
  const range = { gt: after, lt: ROW_RANGE.lt, limit: 16 * STEP_VALUES };
  for await (const [key, value] of database.iterator<string, Buffer>(range)) {
    unwrapValue(key, value);
    last = key;
    bytes += value.length;
    if (bytes >= STEP_BYTES) break;
  }
  return last === after ? { kind: 'between', after: STREAM_HEAD_RANGE.gte } : { kind: 'rows', after: last };
}

async function findStream({ database }: Generation, after: string): Promise<Place> {
  const [key] = await database.keys({ gt: after, lt: STREAM_HEAD_RANGE.lt, limit: 1 }).all();
  if (key === undefined) return { kind: 'done' };
  return { kind: 'stream', stream: withoutPrefix(key), reached: noRecords };
}

async function readChunks({ database }: Generation, stream: string, from: StreamHead): Promise<Place> {
  const headKey = streamHeadKey(stream);
  const snapshot = database.snapshot();
  try {
    const [value, going] = await database.getMany<string, Buffer>([headKey, dropKey(stream)], { snapshot });
    if (value === undefined || going !== undefined) return { kind: 'between', after: headKey };
    const head = decodeStreamHead(unwrapValue(headKey, value));
    // Its front may have gone since the step before.
    let reached = from.last + 1 < head.first ? beginningOf(head) : from;
    let bytes = 0;
    const { lt } = streamRange(stream);
    const range = { gte: chunkKey(stream, reached.last + 1), lt, limit: STEP_VALUES, snapshot };
    for await (const [key, chunk] of scan(database, range, 16)) {
      reached = extendByChunk(stream, reached, key, unwrapValue(key, chunk));
      bytes += chunk.length;
      if (bytes >= STEP_BYTES) break;
    }
    if (reached.last < head.last && reached.last > from.last && bytes > 0)
      return { kind: 'stream', stream, reached };
    checkEnd(stream, reached, head);
    return { kind: 'between', after: headKey };
  } finally {
    await snapshot.close();
  }
}
