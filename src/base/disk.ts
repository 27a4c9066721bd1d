/**
 * Port: the files of one node. The production adapter uses the file system; a simulation distinguishes what was written from
 * what was synced. Paths are relative to the node's data directory, with `/` between parts.
 * Every method rejects with the platform's error; nothing is retried below this port.
 */
export interface Disk {
  /** Names in a directory, sorted; an absent directory is empty. */
  list(directory: string): Promise<readonly string[]>;
  /** The whole file, or null when it does not exist. For small files and for recovery. */
  read(path: string): Promise<Uint8Array | null>;
  /** Write a new file under a temporary name, sync, rename to `path`, sync the directory: all or nothing. */
  replace(path: string, content: Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  /** Makes creations, renames and removals in `directory` durable. */
  syncDirectory(directory: string): Promise<void>;
  /** Of the file system that holds the data directory. */
  space(): Promise<DiskSpace>;
  /** Opens for writing at positions, creating it if absent. */
  open(path: string, mode?: WriteMode): Promise<DiskFile>;
}

export interface DiskSpace {
  /** Left for this process. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/**
 * `through` asks that each write be durable by itself, one step instead of two, and is a hint: whoever needs durability
 * still calls `sync`, which then costs nothing.
 */
export type WriteMode = 'buffered' | 'through';

export interface DiskFile {
  /** Writes all bytes at the offset. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** fdatasync: everything written so far is durable once this resolves. */
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}
