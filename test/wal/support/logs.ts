import type { Disk } from '../../../src/base/disk.ts';
import type { Entry, HardState } from '../../../src/raft/types.ts';
import { openLog } from '../../../src/wal/log.ts';
import type { LogStart, LogStore, RecoveredLog } from '../../../src/wal/log-store.ts';

export const DIRECTORY = 'wal';

/** Segments so small that a handful of appends fills several. */
export function openSmall(
  disk: Disk,
  segmentBytes = 700,
  covered: LogStart | null = null,
): Promise<LogStore> {
  return openLog({ disk, directory: DIRECTORY, segmentBytes, covered });
}

export function entry(index: number, term = 1, text = `entry ${index} of term ${term}`): Entry {
  return { index, term, type: 'normal', data: new TextEncoder().encode(text) };
}

export function entries(from: number, to: number, term = 1): readonly Entry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, term));
}

export function hardState(term: number, vote = 1, commit = 0): HardState {
  return { term, vote, commit };
}

export function start(index: number, term = 1): LogStart {
  return { index, term, data: new TextEncoder().encode(`members at ${index}`) };
}

export const FOUNDING = start(0, 0);

/** What a recovered log says, as plain data to compare: bytes as text. */
export interface Seen {
  readonly start: string | null;
  readonly hardState: HardState;
  readonly entries: readonly string[];
}

export function seen(log: RecoveredLog): Seen {
  return {
    start: log.start === null ? null : `${log.start.index}/${log.start.term}/${text(log.start.data)}`,
    hardState: log.hardState,
    entries: log.entries.map(({ index, term, type, data }) => `${index}/${term}/${type}/${text(data)}`),
  };
}

function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** Opens and closes without a trace. */
export async function recovered(disk: Disk, segmentBytes?: number): Promise<RecoveredLog> {
  const log = await openSmall(disk, segmentBytes);
  await log.close();
  return log.recovered;
}
