/** Damage to a disk at rest. */
import type { MachineDisk } from './disk.ts';
import type { LevelFiles } from './level-files.ts';

const LOG = /^wal\/\d+\.log$/;

/** Turns one bit over in the records of the log. False when there is nothing to damage. */
export function damageLog(disk: MachineDisk, fraction: number): boolean {
  const segments = disk.files().filter((path) => LOG.test(path));
  const path = segments[Math.floor(fraction * segments.length)];
  const inode = path === undefined ? undefined : disk.inode(path);
  if (inode === undefined) return false;
  const used = usedBytes(inode.content);
  if (used === 0) return false;
  const bit = Math.floor(((fraction * 7_919) % 1) * used * 8);
  inode.flipBit(Math.floor(bit / 8), bit % 8);
  return true;
}

/** Turns one bit over in one of the values of the state that is in force. */
export function rotState(disk: MachineDisk, fraction: number): boolean {
  return stateOn(disk)?.flipBit(fraction) ?? false;
}

function stateOn(disk: MachineDisk): LevelFiles | undefined {
  const directories = [...disk.levels.keys()].sort();
  return disk.levels.get(directories.at(-1) ?? '');
}

/** Loses one of the newest batches of the state that is in force. */
export function damageState(disk: MachineDisk, batch: number): boolean {
  const files = stateOn(disk);
  // The newest batch of all may be missing without a hole: that state is merely older.
  if (files === undefined || files.journalBatches < 2) return false;
  files.loseBatch(batch % (files.journalBatches - 1));
  return true;
}

function usedBytes(bytes: Uint8Array): number {
  let used = bytes.length;
  while (used > 0 && bytes[used - 1] === 0) used--;
  return used;
}
