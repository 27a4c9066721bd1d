/**
 * A large file goes from one person to another while others chat, and the leader is killed in the middle. What is judged: it arrives once and
 * whole, no promise of the chat is broken, and the chat hardly notices, compared with the same chat a moment before.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';
import { seededRandom } from '../../../src/base/prng.ts';
import { type Client, connect, type FileSource } from '../../../src/client/index.ts';
import type { FileEntry } from '../../../src/protocol/requests.ts';
import type { HistoryEvent } from '../../../test/checkers/history.ts';
import type { RealCluster } from '../real-cluster.ts';
import { until } from '../until.ts';
import type { DrillOptions } from './drill.ts';
import { quantile } from './outages.ts';
import { recoveryMs, type Stage, underLoad } from './under-load.ts';
import { loadFailures } from './violations.ts';

export interface FileDrillOptions extends Omit<DrillOptions, 'kills'> {
  /** Size of the file. */
  readonly mebibytes: number;
}

export interface FileReport {
  readonly nodes: number;
  readonly rate: number;
  readonly seed: number;
  readonly fileMiB: number;
  readonly sendMs: number;
  readonly fetchMs: number;
  readonly whole: boolean;
  /** Messages that carried it, as the receiver saw them. */
  readonly arrivals: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Sends of the chat, from call to acknowledgement: before the file, and while it went, with and without the time around the kill. */
  readonly calmP50Ms: number;
  readonly calmP99Ms: number;
  readonly fileP50Ms: number;
  readonly fileP99Ms: number;
  readonly fileAndKillP99Ms: number;
  /** `fileP99Ms` by `calmP99Ms`. */
  readonly p99Ratio: number;
  readonly failures: readonly string[];
}

const calmMs = 8_000;
const largestRatio = 3;
/** Below it a ratio says more about the machine than about the program. */
const leastCalmMs = 5;
const arrivalMs = 60_000;

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Course {
  calm: Span;
  file: Span;
  kill: Span;
  sendMs: number;
  fetchMs: number;
  whole: boolean;
  arrivals: number;
  readonly failures: string[];
}

export async function runFile(cluster: RealCluster, options: FileDrillOptions): Promise<FileReport> {
  const none = { fromMs: 0, toMs: 0 };
  const course: Course = {
    calm: none,
    file: none,
    kill: none,
    sendMs: 0,
    fetchMs: 0,
    whole: false,
    arrivals: 0,
    failures: [],
  };
  const random = seededRandom(options.seed);
  const played = await underLoad(cluster, { ...options, random }, async (stage) => {
    const beganMs = performance.now();
    await delay(calmMs);
    course.calm = { fromMs: beganMs, toMs: performance.now() };
    await transfer(cluster, stage, options, course).catch((error: unknown) => {
      course.failures.push(error instanceof Error ? error.message : String(error));
    });
  });
  const { violations: _violations, others: _others, ...verdict } = played.verdict;
  const failures = [...course.failures, ...loadFailures(played)];
  return report(cluster, options, course, verdict, played.recorder.history, failures);
}

async function transfer(
  cluster: RealCluster,
  stage: Stage,
  options: FileDrillOptions,
  course: Course,
): Promise<void> {
  const { mebibytes, seed, tell } = options;
  const content = pseudoRandomSource(mebibytes * 1_048_576, seed);
  const [sender, receiver] = [await person(cluster, 'filesender'), await person(cluster, 'filetaker')];
  const expected = await hashIn(content);
  const arrived: FileEntry[] = [];
  receiver.onMessage(({ file }) => void (file !== undefined && arrived.push(file)));
  try {
    const beganMs = performance.now();
    let killing: Promise<Span> | null = null;
    const outcome = await sender.sendFile('filetaker', content, (bytes) => {
      if (killing === null && bytes >= content.bytes / 3) killing = killTheLeader(cluster, stage);
    });
    if (outcome.kind !== 'receipt') throw new Error(`the file was not sent: ${outcome.text}`);
    course.sendMs = performance.now() - beganMs;
    course.kill = (await killing) ?? course.kill;
    tell?.(`sent in ${course.sendMs.toFixed(0)} ms, the leader having been killed in the middle`);
    await until('the message with the file', arrivalMs, () => arrived.length > 0);
    const fetchedMs = performance.now();
    course.whole = arrived[0] !== undefined && (await hashOf(receiver, arrived[0])) === expected;
    course.fetchMs = performance.now() - fetchedMs;
    course.file = { fromMs: beganMs, toMs: performance.now() };
    course.arrivals = arrived.length;
    await cluster.converged(recoveryMs);
  } finally {
    await Promise.all([sender.close(), receiver.close()]);
  }
}

