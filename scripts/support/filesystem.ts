import { statfs } from 'node:fs/promises';

/** Magic numbers of statfs(2). */
const names: Readonly<Record<number, string>> = {
  61267: 'ext4',
  16914836: 'tmpfs (in memory: an fsync costs nothing there)',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlayfs',
};

/** The filesystem of a path, for people: a measurement of durable writes is worth nothing without it. */
export async function filesystemOf(path: string): Promise<string> {
  const { type } = await statfs(path);
  return names[type] ?? `type 0x${type.toString(16)}`;
}
