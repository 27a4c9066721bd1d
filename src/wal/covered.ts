import type { HardState } from '../raft/types.ts';
import type { LogDamage } from './damage.ts';
import type { LogStart } from './log-store.ts';
import { getHardState, HARD_STATE_BYTES } from './payload.ts';
import { plausibleLength, RECORD_VERSION, readRecord, recordTypes } from './record.ts';
import type { Place, Recovery, SegmentInfo } from './recovery.ts';
import { readSeal, type Seal } from './seal.ts';
import { segmentName, segmentNumber } from './segment.ts';

/** Bytes that a search may checksum: bounds the time of an opening. */
const SEARCH_BYTES = 256 * 1024 * 1024;

/**
 * Of a damaged log whose every entry is in the state, only the votes are still needed, and the proof that nothing followed. Both stand at its
 * end: if the records from some point on lead to what the seal says, and the newest hard state is among them, the log can begin anew
 * behind the state, as after a compaction of all of it. Null when it is not so.
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
  if (seal.lastIndex !== covered.index || seal.lastTerm !== covered.term) return null;
  const bytes = await place.disk.read(`${place.directory}/${segmentName(seal.segment)}`);
  const hardState = bytes === null ? null : hardStateBefore(bytes, seal);
  if (hardState === null) return null;
  return {
    recovered: {
      start: covered,
      hardState,
      entries: [],
      sealed: true,
      tornBytes: 0,
      repaired: damage.message,
    },
    tail: {
      segments: await allSegments(place, covered.index + 1),
      end: seal.end,
      chain: seal.chain,
      lastIndex: seal.lastIndex,
      lastTerm: seal.lastTerm,
      identity: seal.identity,
      sealPresent: true,
    },
  };
}

/** Whatever is there, to be removed. */
async function allSegments({ disk, directory }: Place, nextIndex: number): Promise<readonly SegmentInfo[]> {
  const names = await disk.list(directory);
  const numbers = names.map(segmentNumber).filter((number) => number !== null);
  return numbers.map((number) => ({ number, nextIndex, bytes: 0 }));
}

/** The newest hard state of the records that lead, one chained to the other, to the end that the seal describes. */
function hardStateBefore(bytes: Uint8Array, seal: Seal): HardState | null {
  if (bytes.length < seal.end) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let budget = SEARCH_BYTES;
  for (let at = 0; at < seal.end; ) {
    const run = readRun(view, bytes, at);
    if (run.end === seal.end && run.chain === seal.chain) return run.hardState;
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
): { readonly end: number; readonly chain: number; readonly hardState: HardState | null } {
  let end = from;
  let chain = 0;
  let hardState: HardState | null = null;
  for (;;) {
    const record = readRecord(view, bytes, end);
    if (record === null || (end > from && record.chain !== chain)) return { end, chain, hardState };
    if (record.version > RECORD_VERSION) return { end, chain: 0, hardState: null };
    if (record.type === recordTypes.hardState && record.end - record.payloadStart >= HARD_STATE_BYTES) {
      hardState = getHardState(view, record.payloadStart);
    }
    end = record.end;
    chain = record.crc;
  }
}
