import type { Clock } from '../base/clock.ts';
import { NONE } from '../raft/index.ts';
import { comes } from './comes.ts';
import type { LedReplica } from './membership/stewardship.ts';

const HAND_OVER_MS = 1_500;

/** Gives leadership away, to another voter if the first one does not take it. */
export class HandOver {
  readonly #clock: Clock;
  readonly #replica: () => LedReplica | null;
  readonly #isDone: () => boolean;
  #running = false;

  /** `leader`: the node that leads, as far as `node` knows. */
  constructor(node: number, clock: Clock, replica: () => LedReplica | null, leader: () => number | null) {
    this.#clock = clock;
    this.#replica = replica;
    this.#isDone = () => leader() !== null && leader() !== node;
  }

  /** False when this node does not lead, or nobody took over in time. */
  async run(): Promise<boolean> {
    const leader = this.#replica();
    if (leader?.status().role !== 'leader' || leader.transfer(null) === null) return false;
    this.#running = true;
    const handedOver = await comes(this.#clock, this.#isDone, HAND_OVER_MS);
    this.#running = false;
    return handedOver;
  }

  tick(): void {
    const replica = this.#running ? this.#replica() : null;
    const status = replica?.status();
    // The core gave the hand-over up: somebody else may do better.
    if (status?.role === 'leader' && status.leadTransferee === NONE) replica?.transfer(null);
  }
}
