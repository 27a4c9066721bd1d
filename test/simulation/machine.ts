/** One machine: its disk and its clock outlive the processes that run on it. */
import type { Random } from '../../src/base/prng.ts';
import { MachineDisk } from './disk.ts';
import type { ClockFaults } from './host.ts';

export class Machine {
  readonly node: number;
  readonly clock: ClockFaults = { wallSkewMs: 0, rate: 1 };
  disk: MachineDisk;
  readonly #random: Random;

  constructor(node: number, random: Random) {
    this.node = node;
    this.#random = random;
    this.disk = new MachineDisk(random);
  }

  /** Another disk, empty. */
  wipe(): void {
    const { faults, onFailure } = this.disk;
    this.disk = new MachineDisk(this.#random);
    Object.assign(this.disk.faults, faults, { failing: 0 });
    this.disk.onFailure = onFailure;
  }
}
