/**
 * Files of the platform, to be sent and to be saved. What is received lands under a safe name that was free, never over another file,
 * never through a link, and only when all of it is there. Nothing is opened here.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, mkdir, open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CodedError } from '../base/errors.ts';
import { numberedName, safeFileName } from '../protocol/file-name.ts';
import type { FileSource, FileTaker } from './ports.ts';

const namesTried = 10_000;
const fileMode = 0o600;
const directoryMode = 0o700;

/** To be closed by whoever opened it. */
export interface OpenSource extends FileSource {
  close(): Promise<void>;
}

/** Rejects with the platform's error, and with BAD_REQUEST when it is no plain file. */
export async function openSource(path: string): Promise<OpenSource> {
  // A pipe that nobody writes to would keep the opening waiting, and with it every file behind this one. Windows knows no such flag.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const state = await handle.stat();
    if (!state.isFile()) throw new CodedError('BAD_REQUEST', `${path} is not a file.`);
    return {
      name: basename(path),
      type: '',
      bytes: state.size,
      read: (from, to) => readExactly(handle, from, to),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Saves what `fill` gives to the taker in `directory` (made if absent), under a name made from `wish`. Returns the path; rejects, and leaves
 * nothing behind, when `fill` does.
 */
export async function saveFile(
  directory: string,
  wish: string,
  fill: (take: FileTaker) => Promise<void>,
): Promise<string> {
  await mkdir(directory, { recursive: true, mode: directoryMode });
  const part = join(directory, `.${randomBytes(8).toString('hex')}.part`);
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const handle = await open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, fileMode);
  try {
    try {
      await fill((piece) => writeAll(handle, piece));
      await handle.sync();
    } finally {
      await handle.close();
    }
    return await placeUnder(part, directory, safeFileName(wish));
  } finally {
    await rm(part, { force: true });
  }
}

/** The first free name. Taking it fails where something stands, be it a file, a directory or a link to nowhere. */
async function placeUnder(part: string, directory: string, name: string): Promise<string> {
  for (let attempt = 1; attempt <= namesTried; attempt++) {
    const path = join(directory, numberedName(name, attempt));
    const placed = await place(part, path);
    if (placed) return path;
  }
  throw new CodedError('BAD_REQUEST', `There are too many files named ${name} already.`);
}

async function place(part: string, path: string): Promise<boolean> {
  try {
    await link(part, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
  }
  // A file system without hard links.
  try {
    await copyFile(part, path, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function writeAll(handle: FileHandle, piece: Uint8Array): Promise<void> {
  for (let at = 0; at < piece.length; ) {
    const { bytesWritten } = await handle.write(piece, at);
    at += bytesWritten;
  }
}

async function readExactly(handle: FileHandle, from: number, to: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(to - from);
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, from + at);
    if (bytesRead === 0) throw new CodedError('BAD_REQUEST', 'The file became shorter while it was sent.');
    at += bytesRead;
  }
  return bytes;
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
