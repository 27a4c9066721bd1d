/**
 * How much may be asked in a minute, by one account or by one address that is nobody yet, and the headers that announce it
 * (draft-ietf-httpapi-ratelimit-headers-10, docs/decisions/0046). Local to the node: it is there to keep a loop gone wild from others.
 */
import type { FastifyReply } from 'fastify';
import type { Clock } from '../../base/clock.ts';

export interface Quota {
  /** Named in the header. */
  readonly name: string;
  /** Requests in a window; 0: no limit. */
  readonly requests: number;
}

export interface Standing {
  readonly quota: Quota;
  readonly left: number;
  readonly resetSeconds: number;
  readonly isOver: boolean;
}

interface Window {
  readonly startedMs: number;
  used: number;
}

const windowMs = 60_000;
/** Whoever asks is remembered for a window; at most so many, the earliest go first. */
const windowsKept = 20_000;

export class RequestLimits {
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one request; null where there is no limit. */
  take(quota: Quota, who: string | number): Standing | null {
    return this.#stand(quota, who, 1);
  }

  /** Counts nothing. */
  look(quota: Quota, who: string | number): Standing | null {
    return this.#stand(quota, who, 0);
  }

  #stand(quota: Quota, who: string | number, count: 0 | 1): Standing | null {
    if (quota.requests === 0) return null;
    const nowMs = this.#clock.monotonicMs();
    const window = this.#windowOf(`${quota.name} ${who}`, nowMs);
    const isOver = window.used + 1 > quota.requests;
    if (!isOver) window.used += count;
    const resetSeconds = Math.ceil((window.startedMs + windowMs - nowMs) / 1_000);
    return { quota, left: quota.requests - window.used, resetSeconds, isOver };
  }

  #windowOf(key: string, nowMs: number): Window {
    const known = this.#windows.get(key);
    if (known !== undefined && nowMs - known.startedMs < windowMs) return known;
    this.#windows.delete(key);
    const window = { startedMs: nowMs, used: 0 };
    this.#windows.set(key, window);
    for (const earliest of this.#windows.keys()) {
      if (this.#windows.size <= windowsKept) break;
      this.#windows.delete(earliest);
    }
    return window;
  }
}

export function announceLimit(reply: FastifyReply, { quota, left, resetSeconds }: Standing): void {
  void reply
    .header('ratelimit-policy', `"${quota.name}";q=${quota.requests};w=${windowMs / 1_000}`)
    .header('ratelimit', `"${quota.name}";r=${left};t=${resetSeconds}`);
}
