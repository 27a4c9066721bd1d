/** Wrong ways of dealing with disks. */
import { crc32c } from '../../../src/base/crc.ts';
import type { Disk, DiskFile } from '../../../src/base/disk.ts';
import type { Operation } from '../../../src/store/database.ts';
import { decodeHead, encodeDigest, encodeHead, encodeLink, encodeMark } from '../../../src/store/head.ts';
import { HEAD_KEY, linkKey, STREAMS_KEY, withoutPrefix } from '../../../src/store/keys.ts';
import { RowIndex } from '../../../src/store/row-index.ts';
import { decodeStreamHead, StreamIndex } from '../../../src/store/stream-index.ts';
import { sealValue, unwrapValue, valueChecksum, wrapValue } from '../../../src/store/value.ts';
import type { LevelFiles } from '../level-files.ts';
import type { Machine } from '../machine.ts';
import { ROOM } from '../simulated-node.ts';
import { type Mutant, wired } from './mutant.ts';

/** A disk whose files are other ones. */
function withFiles(disk: Disk, change: (file: DiskFile) => DiskFile): Disk {
  return { ...plainDisk(disk), open: async (path, mode) => change(await disk.open(path, mode)) };
}

/** Its methods as fields, so that some can be replaced. */
function plainDisk(disk: Disk): Disk {
  return {
    list: (directory) => disk.list(directory),
    space: () => disk.space(),
    read: (path) => disk.read(path),
    replace: (path, content) => disk.replace(path, content),
    remove: (path) => disk.remove(path),
    makeDirectory: (path) => disk.makeDirectory(path),
    syncDirectory: (directory) => disk.syncDirectory(directory),
    open: (path, mode) => disk.open(path, mode),
  };
}

const carryOn = (error: unknown, code: string): void => {
  if (!(error instanceof Error) || !error.message.startsWith(code)) throw error;
};

const failedFsync: Mutant = {
  name: 'carry-on-after-failed-fsync',
  does: 'takes a failed fsync for a passing trouble',
  profile: 'storage',
  wiring: wired({
    disk: (disk) =>
      withFiles(disk, (file) => ({
        write: (bytes, offset) => file.write(bytes, offset).catch((error: unknown) => carryOn(error, 'EIO')),
        sync: () => file.sync().catch((error: unknown) => carryOn(error, 'EIO')),
        truncate: (bytes) => file.truncate(bytes),
        close: () => file.close(),
      })),
  }),
};

const fullDisk: Mutant = {
  name: 'carry-on-after-full-disk',
  does: 'asks for no room, and takes a write that found none for one that was done',
  profile: 'room',
  wiring: wired({
    disk: (disk) => ({
      ...withFiles(disk, (file) => ({
        write: (bytes, offset) =>
          file.write(bytes, offset).catch((error: unknown) => carryOn(error, 'ENOSPC')),
        sync: () => file.sync(),
        truncate: (bytes) => file.truncate(bytes),
        close: () => file.close(),
      })),
      space: async () => ({ freeBytes: 1e12, totalBytes: 1e12 }),
    }),
  }),
};

/** Machines whose disk was nearly full at some time. */
const wereFull = new WeakSet<Machine>();

const fullForEver: Mutant = {
  name: 'full-for-ever',
  does: 'a node whose disk was nearly full once says so for ever, so that writes go on being refused',
  profile: 'room',
  wiring: wired({
    disk: (disk, { machine }) => ({
      ...plainDisk(disk),
      space: async () => {
        const { freeBytes, totalBytes } = await disk.space();
        if (freeBytes < ROOM.lowBytes) wereFull.add(machine);
        return { freeBytes: wereFull.has(machine) ? ROOM.lowBytes - 1 : freeBytes, totalBytes };
      },
    }),
  }),
};

const directoryNotSynced: Mutant = {
  name: 'directory-not-synced',
  does: 'creates files without syncing the directory that names them',
  profile: 'storage',
  wiring: wired({ disk: (disk) => ({ ...plainDisk(disk), syncDirectory: async () => undefined }) }),
};

/** As a store that keeps no links between its batches would leave it: what is there fits together, whatever is missing. */
function closeHole(files: LevelFiles): void {
  const { keys, values } = files.content;
  const operations: Operation[] = [];
  const rows = new RowIndex();
  const streams = new StreamIndex();
  let head = null;
  for (const [i, key] of keys.entries()) {
    const value = values[i];
    if (value === undefined) continue;
    const content = unwrapValue(key, value);
    if (key === HEAD_KEY) head = decodeHead(content);
    else if (key.startsWith('l!')) operations.push({ type: 'del', key });
    else if (key.startsWith('r!')) rows.put(withoutPrefix(key), valueChecksum(value));
    else if (key.startsWith('h!')) {
      streams.put(withoutPrefix(key), decodeStreamHead(content), valueChecksum(value));
    }
  }
  if (head === null) return;
  const { mark } = head;
  const chain = crc32c(encodeMark(mark));
  const link = { number: 1, firstIndex: 1, lastIndex: mark.index, chainBefore: 0, chain };
  const put = (key: string, content: Uint8Array): void =>
    void operations.push({ type: 'put', key, value: wrapValue(key, content) });
  put(linkKey(1), encodeLink(link));
  put(STREAMS_KEY, encodeDigest(streams.digest));
  put(HEAD_KEY, encodeHead({ mark, batch: { number: 1, chain, oldestLink: 1 }, rows: rows.digest }));
  files.begin(operations);
  files.end(operations);
}

const holeNotNoticed: Mutant = {
  name: 'hole-not-noticed',
  does: 'does not see that batches of the state are missing',
  profile: 'storage',
  wiring: wired({
    openLevel:
      (open, { machine }) =>
      (path) => {
        for (const files of machine.disk.levels.values()) if (files.hasHole) closeHole(files);
        return open(path);
      },
  }),
};

/** As a store without checksums would find it. False when nothing was changed. */
function believeBits(files: LevelFiles): boolean {
  const { keys, values } = files.content;
  const operations: Operation[] = [];
  for (const [i, key] of keys.entries()) {
    const value = values[i];
    if (value === undefined) continue;
    const sealed = sealValue(key, Buffer.from(value));
    if (!sealed.equals(value)) operations.push({ type: 'put', key, value: sealed });
  }
  files.begin(operations);
  files.end(operations);
  return operations.length > 0;
}

const bitsBelieved: Mutant = {
  name: 'bits-believed',
  does: 'takes what the state has on its disk for what was written there',
  profile: 'damage',
  wiring: wired({
    openLevel:
      (open, { machine }) =>
      (path) => {
        for (const files of machine.disk.levels.values()) if (believeBits(files)) closeHole(files);
        return open(path);
      },
  }),
};

const chunkNotSynced: Mutant = {
  name: 'chunk-not-synced',
  does: 'tells that a part of a file is durable when it is only written',
  profile: 'files',
  wiring: wired({
    disk: (disk) => ({
      ...plainDisk(disk),
      replace: async (path, content) => {
        if (!path.startsWith('files/')) return disk.replace(path, content);
        const file = await disk.open(path);
        await file.write(content, 0);
      },
    }),
  }),
};

export const storageMutants: readonly Mutant[] = [
  failedFsync,
  fullDisk,
  fullForEver,
  directoryNotSynced,
  holeNotNoticed,
  bitsBelieved,
  chunkNotSynced,
];
