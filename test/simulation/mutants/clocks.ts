/** Wrong ways with time. */
import type { Clock, Timer } from '../../../src/base/clock.ts';
import type { EntryTime } from '../../../src/replication/ports/state-machine.ts';
import { ClockStamps } from '../../../src/replication/replica/clock-stamps.ts';
import { EPOCH_MS } from '../host.ts';
import { faithful } from '../wiring.ts';
import { type Mutant, replaceMethod, wired } from './mutant.ts';

/** No tick of the simulated nodes is another timer's length. */
const TICK_MS = 100;
/** Ticks that one jump can make good, or hold back. */
const MOST_TICKS = 60;

/** Ticks as a wall clock has them: it makes up for those that it thinks were missed, and waits when it thinks that it is early. */
class WallTicks implements Clock {
  readonly #clock: Clock;
  #dueMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#dueMs = clock.wallMs();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  after(delayMs: number, action: () => void): Timer {
    if (delayMs !== TICK_MS) return this.#clock.after(delayMs, action);
    const nowMs = this.#clock.wallMs();
    const most = MOST_TICKS * TICK_MS;
    this.#dueMs = Math.min(nowMs + most, Math.max(nowMs - most, this.#dueMs + delayMs));
    return this.#clock.after(Math.max(0, this.#dueMs - nowMs), action);
  }
}

const wallClockElections: Mutant = {
  name: 'wall-clock-elections',
  does: 'counts the ticks of elections by the wall clock',
  profile: 'clocks',
  wiring: wired({ clock: (clock) => new WallTicks(clock) }),
};

const wallClockExpiry: Mutant = {
  name: 'cluster-time-by-wall-clock',
  does: 'a leader takes the wall clock for the time that the cluster has run, by which sessions end',
  profile: 'clocks',
  wiring: faithful,
  patch: () =>
    replaceMethod(
      ClockStamps.prototype,
      'stamp',
      (original) =>
        function (this: ClockStamps): EntryTime {
          const { wallMs } = original.call(this);
          return { wallMs, clusterMs: Math.max(0, wallMs - EPOCH_MS) };
        },
    ),
};

export const clockMutants: readonly Mutant[] = [wallClockElections, wallClockExpiry];
