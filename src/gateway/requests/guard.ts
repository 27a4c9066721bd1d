/**
 * Who tries passwords out is slowed down: after five failures within a minute nothing is hashed for a while, twice as long each time, and
 * after a hundred in a row an administrator has to help. The counts are replicated; each node adds what it has not told yet, and lets
 * no more attempts run side by side than may still fail.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { allowedFailures, backOffMs } from '../../chat/accounts/attempts.ts';
import type { AttemptNote } from '../../chat/vocabulary/account-types.ts';
import type { AttemptKey, Command, Result } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { Reply } from '../../protocol/requests.ts';
import type { Outcome } from '../../replication/ports/engine.ts';
import { rejection } from './replies.ts';

export interface GuardOptions {
  readonly view: Pick<ChatView, 'attempt'>;
  readonly clock: Clock;
  readonly clusterClock: { nowMs(): number };
  readonly proposeOwn: (command: Command) => Promise<Outcome<Result>>;
  readonly counters: { attemptsLimited: number };
  /** False: everybody may try as often as they like (the demonstration profile). */
  readonly isOn: boolean;
}

export type Verdict =
  | { readonly kind: 'right' }
  | { readonly kind: 'wrong' }
  /** Nothing was tried. Null: until an administrator unlocks it. */
  | { readonly kind: 'limited'; readonly retryAfterMs: number | null };

/** What this node knows of one key beyond the state. */
interface Local {
  /** Failures that are not in the state yet. */
  untold: number;
  running: number;
  waiting: (() => void)[];
  telling: boolean;
}

/** Attempts at one key that wait for others to end; more are told to come back. */
const waitingPerKey = 64;
/** Between two log entries about one key. */
const tellMs = 1_000;

export class Guard {
  readonly #options: GuardOptions;
  readonly #locals = new Map<AttemptKey, Local>();
  readonly #pauses = new Set<Timer>();
  #stopped = false;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** Runs `verify`, which hashes, unless the key is blocked. Behind a barrier. Rejects when `verify` does: that counts as no attempt. */
  async run(key: AttemptKey, verify: () => Promise<boolean>): Promise<Verdict> {
    if (!this.#options.isOn) return { kind: (await verify()) ? 'right' : 'wrong' };
    const local = this.#localOf(key);
    try {
      const limited = await this.#admit(key, local);
      if (limited !== null) {
        this.#options.counters.attemptsLimited += 1;
        return limited;
      }
      local.running += 1;
      const isRight = await verify().finally(() => {
        local.running -= 1;
      });
      if (isRight) this.#succeeded(key, local);
      else this.#failed(key, local);
      return { kind: isRight ? 'right' : 'wrong' };
    } finally {
      for (const wake of local.waiting.splice(0)) wake();
      this.#dropIdle(key, local);
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const pause of this.#pauses) pause.cancel();
  }

  /** Null once the attempt may run: no more run at once than may fail. */
  async #admit(key: AttemptKey, local: Local): Promise<Verdict | null> {
    for (;;) {
      const limited = this.#limitOf(key, local);
      if (limited !== null) return limited;
      if (this.#failuresOf(key, local) + local.running < this.#allowed(key)) return null;
      if (local.waiting.length >= waitingPerKey) return { kind: 'limited', retryAfterMs: tellMs };
      await new Promise<void>((resolve) => local.waiting.push(resolve));
    }
  }

  #limitOf(key: AttemptKey, local: Local): Verdict | null {
    const state = this.#options.view.attempt(key);
    if (state?.isLocked) return { kind: 'limited', retryAfterMs: null };
    const leftMs = (state?.untilMs ?? 0) - this.#options.clusterClock.nowMs();
    if (leftMs > 0) return { kind: 'limited', retryAfterMs: leftMs };
    if (this.#failuresOf(key, local) < this.#allowed(key)) return null;
    return { kind: 'limited', retryAfterMs: backOffMs(state?.blocks ?? 0) };
  }

  #allowed(key: AttemptKey): number {
    return allowedFailures(this.#options.view.attempt(key) ?? { blocks: 0 });
  }

  #failuresOf(key: AttemptKey, local: Local): number {
    const state = this.#options.view.attempt(key);
    if (state === undefined) return local.untold;
    const isOver = this.#options.clusterClock.nowMs() - state.windowMs >= limits.failureWindowMs;
    return local.untold + (isOver ? 0 : state.windowFailures);
  }

  #failed(key: AttemptKey, local: Local): void {
    local.untold += 1;
    if (!local.telling) void this.#tellFailures(key, local);
  }

  #succeeded(key: AttemptKey, local: Local): void {
    if (local.untold === 0 && this.#options.view.attempt(key) === undefined) return;
    local.untold = 0;
    void this.#tell({ key, failures: 0, cleared: true });
  }

  /** The first failure at once, then at most one entry a second with all that came meanwhile. */
  async #tellFailures(key: AttemptKey, local: Local): Promise<void> {
    local.telling = true;
    while (local.untold > 0 && !this.#stopped) {
      const failures = local.untold;
      if (await this.#tell({ key, failures, cleared: false }))
        local.untold = Math.max(0, local.untold - failures);
      await this.#pause();
    }
    local.telling = false;
    this.#dropIdle(key, local);
  }

  /** Never ends on a node that stops. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const pause = this.#options.clock.after(tellMs, () => {
        this.#pauses.delete(pause);
        resolve();
      });
      this.#pauses.add(pause);
    });
  }

  async #tell(attempt: AttemptNote): Promise<boolean> {
    const outcome = await this.#options.proposeOwn({ kind: 'note-attempts', attempts: [attempt] });
    return outcome.kind === 'applied';
  }

  #localOf(key: AttemptKey): Local {
    const known = this.#locals.get(key);
    if (known !== undefined) return known;
    const local: Local = { untold: 0, running: 0, waiting: [], telling: false };
    this.#locals.set(key, local);
    return local;
  }

  #dropIdle(key: AttemptKey, local: Local): void {
    const isIdle = local.untold + local.running + local.waiting.length === 0 && !local.telling;
    if (isIdle && this.#locals.get(key) === local) this.#locals.delete(key);
  }
}

export type Limited = Extract<Verdict, { kind: 'limited' }>;

export function limitedText({ retryAfterMs }: Limited): string {
  if (retryAfterMs === null) return 'Too many failed attempts: an administrator has to unlock this.';
  return `Too many failed attempts, try again in ${Math.ceil(retryAfterMs / 1_000)} s.`;
}

/** For people and programs. */
export function limitedReply(limited: Limited): Reply {
  const reply = rejection('RATE_LIMITED', limitedText(limited));
  return limited.retryAfterMs === null ? reply : { ...reply, retryAfterMs: Math.ceil(limited.retryAfterMs) };
}
