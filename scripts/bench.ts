/**
 * `npm run bench`: durable messages a second through three real nodes, from one client process. Exit code 0 when all was measured, 1
 * when not, 64 for a wrong command line, 130 after Ctrl-C.
 */
import { cpus } from 'node:os';
import { conclaveTarget } from './support/bench/conclave-target.ts';
import { type BenchRow, runBench } from './support/bench/run.ts';
import { measureScroll } from './support/bench/scroll.ts';
import { measureSearch, type SearchRow } from './support/bench/search-load.ts';
import { chromiumPath, lacksChromium } from './support/chromium.ts';
import { filesystemOf } from './support/filesystem.ts';
import { readFlags, runToEnd, withCluster } from './support/program.ts';
import type { RealCluster } from './support/real-cluster.ts';

const help = `npm run bench -- [options]

Starts three nodes of its own and sends messages through the client library from one other process: each is deduplicated by session and
number, written through to the disks of a majority, applied and receipted before it counts.

  --in-flight N     only with N unanswered messages (default: 1, 16, 64, 256 and 1024, one after another)
  --seconds S       measured time of each (default 5, after a warm-up of 1)
  --fan-out R       send to a group of R readers, all on one node; a message counts when each has it (1 and 16 in flight)
  --scroll M        in a browser: how the page scrolls through a conversation of M messages, and how soon it can be used
  --search M        without a cluster: how long a search among M messages takes, in the process that a node has for it
  --connections C   sessions of the client process, at most one for each message in flight (default 4)
  --bytes B         length of a message (default 200)
  --json            one JSON object on stdout instead of a table
  --help            this text
  --version         the version`;

const levels = [1, 16, 64, 256, 1_024];
const fanOutLevels = [1, 16];
const warmUpMs = 1_000;

const { numbers, json } = readFlags({
  help,
  numbers: {
    'in-flight': { otherwise: 0, least: 1, most: 16_384 },
    scroll: { otherwise: 0, least: 100, most: 100_000 },
    search: { otherwise: 0, least: 1_000, most: 10_000_000 },
    'fan-out': { otherwise: 0, least: 1, most: 10_000 },
    seconds: { otherwise: 5, least: 1, most: 3_600 },
    connections: { otherwise: 4, least: 1, most: 64 },
    bytes: { otherwise: 200, least: 1, most: 8_000 },
  },
});

const readers = numbers['fan-out'];

await runToEnd(async () => {
  if (numbers.search > 0) return await searchOnly();
  if (numbers.scroll > 0) return await scrollOnly();
  const result = await withCluster({ label: 'bench', logLevel: 'warn' }, measureAll, () => false);
  if (json) console.log(JSON.stringify(result));
  return 0;
});

async function scrollOnly(): Promise<number> {
  const path = chromiumPath();
  if (path === null) throw new Error(lacksChromium);
  const options = { label: 'bench', logLevel: 'warn' } as const;
  const measure = (cluster: RealCluster) => measureScroll(cluster, path, numbers.scroll, 2 * numbers.seconds);
  const figures = await withCluster(options, measure, () => false);
  if (json) {
    console.log(JSON.stringify(figures));
    return 0;
  }
  const { messages, usableMs, seconds, passed, longTasks, longestTaskMs } = figures;
  console.log(
    `usable after ${Math.round(usableMs)} ms; of ${messages} messages ${passed} went by in ${seconds} s`,
  );
  console.log(`tasks of more than 50 ms: ${longTasks}, the longest ${Math.round(longestTaskMs)} ms`);
  return 0;
}

async function searchOnly(): Promise<number> {
  const told = ({ question, hits, p50Ms, p99Ms }: SearchRow): void => {
    if (!json) console.log(`${question.padEnd(28)}${`${hits}`.padStart(4)} hits${ms(p50Ms)}${ms(p99Ms)}`);
  };
  if (!json) console.log(`${'200 questions each'.padEnd(28)}           p50 ms    p99 ms`);
  const figures = await measureSearch(numbers.search, told);
  if (json) console.log(JSON.stringify(figures));
  else console.log(`${figures.messages} messages, indexed at ${figures.indexedPerSecond} a second`);
  return 0;
}

function ms(value: number): string {
  return value.toFixed(1).padStart(10);
}

async function measureAll(cluster: RealCluster) {
  const target = conclaveTarget(cluster, {
    connections: numbers.connections,
    valueBytes: numbers.bytes,
    readers,
  });
  const about = {
    target: target.name,
    durability: target.durability,
    nodes: cluster.nodes.length,
    connections: numbers.connections,
    valueBytes: numbers.bytes,
    ...(readers > 0 ? { readers } : {}),
    nodeVersion: process.version,
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    fsync: true,
    filesystem: await filesystemOf(cluster.root),
  };
  if (!json) console.log(head(about));
  const all = readers > 0 ? fanOutLevels : levels;
  const inFlight = numbers['in-flight'] === 0 ? all : [numbers['in-flight']];
  const plan = { inFlight, warmUpMs, measureMs: 1_000 * numbers.seconds };
  const rows = await runBench(target, plan, (row) => (json ? undefined : console.log(line(row))));
  return { ...about, rows };
}

function head(about: Readonly<Record<string, string | number | boolean>>): string {
  const facts = Object.entries(about).map(([name, value]) => `  ${name.padEnd(14)} ${value}`);
  const columns = [
    'in flight',
    'msg/s',
    'p50 ms',
    'p99 ms',
    'max ms',
    'load cpu %',
    'node cpu %',
    'cpu s/10k',
    ...(readers > 0 ? ['deliveries/s'] : []),
  ];
  return [...facts, '', columns.map((name) => name.padStart(12)).join('')].join('\n');
}

function line(row: BenchRow): string {
  const cells = [
    row.inFlight,
    row.perSecond,
    row.p50Ms,
    row.p99Ms,
    row.largestMs,
    row.loadCpuPercent,
    row.serverCpuPercent.map((share) => share ?? '?').join('/'),
    row.serverCpuSecondsPer10k ?? '?',
    ...(readers > 0 ? [row.perSecond * readers] : []),
  ];
  return cells.map((cell) => String(cell).padStart(12)).join('');
}
