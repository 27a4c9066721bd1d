import type { Disk, DiskFile } from './disk.ts';
import { CodedError } from './errors.ts';

/**
 * The same disk, with the platform's errors in the code that says what they are. Whoever starts a node treats a disk that fails unlike a
 * bug, and whoever opens a state must not take it for damage.
 */
export function codedDisk(disk: Disk): Disk {
  return {
    list: (directory) => coded(disk.list(directory)),
    read: (path) => coded(disk.read(path)),
    replace: (path, content) => coded(disk.replace(path, content)),
    remove: (path) => coded(disk.remove(path)),
    makeDirectory: (path) => coded(disk.makeDirectory(path)),
    syncDirectory: (directory) => coded(disk.syncDirectory(directory)),
    space: () => coded(disk.space()),
    open: async (path, mode) => codedFile(await coded(disk.open(path, mode))),
  };
}

function codedFile(file: DiskFile): DiskFile {
  return {
    write: (bytes, offset) => coded(file.write(bytes, offset)),
    sync: () => coded(file.sync()),
    truncate: (bytes) => coded(file.truncate(bytes)),
    close: () => coded(file.close()),
  };
}

async function coded<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const text = error instanceof Error ? error.message : String(error);
    throw new CodedError('DISK_FAILED', `The disk failed: ${text}`, { cause: error });
  }
}
