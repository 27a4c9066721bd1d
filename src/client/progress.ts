/** How far the person, or the program, got: told to the node together, at most once in a while. What is lost with a connection is told again. */
import type { Clock } from '../base/clock.ts';

/** Acknowledgements are coalesced: at most one in this time. */
const ackDelayMs = 100;
/** Conversations marked as read and not told. Beyond it marks are lost, which a later one of each mends. */
const largestReads = 1_024;

export interface ProgressPorts {
  readonly clock: Clock;
  /** Log index of the last message that the handler had. */
  readonly handled: () => number;
  readonly send: (parts: readonly string[]) => void;
  readonly isReady: () => boolean;
  /** To be looked at then. */
  readonly wake: (atMs: number) => void;
}

export class Progress {
  readonly #ports: ProgressPorts;
  /** Marks that the node has not been told: conversation → sequence. */
  #reads = new Map<string, number>();
  #ackedIndex = 0;
  #atMs: number | null = null;

  constructor(ports: ProgressPorts) {
    this.#ports = ports;
  }

  /** When it is to be told; null: nothing is. */
  get atMs(): number | null {
    return this.#atMs;
  }

  markRead(conversation: string, sequence: number): void {
    if (sequence <= (this.#reads.get(conversation) ?? 0)) return;
    this.#reads.set(conversation, sequence);
    if (this.#reads.size >= largestReads) this.tell();
    if (this.#reads.size >= largestReads) this.#reads.clear();
    this.#plan();
  }

  /** The handler had a message. */
  handled(): void {
    if (this.#ports.handled() > this.#ackedIndex) this.#plan();
  }

  /** On a new connection of the session: what was told on the last one may not have arrived. */
  resumed(): void {
    this.#ackedIndex = 0;
    if (this.#ports.handled() > 0 || this.#reads.size > 0) this.#plan();
  }

  /** Another session: nothing of the last one counts. */
  reset(): void {
    this.#reads.clear();
    this.#ackedIndex = 0;
    this.#atMs = null;
  }

  tell(): void {
    this.#atMs = null;
    if (!this.#ports.isReady()) return;
    const parts = Array.from(this.#reads, ([conversation, sequence]) =>
      JSON.stringify({ op: 'read', conversation, sequence }),
    );
    this.#reads.clear();
    const index = this.#ports.handled();
    if (index > this.#ackedIndex) {
      this.#ackedIndex = index;
      parts.push(`{"op":"ack","index":${index}}`);
    }
    if (parts.length > 0) this.#ports.send(parts);
  }

  #plan(): void {
    if (this.#atMs !== null) return;
    this.#atMs = this.#ports.clock.monotonicMs() + ackDelayMs;
    this.#ports.wake(this.#atMs);
  }
}
