/**
 * `npm run drill`: a cluster of its own under load, to which bad things are done, judged from the clients' side. Exit code 0 when every
 * promise held, 1 when one did not, 64 for a wrong command line, 130 after Ctrl-C.
 */
import { randomInt } from 'node:crypto';
import { runDamage } from './support/drill/damage/damage-drill.ts';
import { runDrill } from './support/drill/drill.ts';
import { runFile } from './support/drill/file.ts';
import { membersPlaces, runMembers } from './support/drill/members.ts';
import { runMix } from './support/drill/mix/mix-drill.ts';
import { runRolling } from './support/drill/rolling.ts';
import { readFlags, runToEnd, withCluster } from './support/program.ts';
import type { RealCluster, RealClusterOptions } from './support/real-cluster.ts';

const help = `npm run drill -- [options]

Starts a cluster of its own, writes (to users and to a group) and reads through the client library, kills the leader (SIGKILL) again and again, restarts it, and
checks from the clients' side that nothing acknowledged was lost, doubled or reordered.

  --kills N      how often the leader is killed (default 5)
  --rolling      instead: each node in turn is told to stop (SIGTERM), and started again; no request of a client may fail
  --mix          instead: the writers and readers are people of all five line dialects and of the native protocol, with groups, files and the
                 lobby; raw lines are connected again by hand, and a line that was not answered is unknown
  --rounds N     with --rolling: how often each node is restarted (default 3)
  --members      instead: members are added, promoted, removed, replaced and lead in turn, from 3 to 5 nodes, with kills and partitions
  --changes N    with --members: how many such changes (default 50)
  --damage N     instead: N random positions of damage over the files of a stopped node, which must be repaired, refused or harmless
  --file MIB     instead: a file of so many MiB goes from one user to another, the leader is killed in the middle, and the chat beside it
                 must stay within three times its calm 99th percentile
  --tls          every port speaks TLS 1.3, between nodes too, and the clients pin the key of the nodes
  --rate R       sends a second, all writers together (default 400)
  --writers W    writers, each an account and a session of its own (default 4)
  --nodes 1|3|5  nodes of the cluster (default 3); alone, a node is an outage until it is back, and nothing is lost
  --seed S       for the moments of the kills (default: a random one, printed)
  --json         one JSON object on stdout instead of a table
  --help         this text
  --version      the version

An outage is, for one kill, the longest time between two acknowledgements of the writer that had it worst; so is the gap of a hand-over.
Exit code 1 after any violation, when too little was acknowledged, or when a writer or a node did not recover.`;

const { numbers, given, json } = readFlags({
  help,
  switches: ['rolling', 'members', 'mix', 'tls'],
  numbers: {
    kills: { otherwise: 5, least: 0, most: 1_000 },
    damage: { otherwise: 2_000, least: 1, most: 1_000_000 },
    file: { otherwise: 100, least: 1, most: 16_000 },
    rounds: { otherwise: 3, least: 1, most: 100 },
    changes: { otherwise: 50, least: 1, most: 1_000 },
    rate: { otherwise: 400, least: 1, most: 20_000 },
    writers: { otherwise: 4, least: 1, most: 64 },
    nodes: { otherwise: 3, least: 1, most: 5, only: [1, 3, 5] },
    seed: { otherwise: randomInt(2 ** 31), least: 0, most: 2 ** 32 },
  },
});

const tell = (line: string): void => {
  if (json) process.stderr.write(`${line}\n`);
  else console.log(line);
};

/** What every kind of drill reports, beside figures of its own. */
interface Report {
  readonly failures: readonly string[];
}

function say(report: Report): number {
  console.log(json ? JSON.stringify(report) : table(report));
  return report.failures.length === 0 ? 0 : 1;
}

interface Kind {
  readonly what: string;
  readonly cluster: RealClusterOptions;
  readonly run: (cluster: RealCluster) => Promise<Report>;
}

function kindOf(): Kind {
  const { kills, rounds, changes, nodes } = numbers;
  const options = { ...numbers, tell };
  if (given.has('members')) {
    const cluster = { ...membersPlaces, proxied: true };
    return { what: `${changes} changes of members`, cluster, run: (at) => runMembers(at, options) };
  }
  if (given.has('mix')) {
    return { what: `${kills} kills, all dialects`, cluster: { nodes: 3 }, run: (at) => runMix(at, options) };
  }
  if (given.has('rolling')) {
    return { what: `${rounds} rounds of restarts`, cluster: { nodes }, run: (at) => runRolling(at, options) };
  }
  if (given.has('file')) {
    const mebibytes = numbers.file;
    const config = { files: { fileBytes: (mebibytes + 1) * 1_048_576 } };
    const run = (at: RealCluster) => runFile(at, { ...options, mebibytes });
    return { what: `a file of ${mebibytes} MiB`, cluster: { nodes, config }, run };
  }
  return { what: `${kills} kills`, cluster: { nodes }, run: (at) => runDrill(at, options) };
}

await runToEnd(async () => {
  if (given.has('damage'))
    return say(await runDamage({ positions: numbers.damage, seed: numbers.seed, tell }));
  const { what, cluster, run } = kindOf();
  const pace = given.has('mix') ? 'one message after the other' : `${numbers.rate} sends a second`;
  tell(
    `seed ${numbers.seed}: ${what}, ${pace}, ${cluster.nodes} nodes${given.has('tls') ? ', over TLS' : ''}`,
  );
  const report = await withCluster<Report>(
    { ...cluster, tls: given.has('tls'), label: 'drill' },
    run,
    (result) => result.failures.length > 0,
  );
  return say(report);
});

function figure(value: unknown): string {
  if (Array.isArray(value)) return value.join(' ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function table({ failures, ...figures }: Report): string {
  const rows = Object.entries(figures).map(([name, value]) => {
    return `  ${name.padEnd(22)} ${figure(value)}`;
  });
  const verdict = failures.length === 0 ? 'Every promise held.' : 'FAILED:';
  return ['', ...rows, '', verdict, ...failures.map((failure) => `  ${failure}`)].join('\n');
}
