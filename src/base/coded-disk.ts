import type { Disk, DiskFile } from './disk.ts';
import { CodedError } from './errors.ts';

/**
 * The same disk, with the platform's errors in the code that says what they are. Whoever starts a node treats a disk that fails unlike a
 * bug, and whoever opens a state must not take it for damage. A directory where a file belongs, or the other way round, is no failure that
 * another try would mend: that is damage.
 */
export function codedDisk(disk: Disk): Disk {
  return {
    list: (directory) => coded(directory, disk.list(directory)),
    read: (path) => coded(path, disk.read(path)),
    replace: (path, content) => coded(path, disk.replace(path, content)),
    remove: (path) => coded(path, disk.remove(path)),
    makeDirectory: (path) => coded(path, disk.makeDirectory(path)),
    syncDirectory: (directory) => coded(directory, disk.syncDirectory(directory)),
    space: () => coded('.', disk.space()),
    open: async (path, mode) => codedFile(path, await coded(path, disk.open(path, mode))),
  };
}

function codedFile(path: string, file: DiskFile): DiskFile {
  return {
    write: (bytes, offset) => coded(path, file.write(bytes, offset)),
    sync: () => coded(path, file.sync()),
    truncate: (bytes) => coded(path, file.truncate(bytes)),
    close: () => coded(path, file.close()),
  };
}

const misplaced: Readonly<Record<string, string>> = {
  EISDIR: 'is a directory, where a file belongs.',
  ENOTDIR: 'is not there: a file stands where a directory belongs.',
  EEXIST: 'is a file, where a directory belongs.',
};

async function coded<Value>(path: string, work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const text = error instanceof Error ? error.message : String(error);
    const place = misplaced[errnoOf(error)];
    const name = path === '.' ? 'The data directory' : path;
    if (place !== undefined) throw new CodedError('DATA_DAMAGED', `${name} ${place}`, { cause: error });
    throw new CodedError('DISK_FAILED', `The disk failed: ${path}: ${text}`, { cause: error });
  }
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
