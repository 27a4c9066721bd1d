/** Flags of the programs: one table each, from which help, environment names and checks follow. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CodedError } from '../../base/errors.ts';
import { exitCodeFor } from '../../base/exit-codes.ts';

export interface Flag {
  /** Without the dashes; `CONCLAVE_` and it in capitals is its environment variable, unless it is a switch. */
  readonly name: string;
  /** Shown after the flag, e.g. `FILE`. Absent: a switch that takes no value. */
  readonly value?: string;
  readonly help: string;
}

export interface Program {
  /** As a person starts it, e.g. `npm run client --`. */
  readonly command: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** What may follow the flags, e.g. `status`; absent: nothing may. */
  readonly operands?: string;
  /** Further paragraphs of the help. */
  readonly notes?: readonly string[];
}

export interface Arguments {
  /** The value of a flag, else of its environment variable. Empty counts as not given. */
  text(name: string): string | undefined;
  /** Throws CodedError USAGE when it is no number in the bounds. */
  number(name: string, least: number, most: number): number | undefined;
  has(name: string): boolean;
  readonly operands: readonly string[];
}

const helpFlag: Flag = { name: 'help', help: 'show this and exit' };
const versionFlag: Flag = { name: 'version', help: 'show the version and exit' };
export const configFlag: Flag = {
  name: 'config',
  value: 'FILE',
  help: 'the file that describes the cluster (default cluster.config.json)',
};

/** The text to print for `--help` or `--version`, or the arguments. Throws CodedError USAGE. */
export function readArguments(
  program: Program,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Arguments | string {
  const flags = [...program.flags, helpFlag, versionFlag];
  const { values, positionals } = parse(flags, argv);
  if (values.help === true) return helpText(program);
  if (values.version === true) return versionText();
  if (program.operands === undefined && positionals.length > 0) {
    throw usage(`unexpected argument "${positionals[0]}"`);
  }
  const text = (name: string): string | undefined => {
    const given = values[name] ?? environment[environmentName(name)];
    return typeof given === 'string' && given !== '' ? given : undefined;
  };
  return {
    text,
    number: (name, least, most) => {
      const given = text(name);
      return given === undefined ? undefined : toNumber(name, given, least, most);
    },
    has: (name) => values[name] === true,
    operands: positionals,
  };
}

function parse(
  flags: readonly Flag[],
  argv: readonly string[],
): { values: Record<string, unknown>; positionals: string[] } {
  const options = Object.fromEntries(
    flags.map(({ name, value }) => [name, { type: value === undefined ? 'boolean' : 'string' } as const]),
  );
  try {
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: true });
  } catch (error) {
    // Only the first sentence: what follows teaches about `--`.
    if (error instanceof Error) throw usage(error.message.split(/\. |\n/)[0] ?? error.message);
    throw error;
  }
}

function toNumber(name: string, given: string, least: number, most: number): number {
  const value = Number(given);
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw usage(`--${name} must be a number from ${least} to ${most}, not "${given}"`);
}

export function environmentName(flag: string): string {
  return `CONCLAVE_${flag.toUpperCase().replaceAll('-', '_')}`;
}

export function helpText(program: Program): string {
  const flags = [...program.flags, helpFlag, versionFlag];
  const shown = flags.map(({ name, value }) => `--${name}${value === undefined ? '' : ` ${value}`}`);
  const width = Math.max(...shown.map((text) => text.length)) + 2;
  const lines = flags.map(({ help }, index) => `  ${(shown[index] ?? '').padEnd(width)}${help}`);
  const operands = program.operands === undefined ? '' : ` ${program.operands}`;
  const first = flags.find(({ value }) => value !== undefined);
  const environment =
    first === undefined
      ? []
      : ['', `A flag may also stand in the environment, e.g. ${environmentName(first.name)}; the flag wins.`];
  return [
    `Usage: ${program.command}${operands} [flags]`,
    '',
    program.summary,
    '',
    ...lines,
    ...environment,
    ...(program.notes ?? []).flatMap((note) => ['', note]),
  ].join('\n');
}

/** `conclave` and the version of the package. */
export function versionText(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  );
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return `conclave ${isManifest ? String(manifest.version) : 'unknown'}`;
}

/**
 * Runs a program: help and version to stdout, a coded error as one line to stderr with its exit code. Any other error is a bug and
 * keeps its stack. Sets the exit code and lets the process end by itself, so that what was written arrives.
 */
export async function runProgram(
  program: Program,
  main: (args: Arguments) => Promise<number>,
): Promise<void> {
  try {
    const args = readArguments(program, process.argv.slice(2), process.env);
    if (typeof args === 'string') console.log(args);
    else process.exitCode = await main(args);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const hint = error.code === 'USAGE' ? ' (see --help)' : '';
    console.error(`${error.message}${hint}`);
    process.exitCode = exitCodeFor(error.code);
  }
}

function usage(text: string): CodedError {
  return new CodedError('USAGE', text);
}
