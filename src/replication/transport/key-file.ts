/**
 * Files that hold one secret: 32 random bytes as 64 hex digits, readable by their owner only. `what` names the key to people, e.g. "the
 * cluster key".
 */
import { generateKeySync } from 'node:crypto';
import { link, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../base/errors.ts';

export const keyBytes = 32;
const othersMayRead = 0o077;

/**
 * In a place of its own first, then linked: the file is there whole or not at all, and only one of many can make it. That another one
 * came first is no error.
 */
export async function createKeyFile(path: string, what: string): Promise<void> {
  try {
    const place = await mkdtemp(`${path}-`);
    try {
      await writeKey(join(place, 'key'));
      await link(join(place, 'key'), path);
    } finally {
      await rm(place, { recursive: true });
    }
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    throw new CodedError('KEY_MISSING', `${what} ${path} cannot be made: ${codeOf(error)}`, {
      cause: error,
    });
  }
}

async function writeKey(path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    const key = generateKeySync('hmac', { length: keyBytes * 8 }).export();
    await file.writeFile(`${key.toString('hex')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Null when there is none. Rejects with KEY_WRONG. */
export async function readKeyFile(path: string, what: string): Promise<Uint8Array | null> {
  let text: string;
  try {
    const file = await open(path, 'r');
    try {
      const { mode } = await file.stat();
      if ((mode & othersMayRead) !== 0) {
        throw new CodedError('KEY_WRONG', `${what} ${path} may be read by others: chmod 600 it`);
      }
      text = (await file.readFile('utf8')).trim();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    if (error instanceof CodedError) throw error;
    throw new CodedError('KEY_WRONG', `${what} ${path} cannot be read: ${codeOf(error)}`, {
      cause: error,
    });
  }
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new CodedError('KEY_WRONG', `${what} ${path} is not ${keyBytes * 2} hex digits`);
  }
  return Buffer.from(text, 'hex');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
