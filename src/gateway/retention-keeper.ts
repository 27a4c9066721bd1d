/**
 * Has what is too old cut off: the node that leads looks from time to time which conversations are due, and proposes a step for each. What a step does
 * is decided by `apply` alone; two leaders that propose the same step, or none for an hour, do no harm.
 */
import type { Clock, Timer } from '../base/clock.ts';
import type { Command, ConversationId, Result } from '../chat/vocabulary/types.ts';
import type { ChatView } from '../chat/vocabulary/view.ts';
import type { Outcome } from '../replication/ports/engine.ts';

export const checkMs = 60_000;
/** Conversations that one look takes up before it looks again: those due meanwhile are not kept. */
const atOnce = 64;

export interface RetentionKeeperOptions {
  readonly clock: Clock;
  readonly view: Pick<ChatView, 'retentionDue'>;
  readonly clusterClock: { nowMs(): number };
  readonly leads: () => boolean;
  /** Of the configuration; null: messages are kept for ever where a group says nothing else. */
  readonly defaultMs: number | null;
  readonly proposeOwn: (command: Command) => Promise<Outcome<Result>>;
}

export class RetentionKeeper {
  readonly #options: RetentionKeeperOptions;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: RetentionKeeperOptions) {
    this.#options = options;
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #later(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(checkMs, () => {
      void this.#look().then(() => this.#later());
    });
  }

  /** Never rejects: a step that is refused is due at the next look. */
  async #look(): Promise<void> {
    for (let due = this.#due(); due.length > 0; due = this.#due()) {
      for (const conversation of due) if (!(await this.#step(conversation))) return;
    }
  }

  #due(): readonly ConversationId[] {
    const { view, clusterClock, leads, defaultMs } = this.#options;
    if (this.#stopped || !leads()) return [];
    const due: ConversationId[] = [];
    for (const conversation of view.retentionDue(defaultMs, Math.floor(clusterClock.nowMs()))) {
      due.push(conversation);
      if (due.length === atOnce) break;
    }
    return due;
  }

  /** False when nothing more is to be done now: nobody leads, or there is no room. */
  async #step(conversation: ConversationId): Promise<boolean> {
    const { defaultMs, proposeOwn } = this.#options;
    const outcome = await proposeOwn({ kind: 'retain', conversation, defaultMs });
    return outcome.kind === 'applied' && !this.#stopped;
  }
}
