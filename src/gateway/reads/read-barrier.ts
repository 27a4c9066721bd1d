/**
 * Before a read: the node makes sure of a majority that it knows whatever was acknowledged. Who asks for a stale answer is spared that, as
 * long as the node was sure a moment ago: so a node that is cut off serves nobody for longer, and a log-out counts everywhere soon.
 */
import type { Clock } from '../../base/clock.ts';
import type { Engine } from '../../replication/ports/engine.ts';

/** How old a stale answer may be. */
export const staleMs = 2_000;

export class ReadBarrier {
  readonly #engine: Pick<Engine<unknown, unknown>, 'barrier'>;
  readonly #clock: Clock;
  /** Everything acknowledged before this moment is known here. */
  #knownMs = Number.NEGATIVE_INFINITY;

  constructor(engine: Pick<Engine<unknown, unknown>, 'barrier'>, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  /** Rejects with `CodedError` UNAVAILABLE when there is no majority. */
  async pass(): Promise<void> {
    const begunMs = this.#clock.monotonicMs();
    await this.#engine.barrier();
    this.#knownMs = Math.max(this.#knownMs, begunMs);
  }

  async passFor(read: { readonly stale?: boolean }): Promise<void> {
    const isFresh = this.#clock.monotonicMs() - this.#knownMs <= staleMs;
    if (read.stale !== true || !isFresh) await this.pass();
  }
}
