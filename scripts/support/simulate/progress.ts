import type { Summary } from '../../../test/simulation/summary.ts';

const everyMs = 5_000;

/** A line now and then, so that a long search is seen to go on. */
export class Progress {
  readonly #runs: number;
  readonly #tell: (line: string) => void;
  readonly #startedMs = performance.now();
  #toldMs = performance.now();

  constructor(runs: number, tell: (line: string) => void) {
    this.#runs = runs;
    this.#tell = tell;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  show({ runs, virtualMs, failures }: Summary): void {
    const nowMs = performance.now();
    if (nowMs - this.#toldMs < everyMs) return;
    this.#toldMs = nowMs;
    const seconds = this.elapsedMs / 1_000;
    const rates = `${(runs / seconds).toFixed(1)} runs a second, ${Math.round(virtualMs / 1_000 / seconds)} virtual seconds a second`;
    this.#tell(`${runs} of ${this.#runs} runs, ${failures.length} failed; ${rates}`);
  }
}
