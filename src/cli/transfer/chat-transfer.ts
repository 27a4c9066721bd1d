/** `npm run admin -- export` and `import`: the whole chat as lines, out of a cluster and into one; and what older systems kept. */
import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CodedError } from '../../base/errors.ts';
import type { Answer, OperatorClient } from '../cluster/operator-client.ts';
import { operatorClient, tellFailure } from '../cluster/operator-command.ts';
import type { Arguments } from '../program/arguments.ts';
import { writeWhole } from '../program/whole-file.ts';
import { measured, workBar } from '../program/work-bar.ts';
import { DatabaseWriter, linesOfDatabase, readJsonDatabase } from './json-database.ts';
import { type ImportAnswer, type Line, LineImport, type WireRecord } from './lines.ts';
import { readMysqlDump } from './mysql-dump.ts';
import { linesOfDump } from './mysql-lines.ts';
import { textLines } from './text-lines.ts';

const exportVersion = 1;
/** Times the attempts so far, before a batch is sent again: another node may be about to lead. */
const againMs = 250;
const endLine = '{"kind":"end"}';
/** With whatever blanks are around it. */
const endLineBytes = 256;

/** An import goes no further: what went in so far stays, and it is repeated as a whole. */
class Stopped extends Error {
  readonly answer: Exclude<Answer, { kind: 'done' }>;

  constructor(answer: Exclude<Answer, { kind: 'done' }>) {
    super(answer.text);
    this.answer = answer;
  }
}

/** To a file, under its name only once it is whole, or (none, or -) to the standard output. */
export async function exportChat(args: Arguments, operands: readonly string[]): Promise<number> {
  const [named, ...rest] = operands;
  const file = named === '-' ? undefined : named;
  requireNothing(rest);
  const client = await operatorClient(args);
  // Such a database has no place for files.
  const withFiles = !args.has('without-files') && !args.has('json-database');
  let unreadable = 0;
  const failure = await client.read(`/admin/export?files=${withFiles ? 'yes' : 'no'}`, async (pieces) => {
    const lines = counted(wholeLines(linesOf(measured(pieces, workBar('export'), null))), ({ kind }) => {
      if (kind === 'unreadable') unreadable += 1;
    });
    const text = args.has('json-database') ? databaseText(lines, tell) : textOf(lines);
    // Hashes of passwords are in it.
    if (file !== undefined) await writeWhole(file, text);
    else await pipeline(Readable.from(text, { objectMode: false }), process.stdout, { end: false });
  });
  if (failure !== null) return tellFailure(failure, args);
  if (unreadable > 0) {
    tell(
      `${unreadable} parts of files are on no node that can be reached: their messages will say only what was sent.`,
    );
  }
  if (file !== undefined) tell(`Written to ${file}.`);
  return 0;
}

export async function importChat(args: Arguments, operands: readonly string[]): Promise<number> {
  const [file, ...rest] = operands;
  if (file === undefined) throw new CodedError('USAGE', 'what to import: name the file');
  requireNothing(rest);
  const client = await operatorClient(args);
  const into = new LineImport(
    (records) => send(client, records),
    (attempt) => new Promise((resolve) => setTimeout(resolve, attempt * againMs)),
  );
  try {
    for await (const line of await source(file, args, (problem) => into.note(problem))) {
      if (line.kind === 'conclave-export' || line.kind === 'end') continue;
      await into.add(line);
    }
    await into.flush();
  } catch (error) {
    if (error instanceof Stopped) return tellFailure(error.answer, args);
    throw error;
  }
  const report = into.report();
  if (args.has('json')) console.log(JSON.stringify(report));
  else {
    for (const problem of report.problems) console.log(`refused: ${problem}`);
    const accepted = Object.entries(report.accepted).map(([kind, number]) => `${number} ${kind}`);
    console.log(`Imported: ${accepted.join(', ') || 'nothing'}; refused: ${report.refused}.`);
  }
  return report.refused === 0 ? 0 : 1;
}

