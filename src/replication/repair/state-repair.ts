import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { AppliedMark, StateStore } from '../../store/state-store.ts';
import type { PeerTransport } from '../ports/peer-transport.ts';
import { fetchCopy } from '../replica/snapshot-transfer.ts';
import type { Identity } from '../storage/identity.ts';

const RETRY_MS = 500;

export interface StateRepairOptions {
  readonly transport: PeerTransport;
  readonly store: StateStore;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Nodes with a link now, the one to ask first at the front. */
  readonly peers: () => readonly number[];
  /** A copy that ends before it would leave a gap to the log. */
  readonly leastIndex: number;
  /** Why, for people. */
  readonly reason: string;
  /** A copy is in force, durably, made by that node. */
  readonly done: (mark: AppliedMark, node: number) => void;
  readonly fatal: (error: unknown) => void;
}

/**
 * Fetches a copy of the state for a node whose log is whole and whose state is not. The node takes no part meanwhile: neither votes nor
 * acknowledges. Any peer will do, leading or not, since what a node has applied was committed; so one whole state is enough to
 * bring all nodes back, also when no majority runs.
 */
export class StateRepair {
  readonly #options: StateRepairOptions;
  #trying = false;
  #retry: Timer | null = null;
  #ended = false;
  /** What became of the last attempt. */
  #obstacle = 'no other node is connected';

  constructor(options: StateRepairOptions) {
    this.#options = options;
  }

  get alarm(): string {
    return `state: being rebuilt from another node (${this.#obstacle}), for this reason: ${this.#options.reason}`;
  }

  /** Goes through the peers, unless it does already. To be called when a link comes up, too. */
  attempt(): void {
    if (this.#trying || this.#ended) return;
    this.#trying = true;
    this.#retry?.cancel();
    this.#askAll().then(
      () => {
        this.#trying = false;
        if (!this.#ended) this.#retry = this.#options.clock.after(RETRY_MS, () => this.attempt());
      },
      (error) => this.#options.fatal(error),
    );
  }

  stop(): void {
    this.#ended = true;
    this.#retry?.cancel();
  }

  async #askAll(): Promise<void> {
    const { peers, logger } = this.#options;
    if (peers().length === 0) this.#obstacle = 'no other node is connected';
    for (const node of peers()) {
      if (this.#ended) return;
      try {
        if (await this.#askOne(node)) return;
      } catch (error) {
        if (this.#ended) return;
        const reason = error instanceof Error ? error.message : String(error);
        this.#obstacle = `node ${node} could not give a copy (${reason})`;
        logger.warn({ node, reason }, 'a copy of the state could not be fetched');
      }
    }
  }

  async #askOne(node: number): Promise<boolean> {
    const { transport, store, identity, leastIndex, logger, done, fatal } = this.#options;
    const copy = await fetchCopy({ transport, store }, node, ({ index }) => index >= leastIndex);
    if (copy === null) {
      this.#obstacle = `node ${node} is behind entry ${leastIndex}`;
      return false;
    }
    if (this.#ended) {
      await copy.install.abort();
      return false;
    }
    const { index, term } = copy.mark;
    try {
      // As for any snapshot: a crash behind the swap is made good at the next start.
      await identity.markInstalling({ index, term });
      const mark = await copy.install.commit();
      this.#ended = true;
      logger.warn({ node, index }, 'the state was replaced by a copy of another node');
      done(mark, node);
    } catch (error) {
      fatal(error);
    }
    return true;
  }
}
