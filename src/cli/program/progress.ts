/** How far a transfer is, as one line of a given width, not too often. Pure. */
import type { Clock } from '../../base/clock.ts';
import { formatBytes } from '../../protocol/file-text.ts';

const largestBar = 40;

export interface Progress {
  readonly name: string;
  readonly bytes: number;
  /** Null: nobody knows. */
  readonly total: number | null;
  /** Since the transfer began. */
  readonly elapsedMs: number;
}

/** `photo.jpg [#######-------]  50%  10 MiB of 20 MiB  2.0 MiB/s`, without the bar where there is no room for it. */
export function formatProgress({ name, bytes, total, elapsedMs }: Progress, columns: number): string {
  const rate = elapsedMs > 0 ? `  ${formatBytes((bytes / elapsedMs) * 1_000)}/s` : '';
  if (total === null) return `${name}  ${formatBytes(bytes)}${rate}`.slice(0, Math.max(0, columns));
  const share = total === 0 ? 1 : Math.min(1, bytes / total);
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const figures = `${percent}  ${formatBytes(bytes)} of ${formatBytes(total)}${rate}`;
  const room = Math.min(largestBar, columns - name.length - figures.length - 4);
  if (room < 5) return `${name} ${figures}`.slice(0, Math.max(0, columns));
  const filled = Math.floor(share * room);
  return `${name} [${'#'.repeat(filled)}${'-'.repeat(room - filled)}]${figures}`;
}

/** `[#######-------]  50%  ` before a line about something that has `left` of `most` still to do; nothing where there is no room for it. */
export function formatRest(text: string, left: number, most: number, columns: number): string {
  const share = most === 0 ? 1 : Math.max(0, Math.min(1, 1 - left / most));
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const room = Math.min(largestBar, columns - text.length - percent.length - 5);
  if (room < 5) return text.slice(0, Math.max(0, columns));
  const filled = Math.floor(share * room);
  return `[${'#'.repeat(filled)}${'-'.repeat(room - filled)}]${percent}  ${text}`;
}

/** How often a bar on a screen is drawn. */
const drawEveryMs = 200;

/** For a screen: a line for each transfer that lasts, and null when it is over. */
export function progressBars(
  clock: Clock,
  columns: () => number,
  draw: (name: string, line: string | null) => void,
): { moved(name: string, bytes: number, total: number | null): void; over(name: string): void } {
  const begun = new Map<string, { readonly sinceMs: number; drawnMs: number }>();
  return {
    moved: (name, bytes, total) => {
      const nowMs = clock.monotonicMs();
      const transfer = begun.get(name) ?? { sinceMs: nowMs, drawnMs: nowMs };
      begun.set(name, transfer);
      if (nowMs - transfer.drawnMs < drawEveryMs) return;
      transfer.drawnMs = nowMs;
      draw(name, formatProgress({ name, bytes, total, elapsedMs: nowMs - transfer.sinceMs }, columns()));
    },
    over: (name) => {
      if (begun.delete(name)) draw(name, null);
    },
  };
}

/** What lasts shorter is not worth a line, and more often than this nobody reads. */
const tellEveryMs = 2_000;

/** Takes every step of every transfer, tells some of them. Transfers in one direction follow one another. */
export function progressTeller(
  clock: Clock,
  columns: () => number,
  tell: (line: string) => void,
): (name: string, bytes: number, total: number) => void {
  const begun = new Map<string, { readonly sinceMs: number; toldMs: number }>();
  return (name, bytes, total) => {
    const nowMs = clock.monotonicMs();
    const transfer = begun.get(name) ?? { sinceMs: nowMs, toldMs: nowMs };
    begun.set(name, transfer);
    if (bytes >= total) begun.delete(name);
    else if (nowMs - transfer.toldMs >= tellEveryMs) {
      transfer.toldMs = nowMs;
      tell(formatProgress({ name, bytes, total, elapsedMs: nowMs - transfer.sinceMs }, columns()));
    }
  };
}
