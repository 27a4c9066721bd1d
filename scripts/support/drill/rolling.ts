/**
 * A rolling restart under load, as for a new version of the program: each node in turn is told to stop (SIGTERM), hands over if it leads,
 * is started again and waited for. Through all of it no request of a library client may fail.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../../src/base/prng.ts';
import type { RealCluster, RealNode } from '../real-cluster.ts';
import { quantile, worstGapMs } from './outages.ts';
import { type Played, recoveryMs, type Stage, underLoad } from './under-load.ts';
import { loadFailures } from './violations.ts';

export interface RollingOptions {
  /** How often every node is restarted. */
  readonly rounds: number;
  /** Sends a second, all writers together. */
  readonly rate: number;
  readonly writers: number;
  readonly seed: number;
  readonly label?: string;
  /** Progress, for people. */
  readonly tell?: (line: string) => void;
}

export interface RollingReport {
  readonly nodes: number;
  readonly writers: number;
  readonly rate: number;
  readonly seed: number;
  readonly durationMs: number;
  readonly rounds: number;
  readonly restarts: number;
  /** Restarts of a node that led when it was told to stop. */
  readonly handOvers: number;
  readonly acknowledged: number;
  /** Requests of the library's clients that did not end with a receipt. */
  readonly failed: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Readers that disagree, phantoms, stale reads. */
  readonly otherViolations: number;
  /** For each hand-over the worst writer's longest time between two acknowledgements around the stop. */
  readonly handOverGapsMs: readonly number[];
  readonly p50Ms: number;
  readonly maxMs: number;
  /** The same over all restarts, the starting again included. */
  readonly longestGapMs: number;
  readonly watcherReconnections: number;
  /** Everything that went wrong; empty after a good drill. */
  readonly failures: readonly string[];
}

interface Restart {
  readonly node: number;
  readonly led: boolean;
  /** Around the stop. */
  readonly stopGapMs: number;
  /** From the stop until the node is ready again. */
  readonly wholeGapMs: number;
}

/** Between two restarts, and after the last: what follows from one is not counted to the next. */
const calmMs = 300;

export async function runRolling(cluster: RealCluster, options: RollingOptions): Promise<RollingReport> {
  const random = seededRandom(options.seed);
  const restarts: Restart[] = [];
  const failures: string[] = [];
  const played = await underLoad(cluster, { ...options, random }, async (stage) => {
    for (let round = 1; round <= options.rounds; round++) {
      for (const node of cluster.nodes) {
        await delay(calmMs);
        try {
          const restart = await restartUnderLoad(cluster, stage, node);
          restarts.push(restart);
          options.tell?.(describe(round, restart));
        } catch (error) {
          failures.push(`round ${round}, node ${node.id}: ${error instanceof Error ? error.message : error}`);
          if (!cluster.runningIds.includes(node.id)) cluster.run(node.id);
        }
      }
    }
    await delay(calmMs);
  });
  return report(cluster, options, played, restarts, failures);
}

async function restartUnderLoad(cluster: RealCluster, stage: Stage, { id }: RealNode): Promise<Restart> {
  const alone = cluster.nodes.length === 1;
  const leader = await cluster.leader();
  const fromMs = performance.now();
  const exit = await cluster.end(id, 'SIGTERM');
  if (exit.code !== 0) throw new Error(`ended with ${exit.signal ?? `exit code ${exit.code}`}, not 0`);
  // With nobody else to serve them the writers wait for the start.
  if (!alone) await stage.goesOn();
  const stoppedMs = performance.now();
  await cluster.restart(id);
  await cluster.converged(recoveryMs);
  await stage.goesOn();
  const readyMs = performance.now();
  const times = [...stage.recorder.acknowledgedAt.values()];
  return {
    node: id,
    led: leader.id === id,
    stopGapMs: round(worstGapMs(times, fromMs, alone ? readyMs : stoppedMs)),
    wholeGapMs: round(worstGapMs(times, fromMs, readyMs)),
  };
}

function describe(round: number, { node, led, stopGapMs, wholeGapMs }: Restart): string {
  const what = led ? 'led, and handed over' : 'followed';
  return `round ${round}, node ${node}: ${what}; longest gap at its stop ${stopGapMs} ms, until it was back ${wholeGapMs} ms`;
}

function report(
  cluster: RealCluster,
  options: RollingOptions,
  played: Played,
  restarts: readonly Restart[],
  faults: readonly string[],
): RollingReport {
  const { load, cast } = played;
  const { violations, others, unknown, rejected, ...verdict } = played.verdict;
  const handOverGapsMs = restarts.filter(({ led }) => led).map(({ stopGapMs }) => stopGapMs);
  const failed = unknown + rejected;
  const failures = [...faults, ...loadFailures(played)];
  if (failed > 0) failures.push(`${failed} requests of library clients did not end with a receipt`);
  return {
    nodes: cluster.nodes.length,
    writers: options.writers,
    rate: options.rate,
    seed: options.seed,
    durationMs: round(load.durationMs),
    rounds: options.rounds,
    restarts: restarts.length,
    handOvers: handOverGapsMs.length,
    failed,
    ...verdict,
    otherViolations: others,
    handOverGapsMs,
    p50Ms: quantile(handOverGapsMs, 0.5),
    maxMs: quantile(handOverGapsMs, 1),
    longestGapMs: Math.max(0, ...restarts.map(({ wholeGapMs }) => wholeGapMs)),
    watcherReconnections: cast.watchers.reduce((sum, watcher) => sum + watcher.reconnections, 0),
    failures,
  };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
