/**
 * `npm run simulate`: whole clusters with their clients under a virtual clock, network and disk, from seeds. Exit code 0 when every
 * run kept every promise, 1 when one did not (or when a mutant was not found out), 64 for a wrong command line.
 */
import { availableParallelism } from 'node:os';
import { CodedError } from '../src/base/errors.ts';
import { type Arguments, type Program, runProgram } from '../src/cli/program/arguments.ts';
import { mutants } from '../test/simulation/mutants/list.ts';
import { isProfile, type ProfileName, profileNames } from '../test/simulation/profiles.ts';
import { readPlan } from '../test/simulation/stored-plan.ts';
import { Summary } from '../test/simulation/summary.ts';
import { huntMutants } from './support/simulate/hunt.ts';
import { runInPool } from './support/simulate/pool.ts';
import { Progress } from './support/simulate/progress.ts';
import { replay } from './support/simulate/replay.ts';
import { describeFailure, summaryJson, summaryTable } from './support/simulate/report.ts';

const program: Program = {
  command: 'npm run simulate --',
  summary:
    'Runs whole clusters with retrying clients in one thread, from seeds, and checks every promise. The same seed gives the same run.',
  flags: [
    { name: 'seed', value: 'S', help: 'the first seed (default 1)' },
    { name: 'runs', value: 'N', help: 'how many seeds (default 100)' },
    { name: 'seconds', value: 'V', help: 'virtual seconds of each run, before the faults go (default 100)' },
    { name: 'nodes', value: '3|5', help: 'nodes of the cluster (default: the seed decides)' },
    { name: 'profile', value: 'NAME', help: `${profileNames.join(', ')} (default everything)` },
    { name: 'trace', value: 'FILE', help: 'with one run: writes it down as a conversation' },
    {
      name: 'shrink',
      help: 'with one failing run: looks for the fewest faults and operations that fail as well',
    },
    {
      name: 'save',
      value: 'FILE',
      help: 'with one run: writes down what is planned, or left of it by --shrink',
    },
    { name: 'plan', value: 'FILE', help: 'one run, of what --save wrote down' },
    {
      name: 'mutant',
      value: 'NAME',
      help: 'a program with one planted mistake; the exit code is 1 when it is found, as for any mistake',
    },
    {
      name: 'mutants',
      help: 'every mutant until it is found; --runs is the most seeds for each (default 2000)',
    },
    { name: 'workers', value: 'W', help: 'threads (default: one a core)' },
    { name: 'json', help: 'one JSON object on stdout' },
  ],
};

interface Wanted {
  readonly firstSeed: number;
  readonly runs: number;
  readonly seconds: number;
  readonly nodes: number | null;
  readonly profile: ProfileName | null;
  readonly mutant: string | null;
  readonly workers: number;
  readonly json: boolean;
}

function read(args: Arguments): Wanted {
  const nodes = args.number('nodes', 3, 5) ?? null;
  if (nodes === 4) throw new CodedError('USAGE', '--nodes must be 3 or 5');
  const profile = args.text('profile') ?? null;
  if (profile !== null && !isProfile(profile)) {
    throw new CodedError('USAGE', `there is no profile "${profile}"; there are: ${profileNames.join(', ')}`);
  }
  const mutant = args.text('mutant') ?? null;
  if (mutant !== null && !mutants.some(({ name }) => name === mutant)) {
    throw new CodedError(
      'USAGE',
      `there is no mutant "${mutant}"; there are: ${mutants.map(({ name }) => name).join(', ')}`,
    );
  }
  return {
    firstSeed: args.number('seed', 0, 2 ** 40) ?? 1,
    runs: args.number('runs', 1, 10_000_000) ?? (args.has('mutants') ? 2_000 : 100),
    seconds: args.number('seconds', 5, 100_000) ?? 100,
    nodes,
    profile,
    mutant,
    workers: args.number('workers', 1, 256) ?? availableParallelism(),
    json: args.has('json'),
  };
}

async function main(args: Arguments): Promise<number> {
  const wanted = read(args);
  const tell = (line: string): void => console.error(line);
  if (args.has('mutants')) return huntMutants(wanted, tell);
  const [traceFile = null, saveFile = null, planFile = null] = ['trace', 'save', 'plan'].map(args.text);
  if (args.has('shrink') || [traceFile, saveFile, planFile].some((file) => file !== null)) {
    const plan = planFile === null ? null : readPlan(planFile);
    return replay({ ...wanted, plan, traceFile, saveFile, shrink: args.has('shrink'), tell });
  }
  const summary = new Summary();
  const progress = new Progress(wanted.runs, tell);
  await runInPool({ ...wanted, untilFailure: false }, wanted.workers, (report, last) => {
    summary.add(report);
    if (report.findings.length > 0) tell(describeFailure(report, wanted, last));
    progress.show(summary);
  });
  console.log(
    wanted.json ? summaryJson(summary, progress.elapsedMs) : summaryTable(summary, progress.elapsedMs),
  );
  return summary.failures.length === 0 ? 0 : 1;
}

await runProgram(program, main);
