import { generateKeySync } from 'node:crypto';
import { link, mkdtemp, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '../base/errors.ts';

/**
 * The secret that the nodes of a cluster know each other by: 32 random bytes as 64 hex digits in `cluster.key` beside the
 * configuration file, readable by its owner only.
 */
const keyBytes = 32;
const othersMayRead = 0o077;

/**
 * Reads the key; makes it on the first start if `mayCreate` (the loopback demonstration). Three nodes may start at once: whoever
 * comes second finds the file of the first. Rejects with KEY_MISSING or KEY_WRONG and what to do.
 */
export async function loadClusterKey(configPath: string, mayCreate: boolean): Promise<Uint8Array> {
  const path = join(dirname(configPath), 'cluster.key');
  const found = await readKey(path);
  if (found !== null) return found;
  if (!mayCreate) {
    throw new CodedError(
      'KEY_MISSING',
      `the cluster key ${path} is missing: make it once with \`npm run admin -- keys\` (or \`openssl rand -hex ${keyBytes} > cluster.key && chmod 600 cluster.key\`) and copy it to every node`,
    );
  }
  await createKey(path);
  const made = await readKey(path);
  if (made === null) throw new CodedError('KEY_MISSING', `the cluster key ${path} cannot be made`);
  return made;
}

/** In a place of its own first, then linked: the file is there whole or not at all, and only one of many can make it. */
async function createKey(path: string): Promise<void> {
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
    throw new CodedError('KEY_MISSING', `the cluster key ${path} cannot be made: ${codeOf(error)}`, {
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

async function readKey(path: string): Promise<Uint8Array | null> {
  let text: string;
  try {
    const file = await open(path, 'r');
    try {
      const { mode } = await file.stat();
      if ((mode & othersMayRead) !== 0) {
        throw new CodedError('KEY_WRONG', `the cluster key ${path} may be read by others: chmod 600 it`);
      }
      text = (await file.readFile('utf8')).trim();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    if (error instanceof CodedError) throw error;
    throw new CodedError('KEY_WRONG', `the cluster key ${path} cannot be read: ${codeOf(error)}`, {
      cause: error,
    });
  }
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new CodedError('KEY_WRONG', `the cluster key ${path} is not ${keyBytes * 2} hex digits`);
  }
  return Buffer.from(text, 'hex');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
