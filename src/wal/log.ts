import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import { CodedError } from '../base/errors.ts';
import { MIB } from '../base/limits.ts';
import type { Entry, HardState } from '../raft/types.ts';
import { recoverCovered } from './covered.ts';
import { LogDamage } from './damage.ts';
import type { LogStart, LogStore, RecoveredLog } from './log-store.ts';
import { type LogTail, type Recovery, recover, type SegmentInfo } from './recovery.ts';
import { Round } from './round.ts';
import { writeSeal } from './seal.ts';
import { SEAL_NAME, segmentName } from './segment.ts';
import { SegmentWriter } from './segment-writer.ts';

export const SEGMENT_BYTES = 16 * MIB;
/** A round that has reached it takes no further append: bounds what one sync must carry. */
const ROUND_BYTES = 4 * MIB;
/** Encoded and not yet durable; beyond it `append` refuses with BUSY. The engine's own bounds are far below. */
const QUEUE_BYTES = 128 * MIB;
const FIRST_BUFFER_BYTES = 256 * 1024;
/** A buffer that one huge round has made larger is not kept. */
const KEPT_BUFFER_BYTES = 2 * ROUND_BYTES;

export interface LogOptions {
  readonly disk: Disk;
  /** Of the log, within the data directory. */
  readonly directory: string;
  /** A segment that has reached it is followed by a new one. */
  readonly segmentBytes?: number;
  /** Of the data directory, a safe integer (the incarnation): another log's files are then refused. */
  readonly identity?: number;
  /** The last applied entry of a state that is whole, on this disk: a damaged log that it covers is begun anew from there. */
  readonly covered?: LogStart | null;
  /** With `onRound`: told of each write and sync. */
  readonly clock?: Clock;
  readonly onRound?: (round: RoundFigures) => void;
}

export interface RoundFigures {
  /** Of write and sync together. */
  readonly durationMs: number;
  readonly bytes: number;
  /** Calls of `append` and `restart` that shared the sync. */
  readonly calls: number;
}

/**
 * Opens the log, creating it if absent. Rejects with `LogDamage` (DATA_DAMAGED), or DISK_FAILED.
 */
export async function openLog(options: LogOptions): Promise<LogStore> {
  const { disk, directory } = options;
  try {
    await disk.makeDirectory(directory);
    const { recovered, tail } = await recoverOrBeginAnew(options);
    const log = new DiskLog(options, recovered, tail);
    if (recovered.repaired !== null) await log.beginAnew(recovered);
    return log;
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('DISK_FAILED', `The log could not be opened: ${reason(error)}`, { cause: error });
  }
}

async function recoverOrBeginAnew(options: LogOptions): Promise<Recovery> {
  const { disk, directory, identity = null, covered = null } = options;
  const place = { disk, directory };
  try {
    return await recover(place, identity);
  } catch (error) {
    if (!(error instanceof LogDamage) || covered === null) throw error;
    const anew = await recoverCovered(place, identity, covered, error);
    if (anew === null) throw error;
    return anew;
  }
}

/**
 * The end of the log as it will be once all rounds are written is kept in plain fields: appends are encoded against it at
 * once, and only the pump, which writes one round after the other, waits.
 */
