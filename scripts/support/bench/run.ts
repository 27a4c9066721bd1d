import { type ChildProcess, fork } from 'node:child_process';
import { cpuTimeMs } from '../cpu-time.ts';
import type { Answer, BenchTarget, Measured, Order } from './target.ts';

export interface BenchPlan {
  readonly inFlight: readonly number[];
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface BenchRow {
  readonly inFlight: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly largestMs: number;
  /** Shares of one core, in percent. Null where the platform does not tell. */
  readonly loadCpuPercent: number;
  readonly serverCpuPercent: readonly (number | null)[];
  /** CPU seconds of all servers together for 10,000 messages. */
  readonly serverCpuSecondsPer10k: number | null;
}

const patienceMs = 60_000;
const settleMs = 3_000;
const settleInFlight = 64;

/** Measures a running target from a child process, one row after another. */
export async function runBench(
  target: BenchTarget,
  plan: BenchPlan,
  tell: (row: BenchRow) => void,
): Promise<BenchRow[]> {
  const child = new LoadChild();
  try {
    await child.ask({ kind: 'open', driver: target.driver, settings: target.settings }, 'opened');
    // Compilers on both sides warm up first, or the first row pays for it.
    await measure(child, target, { inFlight: [], warmUpMs: 0, measureMs: settleMs }, settleInFlight);
    const rows: BenchRow[] = [];
    for (const inFlight of plan.inFlight) {
      const row = await measure(child, target, plan, inFlight);
      tell(row);
      rows.push(row);
    }
    return rows;
  } finally {
    child.end();
  }
}

async function measure(
  child: LoadChild,
  target: BenchTarget,
  plan: BenchPlan,
  inFlight: number,
): Promise<BenchRow> {
  const { warmUpMs, measureMs } = plan;
  await child.ask({ kind: 'measure', inFlight, warmUpMs, measureMs }, 'begun');
  const before = await serverCpu(target);
  const measured = await child.next('measured');
  const after = await serverCpu(target);
  const used = after.map((cpuMs, at) => difference(cpuMs, before[at] ?? null));
  const all = used.reduce<number | null>((sum, ms) => (sum === null || ms === null ? null : sum + ms), 0);
  return rowOf(inFlight, measured, used, all);
}

function rowOf(
  inFlight: number,
  measured: Measured,
  used: readonly (number | null)[],
  all: number | null,
): BenchRow {
  const { done, elapsedMs, cpuMs } = measured;
  const percent = (ms: number): number => Math.round((100 * ms) / elapsedMs);
  return {
    inFlight,
    perSecond: Math.round((1_000 * done) / elapsedMs),
    p50Ms: rounded(measured.p50Ms),
    p99Ms: rounded(measured.p99Ms),
    largestMs: rounded(measured.largestMs),
    loadCpuPercent: percent(cpuMs),
    serverCpuPercent: used.map((ms) => (ms === null ? null : percent(ms))),
    serverCpuSecondsPer10k: all === null || done === 0 ? null : rounded((all * 10) / done),
  };
}

function serverCpu(target: BenchTarget): Promise<(number | null)[]> {
  return Promise.all(target.pids().map(cpuTimeMs));
}

function difference(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after - before;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The load child as a conversation: one order, then its answers in turn. */
class LoadChild {
  readonly #child: ChildProcess = fork(new URL('load-child.ts', import.meta.url), {
    execArgv: ['--import', 'tsx'],
  });
  readonly #answers: Answer[] = [];
  #wake: (() => void) | null = null;
  #ended = false;

  constructor() {
    this.#child.on('message', (answer: Answer) => {
      this.#answers.push(answer);
      this.#wake?.();
    });
    this.#child.on('exit', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  ask<Kind extends Answer['kind']>(order: Order, kind: Kind): Promise<Extract<Answer, { kind: Kind }>> {
    this.#child.send(order);
    return this.next(kind);
  }

  async next<Kind extends Answer['kind']>(kind: Kind): Promise<Extract<Answer, { kind: Kind }>> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs);
    try {
      while (this.#answers.length === 0 && !this.#ended) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
    const answer = this.#answers.shift();
    if (answer?.kind === kind) return answer as Extract<Answer, { kind: Kind }>;
    const text = answer?.kind === 'failed' ? answer.text : 'it ended or fell silent';
    throw new Error(`the load generator failed: ${text}`);
  }

  end(): void {
    if (!this.#ended) this.#child.send({ kind: 'close' } satisfies Order);
  }
}
