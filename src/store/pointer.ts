import { crc32c } from '../base/crc.ts';
import type { Disk } from '../base/disk.ts';
import { StateDamage } from './damage.ts';

const POINTER = 'CURRENT-STATE';
const DIRECTORY = /^state-([1-9]\d{0,8})$/;
const CONTENT = /^(state-[1-9]\d{0,8} (?:new|made))\n([0-9a-f]{8})\n$/;

/** Which directory holds the state. Until it is `made`, it may be absent or empty; from then on its absence is damage. */
export interface Pointer {
  readonly number: number;
  readonly made: boolean;
}

export function stateDirectory(number: number): string {
  return `state-${number}`;
}

/** Null in a data directory without any state. */
export async function readPointer(disk: Disk): Promise<Pointer | null> {
  const bytes = await disk.read(POINTER);
  if (bytes === null) {
    if ((await stateNumbers(disk)).length === 0) return null;
    throw new StateDamage('pointer', `${POINTER} is missing, and there is a state directory.`);
  }
  const [, line = '', checksum = ''] = CONTENT.exec(Buffer.from(bytes).toString('latin1')) ?? [];
  if (line === '' || checksumText(line) !== checksum) {
    throw new StateDamage('pointer', `${POINTER} is damaged.`);
  }
  const [directory = '', kind] = line.split(' ');
  return { number: Number(DIRECTORY.exec(directory)?.[1]), made: kind === 'made' };
}

/** Atomic and durable. */
export async function writePointer(disk: Disk, pointer: Pointer): Promise<void> {
  const line = `${stateDirectory(pointer.number)} ${pointer.made ? 'made' : 'new'}`;
  await disk.replace(POINTER, Buffer.from(`${line}\n${checksumText(line)}\n`, 'latin1'));
}

/** Numbers of the state directories that there are, ascending. */
export async function stateNumbers(disk: Disk): Promise<readonly number[]> {
  const numbers: number[] = [];
  for (const name of await disk.list('.')) {
    const number = DIRECTORY.exec(name)?.[1];
    if (number !== undefined) numbers.push(Number(number));
  }
  return numbers.sort((a, b) => a - b);
}

/** Removes what interrupted installs and replaced states left. */
export async function removeOtherStates(disk: Disk, keep: number): Promise<void> {
  const others = (await stateNumbers(disk)).filter((number) => number !== keep);
  if (others.length === 0) return;
  for (const number of others) await disk.remove(stateDirectory(number));
  await disk.syncDirectory('.');
}

/**
 * Puts an empty state in place of a damaged one, atomically; the files of the old one go at the next opening. For a node that
 * rebuilds its state: nothing else may be kept of it.
 */
export async function discardState(disk: Disk): Promise<void> {
  const highest = (await stateNumbers(disk)).at(-1) ?? 0;
  await writePointer(disk, { number: highest + 1, made: false });
}

function checksumText(line: string): string {
  return crc32c(Buffer.from(line, 'latin1')).toString(16).padStart(8, '0');
}
