import { crc32c } from '../base/crc.ts';
import type { Disk } from '../base/disk.ts';
import { StateDamage } from './damage.ts';

/**
 * What the files of `level` were when it was closed. They are compared before it opens them again: it verifies little of what it reads,
 * and of what it does not expect it may misread, or abort the process.
 */
const SEAL = 'SEAL';
/** Of no consequence: `level` makes them anew. */
const IGNORED = /^(LOCK|LOG|LOG\.old|SEAL|SEAL\.tmp)$/;
const TABLE = /\.ldb$/;
const LINE = /^(\S+) (\d+) ([0-9a-f]{8})$/;

interface FileSum {
  readonly bytes: number;
  readonly checksum: number;
}

/** Sums of tables, which never change once they are written: so that a close reads only what is new. */
export type TableSums = ReadonlyMap<string, FileSum>;

/** Whether the state was closed, and not opened since. */
export async function isSealed(disk: Disk, directory: string): Promise<boolean> {
  return (await disk.list(directory)).includes(SEAL);
}

/** Compares all files with the seal, and takes it away. An absent seal vouches for nothing: the process was killed. Throws `StateDamage`. */
export async function breakSeal(disk: Disk, directory: string): Promise<TableSums> {
  const path = `${directory}/${SEAL}`;
  const content = await disk.read(path);
  if (content === null) return new Map();
  const tables = new Map<string, FileSum>();
  const present = new Set((await disk.list(directory)).filter((name) => !IGNORED.test(name)));
  for (const [name, sealed] of parse(path, content)) {
    const found = await sumOf(disk, `${directory}/${name}`);
    if (found === null || found.bytes !== sealed.bytes || found.checksum !== sealed.checksum) {
      const what = found === null ? 'is missing' : 'is not as it was when the state was closed';
      throw damage(`${directory}/${name} ${what}`);
    }
    present.delete(name);
    if (TABLE.test(name)) tables.set(name, found);
  }
  for (const name of present) throw damage(`${directory}/${name} was not there when the state was closed`);
  await disk.remove(path);
  await disk.syncDirectory(directory);
  return tables;
}

/** Once `level` is closed. */
export async function writeSeal(disk: Disk, directory: string, known: TableSums): Promise<void> {
  const lines: string[] = [];
  for (const name of await disk.list(directory)) {
    if (IGNORED.test(name)) continue;
    const sum = known.get(name) ?? (await sumOf(disk, `${directory}/${name}`));
    if (sum !== null) lines.push(`${name} ${sum.bytes} ${hex(sum.checksum)}\n`);
  }
  const text = lines.join('');
  await disk.replace(`${directory}/${SEAL}`, Buffer.from(`${text}${hex(checksumOf(text))}\n`, 'latin1'));
}

function parse(path: string, content: Uint8Array): ReadonlyMap<string, FileSum> {
  const text = Buffer.from(content).toString('latin1');
  const end = text.lastIndexOf('\n', text.length - 2) + 1;
  const listed = text.slice(0, end);
  if (text.slice(end) !== `${hex(checksumOf(listed))}\n`) throw damage(`${path} is damaged`);
  const sums = new Map<string, FileSum>();
  for (const line of listed.split('\n').slice(0, -1)) {
    const [, name, bytes, checksum] = LINE.exec(line) ?? [];
    if (name === undefined) throw damage(`${path} is damaged`);
    sums.set(name, { bytes: Number(bytes), checksum: Number.parseInt(checksum ?? '', 16) });
  }
  return sums;
}

async function sumOf(disk: Disk, path: string): Promise<FileSum | null> {
  const content = await disk.read(path);
  return content === null ? null : { bytes: content.length, checksum: crc32c(content) };
}

function checksumOf(text: string): number {
  return crc32c(Buffer.from(text, 'latin1'));
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}

function damage(text: string): StateDamage {
  return new StateDamage('database', `${text}.`);
}
