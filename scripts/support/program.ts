/** What the measuring programs have in common: flags with bounds, and an end that leaves nothing behind. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CodedError } from '../../src/base/errors.ts';
import { exitCodeFor } from '../../src/base/exit-codes.ts';
import { RealCluster, type RealClusterOptions } from './real-cluster.ts';

export interface NumberFlag {
  readonly otherwise: number;
  readonly least: number;
  readonly most: number;
  /** The only values that are taken, if not all from `least` to `most`. */
  readonly only?: readonly number[];
}

export interface Flags<Numbers extends string> {
  readonly help: string;
  readonly numbers: Readonly<Record<Numbers, NumberFlag>>;
  /** Flags without a value; `given` has those that were there. */
  readonly switches?: readonly string[];
}

export interface FlagValues<Numbers extends string> {
  readonly numbers: Readonly<Record<Numbers, number>>;
  readonly given: ReadonlySet<string>;
  readonly json: boolean;
}

/** Exits by itself: 0 after --help and --version, 64 with one line after a flag that is unknown or out of bounds. */
export function readFlags<Numbers extends string>(flags: Flags<Numbers>): FlagValues<Numbers> {
  try {
    const names = Object.keys(flags.numbers) as Numbers[];
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
    const plain = ['json', 'help', 'version', ...(flags.switches ?? [])];
    const switches = Object.fromEntries(plain.map((name) => [name, { type: 'boolean' as const }]));
    const values: Record<string, unknown> = parseArgs({ options: { ...options, ...switches } }).values;
    if (values.help === true) finish(flags.help);
    if (values.version === true) finish(version());
    const numbers = names.map((name) => [name, readNumber(name, flags.numbers[name], values[name])]);
    return {
      numbers: Object.fromEntries(numbers) as Record<Numbers, number>,
      given: new Set(Object.keys(values)),
      json: values.json === true,
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)} (see --help)`);
    process.exit(exitCodeFor('USAGE'));
  }
}

function readNumber(name: string, flag: NumberFlag, text: unknown): number {
  if (text === undefined) return flag.otherwise;
  const value = Number(text);
  const allowed = flag.only?.includes(value) ?? (value >= flag.least && value <= flag.most);
  if (Number.isInteger(value) && allowed && text !== '') return value;
  const bounds = flag.only?.join(' or ') ?? `a whole number from ${flag.least} to ${flag.most}`;
  throw new CodedError('USAGE', `--${name} must be ${bounds}, not "${text}"`);
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}

function finish(text: string): never {
  console.log(text);
  process.exit(0);
}

/** Runs a program to its exit code; an error is told in its own words and ends with 1. */
export async function runToEnd(program: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await program();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

/**
 * Runs `work` on a cluster of its own. The processes end in any case, after Ctrl-C too; the directory stays when `work` throws or
 * says that it failed, and is then named on stderr with the newest output of the nodes.
 */
export async function withCluster<Result>(
  options: RealClusterOptions,
  work: (cluster: RealCluster) => Promise<Result>,
  failed: (result: Result) => boolean,
): Promise<Result> {
  const starting = RealCluster.start(options);
  const interrupt = async (): Promise<never> => {
    // A start that fails has tidied up after itself.
    await starting.then((started) => started.dispose()).catch(() => undefined);
    process.exit(130);
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const cluster = await starting;
  let keep = true;
  try {
    const result = await work(cluster);
    keep = failed(result);
    return result;
  } finally {
    if (keep) console.error(`${cluster.reportAll()}\nKept for a look at it: ${cluster.root}`);
    await cluster.dispose({ keep });
    process.removeListener('SIGINT', interrupt);
    process.removeListener('SIGTERM', interrupt);
  }
}