class DiskLog implements LogStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #identity: number;
  readonly #observe: ((startMs: number | null, round: Round) => number | null) | null;

  #recovered: RecoveredLog;
  #start: LogStart | null;
  #hardState: HardState;
  #lastIndex: number;
  #lastTerm: number;
  /** Ascending and without a gap; the last one takes the next round. */
  readonly #segments: SegmentInfo[];
  #end: number;
  #chain: number;

  /** Oldest first; the first one is being written while `#pumping`. */
  readonly #rounds: Round[] = [];
  #queuedBytes = 0;
  #pumping: Promise<void> | null = null;
  #writer: SegmentWriter | null = null;
  #writerSegment = 0;
  #removing: Promise<void> = Promise.resolve();
  #spareBuffer: Uint8Array | null = null;
  #sealPresent: boolean;
  #failure: CodedError | null = null;
  #closed = false;

  constructor(options: LogOptions, recovered: RecoveredLog, tail: LogTail) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#identity = tail.identity;
    this.#observe = observer(options);
    this.#recovered = recovered;
    this.#start = recovered.start;
    this.#hardState = recovered.hardState;
    this.#lastIndex = tail.lastIndex;
    this.#lastTerm = tail.lastTerm;
    this.#segments = [...tail.segments];
    this.#end = tail.end;
    this.#chain = tail.chain;
    this.#sealPresent = tail.sealPresent;
  }

  /** Its entries are let go at the first `restart`, so that a long life does not keep them. */
  get recovered(): RecoveredLog {
    return this.#recovered;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  append(write: { readonly hardState: HardState | null; readonly entries: readonly Entry[] }): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== null) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const { hardState, entries } = write;
      this.#checkJoined(entries);
      const pending = this.#rounds.at(-1);
      if (hardState === null && entries.length === 0) {
        if (pending === undefined) resolve();
        else pending.waiters.push({ resolve, reject });
        return;
      }
      const round = this.#openRound();
      const lengthBefore = round.length;
      if (hardState !== null) {
        round.addHardState(hardState);
        this.#hardState = hardState;
      }
      for (const entry of entries) round.addEntry(entry);
      const last = entries.at(-1);
      if (last !== undefined) {
        this.#lastIndex = last.index;
        this.#lastTerm = last.term;
      }
      this.#queue(round, lengthBefore, { resolve, reject });
    });
  }

  async restart(start: LogStart, keep: boolean): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== null) throw refusal;
    if (keep) {
      assert(start.index >= (this.#start?.index ?? 0), 'the log never starts earlier than it did');
      assert(start.index <= this.#lastIndex, 'a log that keeps its entries starts within them');
    } else {
      this.#lastIndex = start.index;
      this.#lastTerm = start.term;
    }
    this.#start = start;
    const round = this.#newRound(true, keep);
    this.#recovered = { ...this.#recovered, entries: [] };
    await new Promise<void>((resolve, reject) => this.#queue(round, 0, { resolve, reject }));
    this.#removeBelow(round.place.segment, keep ? start.index : null);
  }

  /** Start and entries in one round: what was promised is durable at no moment less than whole. */
  async beginAnew({ start, entries }: RecoveredLog): Promise<void> {
    if (start === null) return;
    const restarted = this.restart(start, false);
    this.#recovered = { ...this.#recovered, entries };
    await Promise.all([restarted, this.append({ hardState: null, entries })]);
  }

  async seal(): Promise<void> {
    // The votes once more, so that they stand behind whatever of the log may be damaged later (`covered.ts`). Of a failure, see below.
    const isNews = !this.#sealPresent && this.#segments.length > 0;
    if (isNews) await this.append({ hardState: this.#hardState, entries: [] }).catch(() => undefined);
    await this.close();
    if (this.#failure !== null) throw this.#failure;
    const segment = this.#segments.at(-1);
    // Nothing was written since a sealed log was opened: that seal still describes it.
    if (segment === undefined || this.#sealPresent) return;
    try {
      await writeSeal(this.#disk, this.#directory, {
        identity: this.#identity,
        segment: segment.number,
        end: this.#end,
        lastIndex: this.#lastIndex,
        lastTerm: this.#lastTerm,
        chain: this.#chain,
      });
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pumping;
    await this.#removing;
    const writer = this.#writer;
    this.#writer = null;
    if (writer === null) return;
    try {
      await writer.close();
    } catch (error) {
      this.#fail(error);
    }
  }

  #refusal(): CodedError | null {
    if (this.#failure !== null) return this.#failure;
    if (this.#closed) return new CodedError('UNAVAILABLE', 'The log is closed.');
    if (this.#queuedBytes > QUEUE_BYTES) return new CodedError('BUSY', 'Too much is waiting for the log.');
    return null;
  }

  /** Thesis §3.5: entries follow what is there, or replace an end of it, and never what was compacted. */
  #checkJoined(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const start = this.#start;
    assert(start !== null, 'a log has a start before it has entries');
    assert(first.index > start.index, 'compacted entries are not replaced');
    assert(first.index <= this.#lastIndex + 1, 'entries join the log');
    for (let i = 1; i < entries.length; i++) {
      assert(entries[i]?.index === first.index + i, 'appended entries have consecutive indexes');
    }
  }

  /** The round that takes the next append. */
  #openRound(): Round {
    const pending = this.#rounds.at(-1);
    if (pending !== undefined && !pending.closed && pending.length < ROUND_BYTES) return pending;
    return this.#newRound(this.#segments.length === 0 || this.#end >= this.#segmentBytes, true);
  }

  #newRound(newSegment: boolean, keep: boolean): Round {
    const pending = this.#rounds.at(-1);
    if (pending !== undefined) pending.closed = true;
    const number = (this.#segments.at(-1)?.number ?? 0) + (newSegment ? 1 : 0);
    const buffer = this.#spareBuffer ?? new Uint8Array(FIRST_BUFFER_BYTES);
    this.#spareBuffer = null;
    const round = new Round(
      { segment: number, offset: newSegment ? 0 : this.#end, chain: this.#chain },
      buffer,
    );
    if (newSegment) this.#beginSegment(round, keep);
    return round;
  }

  /** Repeats what the segments before said last: they may be gone when this one is read. */
  #beginSegment(round: Round, keep: boolean): void {
    const number = round.place.segment;
    const nextIndex = this.#lastIndex + 1;
    this.#segments.push({ number, nextIndex, bytes: 0 });
    round.addSegment({ number, identity: this.#identity, nextIndex });
    if (this.#start !== null) round.addStart({ ...this.#start, keep });
    round.addHardState(this.#hardState);
  }

  #queue(round: Round, lengthBefore: number, waiter: Round['waiters'][number]): void {
    if (this.#rounds.at(-1) !== round) this.#rounds.push(round);
    round.waiters.push(waiter);
    this.#queuedBytes += round.length - lengthBefore;
    this.#chain = round.chain;
    this.#end = round.place.offset + round.length;
    // A microtask later, so that all that is appended in one turn shares the first sync.
    this.#pumping ??= Promise.resolve().then(() => this.#pump());
  }

  /** Writes one round after the other. Never rejects. */
  async #pump(): Promise<void> {
    for (let round = this.#rounds[0]; round !== undefined; round = this.#rounds[0]) {
      round.closed = true;
      try {
        const begun = this.#observe?.(null, round) ?? null;
        await this.#write(round);
        this.#observe?.(begun, round);
      } catch (error) {
        this.#fail(error);
        break;
      }
      this.#rounds.shift();
      this.#queuedBytes -= round.length;
      if (round.buffer.length <= KEPT_BUFFER_BYTES) this.#spareBuffer = round.buffer;
      for (const waiter of round.waiters) waiter.resolve();
    }
    this.#pumping = null;
  }

  async #write(round: Round): Promise<void> {
    if (this.#sealPresent) {
      await this.#disk.remove(`${this.#directory}/${SEAL_NAME}`);
      await this.#disk.syncDirectory(this.#directory);
      this.#sealPresent = false;
    }
    const { segment, offset } = round.place;
    const writer = await this.#writerOf(segment, offset);
    await writer.append(round.content, offset);
    if (offset === 0) await this.#disk.syncDirectory(this.#directory);
    const info = this.#segments.find(({ number }) => number === segment);
    if (info !== undefined) info.bytes = offset + round.length;
  }

  async #writerOf(segment: number, offset: number): Promise<SegmentWriter> {
    if (this.#writer !== null && this.#writerSegment === segment) return this.#writer;
    await this.#writer?.close();
    this.#writer = null;
    const path = `${this.#directory}/${segmentName(segment)}`;
    this.#writer = await SegmentWriter.open(this.#disk, path, offset, this.#segmentBytes);
    this.#writerSegment = segment;
    return this.#writer;
  }

  /** Removes segments in the background, oldest first, each durably, so that those that are left never have a gap. */
  #removeBelow(segment: number, startIndex: number | null): void {
    const covered = (next: SegmentInfo): boolean => startIndex === null || next.nextIndex <= startIndex + 1;
    const gone: number[] = [];
    for (;;) {
      const [first, next] = this.#segments;
      if (first === undefined || next === undefined || first.number >= segment || !covered(next)) break;
      gone.push(first.number);
      this.#segments.shift();
    }
    this.#removing = this.#removing.then(async () => {
      try {
        for (const number of gone) {
          if (this.#failure !== null) return;
          await this.#disk.remove(`${this.#directory}/${segmentName(number)}`);
          await this.#disk.syncDirectory(this.#directory);
        }
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  /** Poisons the log: after a failed write or sync nothing that follows can be trusted to be durable. */
  #fail(error: unknown): CodedError {
    this.#failure ??= new CodedError('DISK_FAILED', `The log could not be written: ${reason(error)}`, {
      cause: error,
    });
    const failure = this.#failure;
    for (const round of this.#rounds.splice(0)) {
      for (const waiter of round.waiters) waiter.reject(failure);
    }
    return failure;
  }
}

function observer({
  clock,
  onRound,
}: LogOptions): ((startMs: number | null, round: Round) => number | null) | null {
  if (clock === undefined || onRound === undefined) return null;
  return (startMs, round) => {
    const nowMs = clock.monotonicMs();
    if (startMs !== null)
      onRound({ durationMs: nowMs - startMs, bytes: round.length, calls: round.waiters.length });
    return nowMs;
  };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
