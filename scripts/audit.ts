/**
 * `npm run audit`: the gate for known vulnerabilities in what a node runs. Exit code 0 when none is high or critical, 1 when one is, 2 when
 * the registry did not answer: then nothing was checked, and that is said.
 */
import { spawnSync } from 'node:child_process';
import { judgeAudit } from './support/audit-report.ts';

// Packages that only tests and checks use never run beside the data of a cluster.
const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });
const verdict = judgeAudit(stdout);
switch (verdict.kind) {
  case 'clean':
    console.log(`No high or critical vulnerability is known (${verdict.lesser} lesser).`);
    process.exit(0);
    break;
  case 'vulnerable':
    for (const line of verdict.findings) console.error(line);
    process.exit(1);
    break;
  case 'unanswered':
    console.error(`NOT CHECKED: ${verdict.reason}`);
    process.exit(2);
}
