import type { Entry, HardState } from '../raft/types.ts';
import { LogDamage } from './damage.ts';
import type { LogStart } from './log-store.ts';
import {
  ENTRY_BYTES,
  getEntry,
  getHardState,
  getSegment,
  getStart,
  HARD_STATE_BYTES,
  SEGMENT_BYTES,
  type SegmentHead,
  START_BYTES,
  type StartRecord,
} from './payload.ts';
import { type RawRecord, RECORD_VERSION, recordTypes } from './record.ts';

/** The file that a record is read from, for its bytes and for what is said about it. */
export interface SegmentFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Turns records, in order, into the log that they describe. Every record here has passed its CRC and the chain. */
export class Replay {
  start: LogStart | null = null;
  hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #entries: Entry[] = [];
  /** Entries below it were in segments that are gone, and rightly only if the start covers them. */
  #firstKeptIndex: number | null = null;

  get lastIndex(): number {
    return this.#entries.at(-1)?.index ?? this.start?.index ?? 0;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.start?.term ?? 0;
  }

  readSegment(file: SegmentFile, record: RawRecord): SegmentHead {
    checkVersion(file, record, SEGMENT_BYTES);
    const head = getSegment(file.view, record.payloadStart);
    this.#firstKeptIndex ??= head.nextIndex;
    return head;
  }

  read(file: SegmentFile, record: RawRecord): void {
    const { view, bytes } = file;
    const at = record.payloadStart;
    switch (record.type) {
      case recordTypes.start:
        checkVersion(file, record, START_BYTES);
        this.#readStart(getStart(view, bytes, at, record.end));
        return;
      case recordTypes.hardState:
        checkVersion(file, record, HARD_STATE_BYTES);
        this.hardState = getHardState(view, at);
        return;
      case recordTypes.entry: {
        checkVersion(file, record, ENTRY_BYTES);
        const entry = getEntry(view, bytes, at, record.end);
        if (entry === null) throw newer(file, record);
        this.#readEntry(file, record, entry);
        return;
      }
      default:
        throw newer(file, record);
    }
  }

  /** The entries after the start. Throws when some between are missing; `path` is the file to name then. */
  entries(path: string): readonly Entry[] {
    const next = (this.start?.index ?? 0) + 1;
    const kept = this.#entries.filter((entry) => entry.index >= next);
    const first = kept[0]?.index ?? next;
    if (first > next || (this.#firstKeptIndex ?? next) > next) {
      throw new LogDamage('gap', path, 0, `the segments that held the entries from ${next} on are missing`);
    }
    return kept;
  }

  #readStart({ index, term, data, keep }: StartRecord): void {
    this.start = { index, term, data };
    if (keep) return;
    this.#entries = [];
    this.#firstKeptIndex = index + 1;
  }

  #readEntry(file: SegmentFile, record: RawRecord, entry: Entry): void {
    const first = this.#entries[0]?.index ?? entry.index;
    if (entry.index > first + this.#entries.length) {
      const before = first + this.#entries.length - 1;
      throw damaged(file, record, 'gap', `entry ${entry.index} follows entry ${before}`);
    }
    this.#entries.length = Math.max(0, entry.index - first);
    this.#entries.push(entry);
  }
}

function checkVersion(file: SegmentFile, record: RawRecord, payloadBytes: number): void {
  if (record.version > RECORD_VERSION) throw newer(file, record);
  if (record.end - record.payloadStart < payloadBytes)
    throw damaged(file, record, 'record', 'a record is too short');
}

function newer(file: SegmentFile, record: RawRecord): LogDamage {
  return damaged(
    file,
    record,
    'version',
    `a record was written by a newer version (type ${record.type}, version ${record.version})`,
  );
}

function damaged(file: SegmentFile, record: RawRecord, kind: LogDamage['kind'], text: string): LogDamage {
  return new LogDamage(kind, file.path, record.payloadStart, text);
}
