import type { Disk } from '../base/disk.ts';
import { LogDamage } from './damage.ts';
import type { RecoveredLog } from './log-store.ts';
import { plausibleLength, type RawRecord, readRecord, readRound, recordTypes } from './record.ts';
import { Replay, type SegmentFile } from './replay.ts';
import { readSeal, type Seal } from './seal.ts';
import { SEAL_NAME, segmentName, segmentNumber } from './segment.ts';

/** A segment's file as far as later work needs it. */
export interface SegmentInfo {
  readonly number: number;
  readonly nextIndex: number;
  bytes: number;
}

/** Where the next record goes. */
export interface LogTail {
  readonly segments: readonly SegmentInfo[];
  /** Offset after the last record of the last segment. */
  readonly end: number;
  readonly chain: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly identity: number;
  readonly sealPresent: boolean;
}

export interface Recovery {
  readonly recovered: RecoveredLog;
  readonly tail: LogTail;
}

export interface Place {
  readonly disk: Disk;
  readonly directory: string;
}

/** How far one segment could be read. */
interface Reading {
  readonly file: SegmentFile;
  readonly info: SegmentInfo;
  readonly identity: number;
  readonly end: number;
  readonly chain: number;
  /** Offset where the last valid record's round begins. */
  readonly lastRound: number;
}

/**
 * Reads the whole log, tells a torn tail from damage (see the README for the rule), cuts the former, and makes durable
 * what it found. Rejects with `LogDamage`, also when the log is not that of `identity`.
 */
export async function recover(place: Place, identity: number | null): Promise<Recovery> {
  const seal = await readSeal(place.disk, place.directory);
  const numbers = await listSegments(place);
  if (numbers.length === 0) {
    if (seal !== null)
      throw damage(place, SEAL_NAME, 0, 'segment', 'the log was sealed, and all its segments are missing');
    return emptyLog(identity ?? 0, 0);
  }
  const replay = new Replay();
  const readings: Reading[] = [];
  let tornBytes = 0;
  for (const number of numbers) {
    const last = number === numbers.at(-1);
    const reading = await readSegment(place, number, readings.at(-1) ?? null, replay);
    if (reading.kind === 'segment') readings.push(reading.reading);
    else if (!last || seal !== null)
      throw damage(place, segmentName(number), 0, 'record', 'the segment has no head');
    else tornBytes += await dropHeadless(place, reading.file, readings.at(-1) ?? null);
  }
  const end = readings.at(-1);
  if (end === undefined) return emptyLog(identity ?? 0, tornBytes);
  if (identity !== null && end.identity !== identity) {
    throw new LogDamage(
      'segment',
      end.file.path,
      0,
      'this log belongs to another data directory than identity.json',
    );
  }
  if (seal !== null) checkSeal(place, seal, end, replay);
  else tornBytes += await settleTail(place, end);
  return describe(replay, readings, end, { sealed: seal !== null, tornBytes });
}

async function listSegments({ disk, directory }: Place): Promise<readonly number[]> {
  const numbers: number[] = [];
  for (const name of await disk.list(directory)) {
    const number = segmentNumber(name);
    if (number === null) continue;
    const before = numbers.at(-1);
    if (before !== undefined && number !== before + 1) {
      throw damage({ directory }, segmentName(before + 1), 0, 'segment', 'this segment is missing');
    }
    numbers.push(number);
  }
  return numbers;
}

type SegmentReading =
  | { readonly kind: 'segment'; readonly reading: Reading }
  | { readonly kind: 'headless'; readonly file: SegmentFile };

async function readSegment(
  place: Place,
  number: number,
  before: Reading | null,
  replay: Replay,
): Promise<SegmentReading> {
  const path = `${place.directory}/${segmentName(number)}`;
  const bytes = await place.disk.read(path);
  if (bytes === null) throw new LogDamage('segment', path, 0, 'this segment is missing');
  const file: SegmentFile = {
    path,
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  };
  const first = readRecord(file.view, bytes, 0);
  if (first === null || first.type !== recordTypes.segment) return { kind: 'headless', file };
  const head = replay.readSegment(file, first);
  if (head.number !== number)
    throw new LogDamage('segment', path, 0, `this file is segment ${head.number} under a wrong name`);
  if (before !== null && first.chain !== before.chain) {
    const text = `the records end here, and segment ${number} goes on from others: one of the two files is stale, cut or swapped`;
    throw new LogDamage('segment', before.file.path, before.end, text);
  }
  if (before !== null && head.identity !== before.identity) {
    throw new LogDamage('segment', path, 0, 'this segment belongs to another log');
  }
  const { end, chain, lastRound } = readRecords(file, first, replay);
  const info = { number, nextIndex: head.nextIndex, bytes: bytes.length };
  return { kind: 'segment', reading: { file, info, identity: head.identity, end, chain, lastRound } };
}

