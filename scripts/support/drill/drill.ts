/** SIGKILL of the elected leader at random moments under load, its restart, and in the end what the oracle and the clock say. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Random, seededRandom } from '../../../src/base/prng.ts';
import type { NodeStatus, RealCluster } from '../real-cluster.ts';
import { quantile, worstGapMs } from './outages.ts';
import { type Played, recoveryMs, type Stage, underLoad } from './under-load.ts';
import { loadFailures } from './violations.ts';

export interface DrillOptions {
  readonly kills: number;
  /** Sends a second, all writers together. */
  readonly rate: number;
  readonly writers: number;
  readonly seed: number;
  readonly label?: string;
  /** Progress, for people. */
  readonly tell?: (line: string) => void;
}

export interface DrillReport {
  readonly nodes: number;
  readonly writers: number;
  readonly rate: number;
  readonly seed: number;
  readonly durationMs: number;
  /** Leaders that were killed. */
  readonly kills: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly rejected: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Readers that disagree, phantoms, rejected sends that happened, stale reads. */
  readonly otherViolations: number;
  /** For each kill the worst writer's longest time between two acknowledgements around it. */
  readonly outagesMs: readonly number[];
  readonly medianOutageMs: number;
  /** Of the outages. */
  readonly p50Ms: number;
  readonly maxMs: number;
  /** The worst writer's longest time between two acknowledgements in the whole run, restarts included. */
  readonly longestGapMs: number;
  readonly watcherReconnections: number;
  /** Everything that went wrong; empty after a good drill. */
  readonly failures: readonly string[];
}

interface Kill {
  readonly atMs: number;
  /** When every writer was served again and the victim had been left dead long enough: its restart is not part of the outage. */
  readonly overMs: number;
}

const calmMs = { least: 200, most: 1_500 };
const downMs = { least: 500, most: 2_000 };

export async function runDrill(cluster: RealCluster, options: DrillOptions): Promise<DrillReport> {
  const random = seededRandom(options.seed);
  const kills: Kill[] = [];
  const failures: string[] = [];
  const played = await underLoad(cluster, { ...options, random }, async (stage) => {
    while (kills.length < options.kills && failures.length === 0) {
      await delay(between(random, calmMs));
      await killTheLeader(cluster, stage, { random, kills, failures, tell: options.tell });
    }
    await delay(calmMs.least);
  });
  return report(cluster, options, played, kills, failures);
}

interface Killing {
  readonly random: Random;
  readonly kills: Kill[];
  readonly failures: string[];
  readonly tell: ((line: string) => void) | undefined;
}

async function killTheLeader(cluster: RealCluster, stage: Stage, killing: Killing): Promise<void> {
  const { random, kills, failures, tell } = killing;
  let victim: NodeStatus | undefined;
  try {
    // It leads by its own word and by the newest term: a victim that did not lead would prove nothing.
    victim = await cluster.leader();
    const { id } = victim;
    const atMs = performance.now();
    await cluster.end(victim.id, 'SIGKILL');
    const restDown = delay(between(random, downMs));
    // Alone, a node has no successor: the outage lasts until it is back.
    const restarted = cluster.nodes.length > 1 ? null : restDown.then(() => cluster.restart(id));
    const [successor] = await Promise.all([
      cluster.leader(victim.term, recoveryMs),
      stage.goesOn(atMs),
      restDown,
      restarted,
    ]);
    const overMs = performance.now();
    kills.push({ atMs, overMs });
    if (restarted === null) await cluster.restart(id);
    await cluster.converged(recoveryMs);
    await stage.goesOn();
    const gapMs = worstGapMs(stage.recorder.acknowledgedAt.values(), atMs, overMs);
    tell?.(
      `kill ${kills.length}: node ${victim.id}, leader of term ${victim.term}; longest gap ${gapMs.toFixed(0)} ms; ` +
        `node ${successor.id} leads in term ${successor.term}, the victim is back`,
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const round = `kill ${kills.length + 1}${victim === undefined ? '' : `, of node ${victim.id}`}`;
    failures.push(`${round}: ${reason}`);
    if (victim !== undefined && !cluster.runningIds.includes(victim.id)) cluster.run(victim.id);
  }
}

function report(
  cluster: RealCluster,
  options: DrillOptions,
  played: Played,
  kills: readonly Kill[],
  faults: readonly string[],
): DrillReport {
  const { recorder, load, cast } = played;
  const { violations, others, ...verdict } = played.verdict;
  const times = [...recorder.acknowledgedAt.values()];
  const outagesMs = kills.map((kill) => round(worstGapMs(times, kill.atMs, kill.overMs)));
  const failures = [...faults, ...loadFailures(played)];
  return {
    nodes: cluster.nodes.length,
    writers: options.writers,
    rate: options.rate,
    seed: options.seed,
    durationMs: round(load.durationMs),
    kills: kills.length,
    ...verdict,
    otherViolations: others,
    outagesMs,
    medianOutageMs: quantile(outagesMs, 0.5),
    p50Ms: quantile(outagesMs, 0.5),
    maxMs: quantile(outagesMs, 1),
    longestGapMs: round(longestGap(times)),
    watcherReconnections: cast.watchers.reduce((sum, watcher) => sum + watcher.reconnections, 0),
    failures,
  };
}

/** Over the whole run, as long as every writer was at work. */
function longestGap(times: readonly (readonly number[])[]): number {
  if (times.length === 0) return 0;
  const end = Math.min(...times.map((list) => list.at(-1) ?? 0));
  return worstGapMs(times, Number.NEGATIVE_INFINITY, end);
}

function between(random: Random, bounds: { readonly least: number; readonly most: number }): number {
  return bounds.least + random.below(bounds.most - bounds.least);
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