async function source(
  file: string,
  args: Arguments,
  problem: (text: string) => void,
): Promise<AsyncIterable<Line> | Iterable<Line>> {
  // The time of the file, so that a second import of it is the same.
  const { mtimeMs, size } = await stat(file).catch((error: unknown) => {
    throw new CodedError('USAGE', `${file} cannot be read`, { cause: error });
  });
  const timeMs = Math.floor(mtimeMs);
  if (args.has('json-database')) {
    return linesOfDatabase(readJsonDatabase(await readFile(file, 'utf8')), timeMs);
  }
  if (args.has('mysql-dump')) {
    return linesOfDump(readMysqlDump(await readFile(file, 'utf8')), timeMs, problem);
  }
  await requireEnd(file);
  return wholeLines(linesOf(measured(createReadStream(file), workBar('import'), size)));
}

/** Before anything of it goes into the cluster. */
async function requireEnd(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const tail = new Uint8Array(Math.min(size, endLineBytes));
    await handle.read(tail, 0, tail.length, size - tail.length);
    const last = Buffer.from(tail).toString('utf8').trimEnd().split('\n').at(-1) ?? '';
    if (last.replaceAll(/\s/g, '') !== endLine) throw cut();
  } finally {
    await handle.close();
  }
}

async function send(
  client: OperatorClient,
  records: readonly WireRecord[],
): Promise<readonly ImportAnswer[]> {
  const answer = await client.ask({ method: 'POST', path: '/admin/import', body: { records } });
  switch (answer.kind) {
    case 'done': {
      const { value } = answer;
      const isList = typeof value === 'object' && value !== null && 'answers' in value;
      if (!isList || !Array.isArray(value.answers)) {
        throw new CodedError('INTERNAL', 'The node answered something else than what became of the records.');
      }
      return value.answers;
    }
    case 'unknown':
      return records.map(() => ({ kind: 'unknown' }));
    case 'refused':
    case 'unreachable':
      throw new Stopped(answer);
  }
}

async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Line, void, void> {
  for await (const text of textLines(stream)) yield parseLine(text);
}

function parseLine(text: string): Line {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'kind' in value) return { ...value };
  } catch (error) {
    throw new CodedError('USAGE', `a line is no JSON: ${text.slice(0, 60)}`, { cause: error });
  }
  throw new CodedError('USAGE', `a line is no record: ${text.slice(0, 60)}`);
}

/** From the head to the end of one export: what was cut is none. */
async function* wholeLines(lines: AsyncIterable<Line>): AsyncGenerator<Line, void, void> {
  let last: Line | null = null;
  for await (const line of lines) {
    if (last === null && (line.kind !== 'conclave-export' || line.version !== exportVersion)) {
      throw new CodedError('USAGE', `this is no export of version ${exportVersion}`);
    }
    last = line;
    yield line;
  }
  if (last?.kind !== 'end') throw cut();
}

function cut(): CodedError {
  return new CodedError('USAGE', 'the export is cut: its last line is missing');
}

async function* counted(
  lines: AsyncIterable<Line>,
  see: (line: Line) => void,
): AsyncGenerator<Line, void, void> {
  for await (const line of lines) {
    see(line);
    yield line;
  }
}

async function* textOf(lines: AsyncIterable<Line>): AsyncGenerator<string, void, void> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`;
}

async function* databaseText(
  lines: AsyncIterable<Line>,
  warn: (text: string) => void,
): AsyncGenerator<string, void, void> {
  const writer = new DatabaseWriter();
  for await (const line of lines) writer.add(line);
  for (const [what, number] of writer.left)
    warn(`left out, since such a file has no place for it: ${number} × ${what}`);
  yield `${JSON.stringify(writer.database, null, 2)}\n`;
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

function requireNothing(operands: readonly string[]): void {
  if (operands.length > 0) throw new CodedError('USAGE', `unexpected argument "${operands[0]}"`);
}
