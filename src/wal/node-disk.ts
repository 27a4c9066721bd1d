import * as fs from 'node:fs';
import * as files from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { assert } from '../base/assert.ts';
import type { Disk, DiskFile, WriteMode } from '../base/disk.ts';

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** The production `Disk`: the file system below `root`, which is made if absent. Callbacks where it counts: they cost less than promises. */
export function nodeDisk(root: string): Disk {
  const at = (path: string): string => {
    const relative = normalize(path);
    assert(!relative.startsWith('..') && !relative.startsWith('/'), 'a path stays within the data directory');
    return join(root, relative);
  };
  return {
    async list(directory) {
      const names = await files.readdir(at(directory)).catch(absentAs([]));
      return names.sort();
    },
    async read(path) {
      const content = await files.readFile(at(path)).catch(absentAs(null));
      return content === null ? null : plain(content);
    },
    replace: (path, content) => replaceFile(at(path), content),
    remove: (path) => files.rm(at(path), { recursive: true, force: true }),
    makeDirectory: (path) => makeDirectory(at(path)),
    syncDirectory: (directory) => syncDirectory(at(directory)),
    async space() {
      const { bavail, blocks, bsize } = await files.statfs(root);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    },
    open: (path, mode = 'buffered') => openFile(at(path), mode),
  };
}

/** A `Buffer` is a `Uint8Array` whose `slice` does not copy: it does not leave this file. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

function absentAs<Value>(value: Value): (error: NodeJS.ErrnoException) => Value {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}

async function replaceFile(path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  const handle = await files.open(temporary, 'w', FILE_MODE);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await files.rename(temporary, path);
  await syncDirectory(dirname(path));
}

/** Durable up to the first directory that was there before. */
async function makeDirectory(path: string): Promise<void> {
  const first = await files.mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
  if (first === undefined) return;
  for (let parent = dirname(path); parent.length >= dirname(first).length; parent = dirname(parent)) {
    await syncDirectory(parent);
    if (parent === dirname(parent)) break;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await files.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function openFile(path: string, mode: WriteMode): Promise<DiskFile> {
  const { O_RDWR, O_CREAT, O_DSYNC } = fs.constants;
  const flags = O_RDWR | O_CREAT | (mode === 'through' ? O_DSYNC : 0);
  return new Promise((resolve, reject) => {
    fs.open(path, flags, FILE_MODE, (error, descriptor) => {
      if (error) reject(error);
      else resolve(new NodeFile(descriptor, mode === 'through'));
    });
  });
}

class NodeFile implements DiskFile {
  readonly #descriptor: number;
  readonly #through: boolean;
  /** Set by what O_DSYNC does not cover. */
  #unsynced = false;

  constructor(descriptor: number, through: boolean) {
    this.#descriptor = descriptor;
    this.#through = through;
  }

  write(bytes: Uint8Array, offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const writeFrom = (from: number): void => {
        fs.write(this.#descriptor, bytes, from, bytes.length - from, offset + from, (error, written) => {
          if (error) reject(error);
          else if (from + written === bytes.length) resolve();
          else if (written === 0) reject(new Error('the platform wrote nothing'));
          else writeFrom(from + written);
        });
      };
      if (bytes.length === 0) resolve();
      else writeFrom(0);
    });
  }

  sync(): Promise<void> {
    if (this.#through && !this.#unsynced) return Promise.resolve();
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#descriptor, (error) => {
        if (error) return reject(error);
        this.#unsynced = false;
        resolve();
      });
    });
  }

  truncate(bytes: number): Promise<void> {
    this.#unsynced = true;
    return new Promise((resolve, reject) => {
      fs.ftruncate(this.#descriptor, bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.close(this.#descriptor, (error) => (error ? reject(error) : resolve()));
    });
  }
}
