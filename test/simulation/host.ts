/** One life of one process: what it waits for dies with it, and waits while it is paused. Its clocks may be wrong. */
import type { Clock, Timer } from '../../src/base/clock.ts';
import { type Place, QUANTUM_MS, type World, type WorldEvent } from './world.ts';

/** What a right wall clock shows when a run begins. */
export const EPOCH_MS = 1_700_000_000_000;

/** Of a machine: outlives its processes. */
export interface ClockFaults {
  /** Added to the wall clock. */
  wallSkewMs: number;
  /** How fast both clocks run; 1 is right. */
  rate: number;
}

export class Host implements Place {
  readonly world: World;
  /** For the trace: a node's number, or a client's above those. */
  readonly number: number;
  readonly name: string;
  readonly clock: Clock;
  readonly backlog: WorldEvent[] = [];
  #alive = true;
  #paused = false;

  constructor(world: World, number: number, name: string, faults: ClockFaults) {
    this.world = world;
    this.number = number;
    this.name = name;
    this.clock = new HostClock(this, faults);
  }

  get alive(): boolean {
    return this.#alive;
  }

  get paused(): boolean {
    return this.#paused;
  }

  kill(): void {
    this.#alive = false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.world.resume(this.backlog.splice(0));
  }
}

/** Monotonic time counts from the start of the process and keeps counting when the rate changes: it never runs backwards. */
class HostClock implements Clock {
  readonly #host: Host;
  readonly #faults: ClockFaults;
  /** Where the present rate began: in the world's time, and in this clock's. */
  #sinceMs: number;
  #baseMs = 0;
  #rate: number;

  constructor(host: Host, faults: ClockFaults) {
    this.#host = host;
    this.#faults = faults;
    this.#sinceMs = host.world.nowMs;
    this.#rate = faults.rate;
  }

  monotonicMs(): number {
    const { nowMs } = this.#host.world;
    const elapsedMs = this.#baseMs + (nowMs - this.#sinceMs) * this.#rate;
    if (this.#rate !== this.#faults.rate) {
      this.#baseMs = elapsedMs;
      this.#sinceMs = nowMs;
      this.#rate = this.#faults.rate;
    }
    return Math.floor(elapsedMs / QUANTUM_MS) * QUANTUM_MS;
  }

  wallMs(): number {
    return EPOCH_MS + this.#host.world.nowMs + this.#faults.wallSkewMs;
  }

  after(delayMs: number, action: () => void): Timer {
    const { rate } = this.#faults;
    // Never early by a rounding error: whoever armed it would look at this clock, find nothing due, and arm it again for ever.
    const realMs = rate === 1 ? delayMs : delayMs / rate + 2 * QUANTUM_MS;
    return this.#host.world.after(realMs, 'timer', this.#host, action);
  }
}
