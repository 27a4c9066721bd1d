/** A bar on the terminal for what an admin command does for a while; nothing where no terminal is. */
import { systemClock } from '../../base/system-clock.ts';
import { progressBars } from './progress.ts';

export interface WorkBar {
  moved(bytes: number, total: number | null): void;
  over(): void;
}

const usualColumns = 80;

export function workBar(name: string, screen = process.stderr): WorkBar {
  if (!screen.isTTY) return { moved: () => undefined, over: () => undefined };
  const bars = progressBars(
    systemClock,
    () => (screen.columns || usualColumns) - 1,
    (_name, line) => screen.write(`\r\x1b[K${line ?? ''}`),
  );
  return { moved: (bytes, total) => bars.moved(name, bytes, total), over: () => bars.over(name) };
}

/** The same bytes, each counted as it goes by. */
export async function* measured(
  bytes: AsyncIterable<Uint8Array>,
  bar: WorkBar,
  total: number | null,
): AsyncGenerator<Uint8Array, void, undefined> {
  let count = 0;
  try {
    for await (const piece of bytes) {
      count += piece.length;
      bar.moved(count, total);
      yield piece;
    }
  } finally {
    bar.over();
  }
}
