/** `npm run admin -- backup` and `restore`: a whole cluster as one encrypted file, and a new cluster out of it. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { decrypted, encrypted } from '../../backup/envelope.ts';
import { BackupReader, type BackupSink, type BackupSummary } from '../../backup/reader.ts';
import { Restorer } from '../../backup/restorer.ts';
import { knownSecret, newSecret, type SecretPlace } from '../../backup/secret.ts';
import { openSurvivor } from '../../backup/survivor.ts';
import { nodeConfig } from '../../base/config.ts';
import { CodedError } from '../../base/errors.ts';
import { systemClock } from '../../base/system-clock.ts';
import { formatBytes } from '../../protocol/file-text.ts';
import { runningNode } from '../cluster/node-status.ts';
import { defaultConfigPath, readConfig } from '../cluster/nodes.ts';
import type { OperatorClient } from '../cluster/operator-client.ts';
import { operatorClient, tellFailure } from '../cluster/operator-command.ts';
import type { Arguments, Flag } from '../program/arguments.ts';
import { exitRejected } from '../program/outcome-codes.ts';
import { writeWhole } from '../program/whole-file.ts';
import { measured, workBar } from '../program/work-bar.ts';

export const backupFlags: readonly Flag[] = [
  {
    name: 'backup-key',
    value: 'FILE',
    help: 'backup, restore: its key (default backup.key beside the configuration)',
  },
  {
    name: 'passphrase-file',
    value: 'FILE',
    help: 'backup, restore: a passphrase instead, the first line of the file',
  },
  {
    name: 'id',
    value: 'N',
    help: 'restore: the node whose directory is made (default: the first of the file)',
  },
  {
    name: 'data',
    value: 'DIR',
    help: 'restore: that directory (default data/node-N)',
  },
  {
    name: 'survivor',
    value: 'DIR',
    help: 'backup: out of the directory of a node that does not run, when the majority is lost',
  },
];

/** Of the standard input and output. */
const standard = '-';

export async function backup(args: Arguments, operands: readonly string[]): Promise<number> {
  const [first, ...rest] = operands;
  if (first === 'verify') return verify(args, rest);
  if (first === undefined)
    throw new CodedError('USAGE', 'where to: name the file, or - for the standard output');
  requireNothing(rest);
  const place = secretPlace(args);
  const { head, find, made } = await newSecret(place);
  if (made)
    tell(`Made ${place.path}: keep a copy away from these machines. Without it nobody can read the backup.`);
  const done: BackupSummary[] = [];
  const failure = await readRecords(args, async (pieces) => {
    const content = checked(measured(pieces, workBar('backup'), null), (summary) => done.push(summary));
    const file = encrypted(content, head, find);
    if (first === standard) await pipeline(Readable.from(file), process.stdout, { end: false });
    else await writeWhole(first, file);
  });
  // Of the node that was read to its end: one before it may have broken off.
  const summary = done.at(-1);
  if (failure !== null) {
    // A backup that broke off changed nothing, and no file has its name.
    const { text } = failure;
    return tellFailure(failure.kind === 'unknown' ? { kind: 'unreachable', text } : failure, args);
  }
  if (summary === undefined) throw new CodedError('INTERNAL', 'The backup has no end.');
  report(args, first, summary, first === standard ? tell : console.log);
  return summary.end.missing === 0 ? 0 : exitRejected;
}

/** From a running cluster, or out of the directory of a node that does not run. Null: `receive` had all of it. */
async function readRecords(
  args: Arguments,
  receive: (pieces: AsyncIterable<Uint8Array>) => Promise<void>,
): ReturnType<OperatorClient['read']> {
  const directory = args.text('survivor');
  if (directory === undefined) return (await operatorClient(args)).read('/admin/backup', receive);
  const survivor = await openSurvivor(resolve(directory), systemClock);
  try {
    await receive(survivor.records);
    return null;
  } finally {
    await survivor.close();
  }
}

async function verify(args: Arguments, operands: readonly string[]): Promise<number> {
  const [file, ...rest] = operands;
  if (file === undefined) throw new CodedError('USAGE', 'which backup: name the file');
  requireNothing(rest);
  report(args, file, await readBackup(file, args, 'verify', {}), console.log);
  return 0;
}

