/** Keys as `npm run admin -- keys` makes them, in a directory that goes with the test. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { type ClusterConfig, parseConfig } from '../../src/base/config.ts';
import { type KeyOrder, makeKeys } from '../../src/tls/key-maker.ts';

export interface TestKeys {
  readonly root: string;
  readonly directory: string;
  readonly config: ClusterConfig;
  readonly configPath: string;
  /** Makes them again, or others. */
  make(more: Partial<KeyOrder>): Promise<void>;
}

export async function testKeys(
  t: Test,
  more: Partial<KeyOrder> & { readonly ids?: readonly number[] } = {},
): Promise<TestKeys> {
  const { ids = [1, 2, 3], ...order } = more;
  const root = await mkdtemp(join(tmpdir(), 'conclave-keys-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  const nodes = ids.map((id) => ({
    id,
    host: '127.0.0.1',
    peerPort: id,
    chatPort: id + 10,
    httpPort: id + 20,
  }));
  const text = JSON.stringify({ cluster: order.cluster ?? 'conclave', nodes });
  const configPath = join(root, 'cluster.config.json');
  await writeFile(configPath, text);
  const directory = join(root, 'keys');
  const usual: KeyOrder = {
    directory,
    cluster: 'conclave',
    nodes,
    validDays: 365,
    nowMs: Date.now(),
    mode: 'new',
  };
  const make = async (changed: Partial<KeyOrder>): Promise<void> => {
    await makeKeys({ ...usual, ...order, ...changed });
  };
  await make({});
  return { root, directory, config: parseConfig(text), configPath, make };
}