async function killTheLeader(cluster: RealCluster, stage: Stage): Promise<Span> {
  const victim = await cluster.leader();
  const fromMs = performance.now();
  await cluster.end(victim.id, 'SIGKILL');
  await stage.goesOn(fromMs);
  const toMs = performance.now();
  await cluster.restart(victim.id);
  return { fromMs, toMs };
}

async function person(cluster: RealCluster, name: string): Promise<Client> {
  const client = connect({ nodes: cluster.httpAddresses, trust: cluster.trust });
  for (const outcome of [
    await client.register(name, 'a long password'),
    await client.login(name, 'a long password'),
  ]) {
    if (outcome.kind !== 'receipt') throw new Error(`${name}: ${outcome.text}`);
  }
  return client;
}

/**
 * Content that no disk has to hold, that no compression shortens, and of which no two chunks are equal. The writers, whose time is taken, are
 * people of this same process: so a block is cheap, and between two of them it does whatever else is ready.
 */
function pseudoRandomSource(bytes: number, seed: number): FileSource {
  const block = 65_536;
  const noise = createHash('shake256', { outputLength: block }).update(String(seed)).digest();
  const blockAt = (place: number): Buffer => {
    const content = Buffer.from(noise);
    content.writeUInt32BE(place);
    return content;
  };
  return {
    name: 'drill.bin',
    type: 'application/octet-stream',
    bytes,
    read: async (from, to) => {
      const first = Math.floor(from / block);
      const blocks: Buffer[] = [];
      for (let place = first; place * block < to; place++) blocks.push(blockAt(place));
      await immediate();
      return Buffer.concat(blocks).subarray(from - first * block, to - first * block);
    },
  };
}

async function hashOf(client: Client, file: FileEntry): Promise<string> {
  const hash = createHash('sha256');
  const outcome = await client.fetchFile(file, async (piece) => void hash.update(piece));
  return outcome.kind === 'fetched' ? hash.digest('hex') : outcome.text;
}

async function hashIn(source: FileSource): Promise<string> {
  const hash = createHash('sha256');
  const piece = 1_048_576;
  for (let at = 0; at < source.bytes; at += piece) {
    hash.update(await source.read(at, Math.min(source.bytes, at + piece)));
  }
  return hash.digest('hex');
}

/** Of the sends that began within the span. */
function latencies(history: readonly HistoryEvent[], { fromMs, toMs }: Span, without?: Span): number[] {
  const begun = new Map<string, number>();
  const found: number[] = [];
  for (const event of history) {
    if (event.kind === 'invoke') begun.set(`${event.client} ${event.n}`, event.atMs);
    if (event.kind !== 'ack') continue;
    const atMs = begun.get(`${event.client} ${event.n}`) ?? Number.NaN;
    const touches = without !== undefined && atMs <= without.toMs && event.atMs >= without.fromMs;
    if (atMs >= fromMs && atMs <= toMs && !touches) found.push(event.atMs - atMs);
  }
  return found;
}

function report(
  cluster: RealCluster,
  { rate, seed, mebibytes }: FileDrillOptions,
  course: Course,
  verdict: Pick<FileReport, 'acknowledged' | 'lost' | 'duplicated' | 'reordered'>,
  history: readonly HistoryEvent[],
  failures: string[],
): FileReport {
  const calm = latencies(history, course.calm);
  const beside = latencies(history, course.file, course.kill);
  const [calmP99Ms, fileP99Ms] = [quantile(calm, 0.99), quantile(beside, 0.99)];
  const p99Ratio = fileP99Ms / Math.max(leastCalmMs, calmP99Ms);
  if (!course.whole) failures.push('the file did not arrive whole');
  if (course.arrivals !== 1) failures.push(`the file arrived ${course.arrivals} times`);
  if (p99Ratio > largestRatio) failures.push(`chat was ${p99Ratio.toFixed(1)} times as slow beside the file`);
  const { acknowledged, lost, duplicated, reordered } = verdict;
  return {
    nodes: cluster.nodes.length,
    rate,
    seed,
    fileMiB: mebibytes,
    sendMs: round(course.sendMs),
    fetchMs: round(course.fetchMs),
    whole: course.whole,
    arrivals: course.arrivals,
    acknowledged,
    lost,
    duplicated,
    reordered,
    calmP50Ms: round(quantile(calm, 0.5)),
    calmP99Ms: round(calmP99Ms),
    fileP50Ms: round(quantile(beside, 0.5)),
    fileP99Ms: round(fileP99Ms),
    fileAndKillP99Ms: round(quantile(latencies(history, course.file), 0.99)),
    p99Ratio: round(p99Ratio),
    failures,
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
