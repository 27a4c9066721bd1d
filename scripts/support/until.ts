import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 10;

/** Polls until `probe` gives something other than null, undefined or false. Rejects after `timeoutMs`, naming `what`. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | null | undefined | false> | T | null | undefined | false,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await delay(pollMs);
  }
}
