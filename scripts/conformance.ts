/**
 * `npm run conformance -- DIR`: the data-driven scripts of etcd-io/raft against our core. Exit code 0 when every file passes, 1 when
 * one does not or none was found, 64 for a wrong command line.
 */
import { parseArgs } from 'node:util';
import { exitCodeFor } from '../src/base/exit-codes.ts';
import { versionText } from '../src/cli/program/arguments.ts';
import { reportLine, reportTotals } from '../test/conformance/report.ts';
import { runFolder } from '../test/conformance/runner.ts';

const help = `npm run conformance -- DIR

Runs every script (*.txt) below DIR against the consensus core. The folder that holds a script directly tells its kind: interaction,
confchange or quorum. Prints a line for each file (pass or FAIL, directives passed of all, the first divergence with its line) and
the totals. The scripts are those of https://github.com/etcd-io/raft: testdata, confchange/testdata and quorum/testdata.

  --help     this text
  --version  the version

Exit code 1 when a file fails or there is none.`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', default: false },
      version: { type: 'boolean', default: false },
    },
  });
  const [folder, ...others] = positionals;
  if (values.help) {
    console.log(help);
  } else if (values.version) {
    console.log(versionText());
  } else if (folder === undefined || others.length > 0) {
    console.error('conformance: expected one DIR (see --help)');
    process.exitCode = exitCodeFor('USAGE');
  } else {
    const results = await runFolder(folder, (result) => console.log(reportLine(result)));
    console.log(reportTotals(results));
    const passed = results.length > 0 && results.every((result) => result.firstDivergence === null);
    process.exitCode = passed ? 0 : 1;
  }
} catch (error) {
  console.error(`conformance: ${error instanceof Error ? error.message : String(error)} (see --help)`);
  process.exitCode = exitCodeFor('USAGE');
}
