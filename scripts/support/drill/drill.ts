/**
 * One drill over a running cluster: load, SIGKILL of the elected leader at random moments, its restart, and in the end the oracle's
 * verdict over everything that the clients saw.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Random, seededRandom } from '../../../src/base/prng.ts';
import type { Violation } from '../../../test/checkers/history.ts';
import { judge } from '../../../test/checkers/verdict.ts';
import type { RealCluster } from '../real-cluster.ts';
import { until } from '../until.ts';
import { Cast } from './cast.ts';
import { Load } from './load.ts';
import { quantile, worstGapMs } from './outages.ts';
import { Recorder } from './recorder.ts';

export interface DrillOptions {
  readonly kills: number;
  /** Sends a second, all writers together. */
  readonly rate: number;
  readonly writers: number;
  readonly seed: number;
  /** Progress, for people. */
  readonly tell?: (line: string) => void;
  /** Longest quiet time before a kill. */
  readonly calmMs?: number;
}

export interface DrillReport {
  readonly nodes: number;
  readonly writers: number;
  readonly rate: number;
  readonly seed: number;
  readonly durationMs: number;
  /** Leaders that were killed, and what came of each kill. */
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
  /** What else went wrong; empty after a good drill. Every violation of a promise is among them. */
  readonly failures: readonly string[];
}

interface Kill {
  readonly victim: number;
  readonly atMs: number;
  /** When the fault was over for every writer, or the victim came back, whichever was later. */
  readonly overMs: number;
}

const recoveryMs = 20_000;
const readersMs = 30_000;
const downMs = { least: 500, most: 2_000 };
const fewestCalmMs = 200;
const mostCalmMs = 1_500;
const shownViolations = 20;

export async function runDrill(cluster: RealCluster, options: DrillOptions): Promise<DrillReport> {
  const random = seededRandom(options.seed);
  const recorder = new Recorder();
  const failures: string[] = [];
  const people = options.writers + (options.writers % 2);
  const cast = await Cast.gather(cluster, people, recorder, random);
  const load = new Load(cast, options.writers, options.rate, recorder);
  const kills: Kill[] = [];
  try {
    load.start();
    for (const watcher of cast.watchers) watcher.wander();
    await everyWriterGoesOn(load, recorder, performance.now());
    for (let round = 1; round <= options.kills && failures.length === 0; round++) {
      kills.push(await killTheLeader(cluster, load, recorder, random, options, failures));
    }
    await delay(fewestCalmMs);
    load.stop();
    for (const watcher of cast.watchers) watcher.stay();
    await load.drain();
    await readEverything(cast, recorder);
    return report(cluster, options, { recorder, load, kills, failures, cast });
  } finally {
    load.stop();
    cast.close();
  }
}

async function killTheLeader(
  cluster: RealCluster,
  load: Load,
  recorder: Recorder,
  random: Random,
  options: DrillOptions,
  failures: string[],
): Promise<Kill> {
  const calmMs = Math.max(fewestCalmMs + 1, options.calmMs ?? mostCalmMs);
  await delay(fewestCalmMs + random.below(calmMs - fewestCalmMs));
  const victim = await cluster.leader();
  const atMs = performance.now();
  await cluster.end(victim.id, 'SIGKILL');
  const downForMs = downMs.least + random.below(downMs.most - downMs.least);
  let overMs = atMs + downForMs;
  try {
    const [successor] = await Promise.all([
      cluster.leader(victim.term, recoveryMs),
      everyWriterGoesOn(load, recorder, atMs),
      delay(downForMs),
    ]);
    overMs = performance.now();
    await cluster.restart(victim.id);
    await cluster.converged(recoveryMs);
    await everyWriterGoesOn(load, recorder, performance.now());
    const outage = worstGapMs(recorder.acknowledgedAt.values(), atMs, overMs);
    options.tell?.(
      `killed node ${victim.id}, leader of term ${victim.term}: longest gap ${outage.toFixed(0)} ms; ` +
        `node ${successor.id} led on in term ${successor.term}; the victim is back`,
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    failures.push(`after the kill of node ${victim.id} (term ${victim.term}): ${reason}`);
  }
  return { victim: victim.id, atMs, overMs };
}

/** Until every writer has had an acknowledgement for something that it began after `sinceMs`. */
async function everyWriterGoesOn(load: Load, recorder: Recorder, sinceMs: number): Promise<void> {
  const silent = (): string[] => load.names.filter((name) => !recorder.acknowledgedSince(name, sinceMs));
  await until(`every writer is acknowledged again`, recoveryMs, () => silent().length === 0);
}

/** A new client reads each conversation whole; then every live reader must reach its last sequence. */
async function readEverything(cast: Cast, recorder: Recorder): Promise<void> {
  for (const member of cast.members.filter((_, at) => at % 2 === 0)) {
    const whole = await cast.readWhole(recorder, member);
    if (whole === null) continue;
    for (const reader of cast.liveReaders(member)) {
      // A reader that does not get there is a matter for the oracle, which says what is missing.
      await until(`${reader} has read ${whole.last}`, readersMs, () => {
        return recorder.highestRead(reader, whole.conversation) >= whole.last;
      }).catch(() => undefined);
      recorder.complete(reader, whole.conversation);
    }
  }
}

interface Run {
  readonly recorder: Recorder;
  readonly load: Load;
  readonly kills: readonly Kill[];
  readonly failures: readonly string[];
  readonly cast: Cast;
}

function report(cluster: RealCluster, options: DrillOptions, run: Run): DrillReport {
  const { recorder, load, kills, cast } = run;
  const { violations, others, ...verdict } = judge(recorder.history);
  const times = [...recorder.acknowledgedAt.values()];
  const outagesMs = kills.map((kill) => round(worstGapMs(times, kill.atMs, kill.overMs)));
  const failures = [...run.failures, ...violations.slice(0, shownViolations).map(explain)];
  if (violations.length > shownViolations) failures.push(`… ${violations.length} violations in all`);
  if (verdict.acknowledged < load.promised / 2) {
    failures.push(`only ${verdict.acknowledged} of ${load.promised} sends were acknowledged`);
  }
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
    longestGapMs: times.length === 0 ? 0 : round(longestGap(times)),
    watcherReconnections: cast.watchers.reduce((sum, watcher) => sum + watcher.reconnections, 0),
    failures,
  };
}

/** Over the whole run, as long as every writer was at work. */
function longestGap(times: readonly (readonly number[])[]): number {
  const end = Math.min(...times.map((list) => list.at(-1) ?? 0));
  return worstGapMs(times, Number.NEGATIVE_INFINITY, end);
}

function explain(violation: Violation): string {
  return `${violation.kind}: ${violation.text}`;
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
