import type { Entry, HardState } from '../raft/types.ts';
import type { LogDamage } from './damage.ts';
import type { LogStart } from './log-store.ts';
import { getEntry, getHardState } from './payload.ts';
import { plausibleLength, RECORD_VERSION, readRecord, recordTypes } from './record.ts';
import type { Place, Recovery, SegmentInfo } from './recovery.ts';
import { readSeal, type Seal } from './seal.ts';
import { segmentName, segmentNumber } from './segment.ts';

/** Bytes that a search may checksum: bounds the time of an opening. */
const SEARCH_BYTES = 256 * 1024 * 1024;

/**
 * Of a damaged log whose entries are in the state, but for the last few, only those are still needed, the votes, and the proof that nothing
 * followed. All of it stands at the log's end: if the records from some point on lead to what the seal says, and the newest hard state
 * and the entries that the state lacks are among them, the log can begin anew behind the state, as after a compaction of all that the
 * state has. Null when it is not so.
 *
 * `covered` is the last applied entry of a state that is whole: committed, so every later leader has what is given up here.
 */
export async function recoverCovered(
  place: Place,
  identity: number | null,
  covered: LogStart,
  damage: LogDamage,
): Promise<Recovery | null> {
  const seal =
    damage.kind === 'version' ? null : await readSeal(place.disk, place.directory).catch(() => null);
  if (seal === null || (identity !== null && seal.identity !== identity)) return null;
  const segments = await allSegments(place, covered.index + 1);
  // A seal of an earlier stop describes an end, too, and knows nothing of the votes behind it.
  if (segments.at(-1)?.number !== seal.segment) return null;
  const bytes = await place.disk.read(`${place.directory}/${segmentName(seal.segment)}`);
  const end = bytes === null ? null : readEnd(bytes, seal);
  if (end === null || end.hardState === null || isOfAnotherLog(covered, end.entries)) return null;
  const entries = end.entries.filter(({ index }) => index > covered.index);
  if (!joins(entries, covered, seal)) return null;
  return {
    recovered: {
      start: covered,
      hardState: end.hardState,
      entries,
      sealed: true,
      tornBytes: 0,
      repaired: damage.message,
    },
    tail: {
      segments,
      end: seal.end,
      chain: seal.chain,
      lastIndex: seal.lastIndex,
      lastTerm: seal.lastTerm,
      identity: seal.identity,
      sealPresent: true,
    },
  };
}

/** Where the log still has the entry at which the state ends, they agree about it. */
function isOfAnotherLog(covered: LogStart, entries: readonly Entry[]): boolean {
  return entries.some(({ index, term }) => index === covered.index && term !== covered.term);
}

/** All from behind the state to the end of the log. */
function joins(entries: readonly Entry[], covered: LogStart, seal: Seal): boolean {
  const last = entries.at(-1) ?? covered;
  const isGapless = entries.every(({ index }, i) => index === covered.index + 1 + i);
  return isGapless && last.index === seal.lastIndex && last.term === seal.lastTerm;
}

/** Whatever is there, to be removed; ascending. */
async function allSegments({ disk, directory }: Place, nextIndex: number): Promise<readonly SegmentInfo[]> {
  const names = await disk.list(directory);
  const numbers = names.map(segmentNumber).filter((number) => number !== null);
  return numbers.map((number) => ({ number, nextIndex, bytes: 0 }));
}

/** What the records say that lead, one chained to the other, to the end that the seal describes. */
interface LogEnd {
  /** The newest. */
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
}

function readEnd(bytes: Uint8Array, seal: Seal): LogEnd | null {
  if (bytes.length < seal.end) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let budget = SEARCH_BYTES;
  for (let at = 0; at < seal.end; ) {
    const run = readRun(view, bytes, at);
    if (run.end === seal.end && run.chain === seal.chain) return run;
    // Past whatever is damaged, to the next record.
    for (at = Math.max(at + 1, run.end); at < seal.end; at++) {
      const length = plausibleLength(view, at);
      if (length === null) continue;
      budget -= length;
      if (budget < 0) return null;
      if (readRecord(view, bytes, at) !== null) break;
    }
  }
  return null;
}

function readRun(
  view: DataView,
  bytes: Uint8Array,
  from: number,
): LogEnd & { readonly end: number; readonly chain: number } {
  let end = from;
  let chain = 0;
  let hardState: HardState | null = null;
  const entries: Entry[] = [];
  for (;;) {
    const record = readRecord(view, bytes, end);
    const isNext = record !== null && (end === from || record.chain === chain);
    if (!isNext || record.version > RECORD_VERSION) return { end, chain, hardState, entries };
    const { type, payloadStart } = record;
    if (type === recordTypes.hardState) hardState = getHardState(view, payloadStart);
    if (type === recordTypes.entry) keepEntry(entries, getEntry(view, bytes, payloadStart, record.end));
    end = record.end;
    chain = record.crc;
  }
}

/** Entries replace any from the first one's index on. */
function keepEntry(entries: Entry[], entry: Entry | null): void {
  if (entry === null) return;
  const first = entries[0]?.index ?? entry.index;
  entries.length = Math.max(0, Math.min(entries.length, entry.index - first));
  entries.push(entry);
}
