import { dirname, join } from 'node:path';
import { CodedError } from '../../base/errors.ts';
import { createKeyFile, keyBytes, readKeyFile } from './key-file.ts';

const what = 'the cluster key';

/**
 * The secret that the nodes of a cluster know each other by, in `cluster.key` beside the configuration file. Reads it; makes it on the first start if `mayCreate` (the loopback demonstration). Three nodes may start at once: whoever
 * comes second finds the file of the first. Rejects with KEY_MISSING or KEY_WRONG and what to do.
 */
export async function loadClusterKey(configPath: string, mayCreate: boolean): Promise<Uint8Array> {
  const path = join(dirname(configPath), 'cluster.key');
  const found = await readKeyFile(path, what);
  if (found !== null) return found;
  if (!mayCreate) {
    throw new CodedError(
      'KEY_MISSING',
      `the cluster key ${path} is missing: make it once with \`npm run admin -- keys\` (or \`openssl rand -hex ${keyBytes} > cluster.key && chmod 600 cluster.key\`) and copy it to every node`,
    );
  }
  await createKeyFile(path, what);
  const made = await readKeyFile(path, what);
  if (made === null) throw new CodedError('KEY_MISSING', `the cluster key ${path} cannot be made`);
  return made;
}
