/** Files that are written whole or not at all, for their owner's eyes only. */
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CodedError } from '../../base/errors.ts';

const ofThisDisk: ReadonlySet<string> = new Set([
  'EACCES',
  'EDQUOT',
  'EFBIG',
  'EIO',
  'EISDIR',
  'ENOENT',
  'ENOSPC',
  'ENOTDIR',
  'EPERM',
  'EROFS',
]);

/** Under its name once it is whole and on disk. */
export async function writeWhole(
  file: string,
  content: AsyncIterable<string> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const part = `${file}.part`;
  // What an earlier run left, or somebody else put there, would keep its mode, or lead elsewhere.
  await rm(part, { force: true });
  try {
    await pipeline(
      Readable.from(content, { objectMode: false }),
      createWriteStream(part, { flags: 'wx', mode: 0o600 }),
    );
    const handle = await open(part, 'r');
    await handle.sync();
    await handle.close();
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    // Whoever gave the content is not to blame, and need not be asked again.
    if (ofThisDisk.has(code))
      throw new CodedError('USAGE', `${file} cannot be written: ${code}`, { cause: error });
    throw error;
  }
}