/** A file is verified as a whole first, then restored. What comes through a pipe is verified on its way, and put in place at its end. */
export async function restore(args: Arguments, operands: readonly string[]): Promise<number> {
  const [file, ...rest] = operands;
  if (file === undefined)
    throw new CodedError('USAGE', 'from what: name the file, or - for the standard input');
  requireNothing(rest);
  const config = readConfig(resolve(args.text('config') ?? defaultConfigPath));
  const node = nodeConfig(
    config,
    args.number('id', 1, 1_000) ?? Math.min(...config.nodes.map(({ id }) => id)),
  ).id;
  const running = await runningNode(args);
  if (running !== null) {
    throw new CodedError(
      'NODE_IN_USE',
      `${running} runs, and belongs to a cluster. A single lost node needs no backup: npm run admin -- members replace N. To put the backup in place of the cluster, stop all its nodes and move their data directories away first.`,
    );
  }
  if (file !== standard) await readBackup(file, args, 'verify', {});
  const root = resolve(args.text('data') ?? join('data', `node-${node}`));
  const { cluster, nodes } = config;
  const restorer = await Restorer.begin({ root, cluster, node, nodes, random53, clock: systemClock });
  let summary: BackupSummary;
  try {
    summary = await readBackup(file, args, 'restore', restorer);
    await restorer.commit();
  } catch (error) {
    await restorer.abort();
    throw error;
  }
  report(args, file, summary, console.log);
  if (!args.has('json')) {
    const others = nodes.filter(({ id }) => id !== node).map(({ id }) => id);
    const joining =
      others.length === 0
        ? ''
        : ` Nodes ${others.join(', ')} join it with empty directories, and vote once they have copied everything: npm run admin -- members.`;
    console.log(
      `Restored into ${root}. Start the nodes: node ${node} begins a new cluster with it.${joining}`,
    );
  }
  return 0;
}

async function readBackup(
  file: string,
  args: Arguments,
  name: string,
  sink: BackupSink,
): Promise<BackupSummary> {
  const reader = new BackupReader(sink);
  const { bytes, total } = await source(file);
  const content = decrypted(measured(bytes, workBar(name), total), knownSecret(secretPlace(args)));
  for await (const piece of content) await reader.write(piece);
  return reader.finish();
}

async function source(file: string): Promise<{ bytes: AsyncIterable<Uint8Array>; total: number | null }> {
  if (file === standard) return { bytes: process.stdin, total: null };
  const found = await stat(file).catch((error: unknown) => {
    throw new CodedError('USAGE', `${file} cannot be read`, { cause: error });
  });
  // A pipe with a name can be read once only.
  if (!found.isFile()) throw new CodedError('USAGE', `${file} is no file; - reads the standard input`);
  return { bytes: createReadStream(file), total: found.size };
}

/** Whether it is whole is known before the file gets its name. */
async function* checked(
  content: AsyncIterable<Uint8Array>,
  whole: (summary: BackupSummary) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new BackupReader();
  for await (const piece of content) {
    await reader.write(piece);
    yield piece;
  }
  whole(reader.finish());
}

function report(
  args: Arguments,
  file: string,
  { head, end, bytes }: BackupSummary,
  print: (text: string) => void,
): void {
  const { cluster, index, madeMs, node } = head;
  const made = new Date(madeMs).toISOString();
  if (args.has('json')) {
    print(
      JSON.stringify({ file, cluster, node, index, made, bytes, pieces: end.pieces, missing: end.missing }),
    );
    return;
  }
  const files = `${end.pieces} parts of files`;
  const lost = end.missing === 0 ? '' : `, ${end.missing} more that no node had`;
  const name = file === standard ? 'The backup' : file;
  print(
    `${name}: cluster ${cluster} at log index ${index}, ${made}; ${formatBytes(bytes)}, ${files}${lost}. It is whole.`,
  );
}

function secretPlace(args: Arguments): SecretPlace {
  const passphrase = args.text('passphrase-file');
  if (passphrase !== undefined) return { kind: 'passphrase', path: passphrase };
  const beside = join(dirname(resolve(args.text('config') ?? defaultConfigPath)), 'backup.key');
  return { kind: 'key', path: args.text('backup-key') ?? beside };
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

function random53(): number {
  return Number(randomBytes(8).readBigUInt64BE() >> 11n);
}

function requireNothing(operands: readonly string[]): void {
  if (operands.length > 0) throw new CodedError('USAGE', `unexpected argument "${operands[0]}"`);
}
