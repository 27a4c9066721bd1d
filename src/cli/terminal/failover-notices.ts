/**
 * What a person is told when a server fails, in the words of the house dialect: `Server N is down. Initiating leader election.`, then
 * `Connected to Server N` once the client is with the elected leader, or has stayed with another node for a while.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import type { Status } from '../../client/index.ts';
import { escapeLine } from '../../protocol/escape.ts';

/** How long a connection with a node that does not lead is given to move on to the leader, before it is announced. */
const settleMs = 500;

export class FailoverNotices {
  readonly #clock: Clock;
  readonly #show: (text: string) => void;
  /** A connection is awaited, and will be announced. */
  #awaiting: boolean;
  #node: number | null = null;
  #timer: Timer | null = null;

  /** `announceFirst`: also tell of the first connection. */
  constructor(clock: Clock, announceFirst: boolean, show: (text: string) => void) {
    this.#clock = clock;
    this.#awaiting = announceFirst;
    this.#show = show;
  }

  take(status: Status): void {
    switch (status.kind) {
      case 'down':
        this.#down(status.node);
        return;
      case 'connected':
        this.#node = status.node;
        this.#connected(status.leader === status.node);
        return;
      case 'leader':
        this.#connected(status.leader === this.#node);
        return;
      case 'unreachable':
        this.#awaiting = true;
        this.#show(
          `No server can be reached (${escapeLine(status.reason)}), trying again. What you send is kept.`,
        );
        return;
      case 'session-lost':
        this.#show('Your session has ended. Please log in again.');
        return;
      case 'closed':
        this.#cancel();
        return;
      case 'connecting':
      case 'resumed':
      case 'electing':
        return;
    }
  }

  #down(node: number): void {
    this.#cancel();
    this.#node = null;
    // The node in between, before the leader was found, is not worth a second message.
    if (!this.#awaiting) this.#show(`Server ${node} is down. Initiating leader election.`);
    this.#awaiting = true;
  }

  #connected(isLeader: boolean): void {
    if (!this.#awaiting || this.#node === null) return;
    if (isLeader) this.#announce();
    else this.#timer ??= this.#clock.after(settleMs, () => this.#announce());
  }

  #announce(): void {
    this.#cancel();
    this.#awaiting = false;
    if (this.#node !== null) this.#show(`Connected to Server ${this.#node}`);
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
