/**
 * `npm run drill`: a cluster of its own under load, whose leader is killed again and again, judged from the clients' side. Exit code 0
 * when every promise held, 1 when one did not, 64 for a wrong command line, 130 after Ctrl-C.
 */
import { randomInt } from 'node:crypto';
import { type DrillReport, runDrill } from './support/drill/drill.ts';
import { readFlags, runToEnd, withCluster } from './support/program.ts';

const help = `npm run drill -- [options]

Starts a cluster of its own, writes and reads through the client library, kills the leader (SIGKILL) again and again, restarts it, and
checks from the clients' side that nothing acknowledged was lost, doubled or reordered.

  --kills N      how often the leader is killed (default 5)
  --rate R       sends a second, all writers together (default 400)
  --writers W    writers, each an account and a session of its own (default 4)
  --nodes 3|5    nodes of the cluster (default 3)
  --seed S       for the moments of the kills (default: a random one, printed)
  --json         one JSON object on stdout instead of a table
  --help         this text
  --version      the version

An outage is, for one kill, the longest time between two acknowledgements of the writer that had it worst.
Exit code 1 after any violation, when too little was acknowledged, or when a writer or a killed node did not recover.`;

const { numbers, json } = readFlags({
  help,
  numbers: {
    kills: { otherwise: 5, least: 0, most: 1_000 },
    rate: { otherwise: 400, least: 1, most: 20_000 },
    writers: { otherwise: 4, least: 1, most: 64 },
    nodes: { otherwise: 3, least: 3, most: 5, only: [3, 5] },
    seed: { otherwise: randomInt(2 ** 31), least: 0, most: 2 ** 32 },
  },
});

const tell = (line: string): void => {
  if (json) process.stderr.write(`${line}\n`);
  else console.log(line);
};

await runToEnd(async () => {
  tell(
    `seed ${numbers.seed}: ${numbers.kills} kills, ${numbers.rate} sends a second, ${numbers.nodes} nodes`,
  );
  const report = await withCluster(
    { nodes: numbers.nodes, label: 'drill' },
    (cluster) => runDrill(cluster, { ...numbers, tell }),
    (result) => result.failures.length > 0,
  );
  console.log(json ? JSON.stringify(report) : table(report));
  return report.failures.length === 0 ? 0 : 1;
});

function table(result: DrillReport): string {
  const { failures, outagesMs, ...figures } = result;
  const rows = Object.entries(figures).map(([name, value]) => `  ${name.padEnd(22)} ${value}`);
  rows.push(`  ${'outagesMs'.padEnd(22)} ${outagesMs.join(' ')}`);
  const verdict = failures.length === 0 ? 'Every promise held.' : 'FAILED:';
  return ['', ...rows, '', verdict, ...failures.map((failure) => `  ${failure}`)].join('\n');
}