function readRecords(
  file: SegmentFile,
  first: RawRecord,
  replay: Replay,
): { readonly end: number; readonly chain: number; readonly lastRound: number } {
  let last = first;
  for (;;) {
    const record = readRecord(file.view, file.bytes, last.end);
    if (record === null || record.chain !== last.crc) break;
    replay.read(file, record);
    last = record;
  }
  return { end: last.end, chain: last.crc, lastRound: last.round };
}

function checkSeal(place: Place, seal: Seal, end: Reading, replay: Replay): void {
  const asSealed =
    seal.segment === end.info.number &&
    seal.end === end.end &&
    seal.chain === end.chain &&
    seal.lastIndex === replay.lastIndex &&
    seal.lastTerm === replay.lastTerm &&
    seal.identity === end.identity;
  if (asSealed) return;
  const text = `the log ends here with entry ${replay.lastIndex} of term ${replay.lastTerm}, and ${place.directory}/${SEAL_NAME} says entry ${seal.lastIndex} of term ${seal.lastTerm} at offset ${seal.end} of segment ${seal.segment}`;
  throw new LogDamage('seal', end.file.path, end.end, text);
}

/**
 * Cuts what follows the last record if it is a torn write, and writes and syncs the last round once more: the process may
 * have died between its write and its sync, or after a failed sync, when the platform believes that nothing is left to do.
 */
async function settleTail({ disk, directory }: Place, { file, end, lastRound }: Reading): Promise<number> {
  const torn = tornBytes(file, end);
  const handle = await disk.open(file.path);
  try {
    if (file.bytes.length > end) await handle.truncate(end);
    await handle.write(file.bytes.subarray(lastRound, end), lastRound);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await disk.syncDirectory(directory);
  return torn;
}

/** A last segment without a head was never acknowledged in any part: unless the files say otherwise, it goes. */
async function dropHeadless(
  { disk, directory }: Place,
  file: SegmentFile,
  before: Reading | null,
): Promise<number> {
  const torn = tornBytes(file, 0);
  if (before !== null && usedBytes(before.file.bytes) > before.end) {
    throw new LogDamage(
      'record',
      before.file.path,
      before.end,
      'a record is invalid, and another segment follows',
    );
  }
  await disk.remove(file.path);
  await disk.syncDirectory(directory);
  return torn;
}

/** Length of the torn write that begins at `from`. Throws when it is damage. */
function tornBytes(file: SegmentFile, from: number): number {
  const used = usedBytes(file.bytes);
  if (used <= from) return 0;
  const later = findLaterRound(file, from);
  if (later === null) return used - from;
  const text = `a record is invalid, and later ones (at ${later}) were written after it had been synced`;
  throw new LogDamage('record', file.path, from, text);
}

/** Without the zeros at the end, which are room written in advance. */
function usedBytes(bytes: Uint8Array): number {
  let used = bytes.length;
  while (used > 0 && bytes[used - 1] === 0) used--;
  return used;
}

/** Bytes that a search may checksum before it takes what looks like records for records: bounds the time of an opening. */
const SEARCH_BYTES = 1024 * 1024 * 1024;

/** Offset of a valid record whose round began after `from`, or null. */
function findLaterRound({ view, bytes }: SegmentFile, from: number): number | null {
  let budget = SEARCH_BYTES;
  for (let at = from; at < bytes.length; at++) {
    const length = plausibleLength(view, at);
    if (length === null || readRound(view, at) <= from) continue;
    budget -= length;
    if (budget < 0 || readRecord(view, bytes, at) !== null) return at;
  }
  return null;
}

function describe(
  replay: Replay,
  readings: readonly Reading[],
  end: Reading,
  found: { readonly sealed: boolean; readonly tornBytes: number },
): Recovery {
  const first = readings[0] ?? end;
  const entries = replay.entries(first.file.path);
  const segments = readings.map((reading) => reading.info);
  end.info.bytes = end.end;
  return {
    recovered: { start: replay.start, hardState: replay.hardState, entries, repaired: null, ...found },
    tail: {
      segments,
      end: end.end,
      chain: end.chain,
      lastIndex: replay.lastIndex,
      lastTerm: replay.lastTerm,
      identity: end.identity,
      sealPresent: found.sealed,
    },
  };
}

function emptyLog(identity: number, tornBytes: number): Recovery {
  const hardState = { term: 0, vote: 0, commit: 0 };
  return {
    recovered: { start: null, hardState, entries: [], sealed: false, tornBytes, repaired: null },
    tail: { segments: [], end: 0, chain: 0, lastIndex: 0, lastTerm: 0, identity, sealPresent: false },
  };
}

function damage(
  { directory }: { readonly directory: string },
  name: string,
  offset: number,
  kind: LogDamage['kind'],
  text: string,
): LogDamage {
  return new LogDamage(kind, `${directory}/${name}`, offset, text);
}
