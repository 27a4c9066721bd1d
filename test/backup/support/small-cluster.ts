/** What a node that is asked for a backup has: a chat on a real disk, with a file in it, and its chunks. */
import { rm } from 'node:fs/promises';
import type { Test } from 'tap';
import type { BackupSourceOptions } from '../../../src/backup/source.ts';
import { CodedError } from '../../../src/base/errors.ts';
import { systemClock } from '../../../src/base/system-clock.ts';
import { addressOf } from '../../../src/files/digest.ts';
import { encodeManifest } from '../../../src/protocol/manifest.ts';
import { encodeDirectory, foundedBy } from '../../../src/replication/formats/members.ts';
import { openState } from '../../../src/store/state.ts';
import type { AppliedMark, StateStore } from '../../../src/store/state-store.ts';
import { nodeDisk } from '../../../src/wal/node-disk.ts';
import { numbering, textTo, World } from '../../chat/support/world.ts';

export const places = [1, 2, 3, 4, 5].map((id) => ({
  id,
  host: '127.0.0.1',
  peerPort: 100 + id,
  chatPort: 200 + id,
  httpPort: 300 + id,
}));

export interface SmallCluster {
  readonly world: World;
  readonly mark: AppliedMark;
  readonly store: StateStore;
  /** By address: the manifest of the file and its one chunk. */
  readonly pieces: Map<string, Uint8Array>;
  readonly source: BackupSourceOptions;
  /** Backups that keep chunks from being removed. */
  holds: number;
}

const content = new Uint8Array(1_000).fill(7);
let directories = 0;

export async function smallCluster(t: Test, format = 1): Promise<SmallCluster> {
  const root = `${t.testdirName}-source-${directories++}`;
  const store = await openState({ root, disk: nodeDisk(root), clock: systemClock });
  t.teardown(async () => {
    await store.close();
    await rm(root, { recursive: true, force: true });
  });
  const { world, pieces } = chat();
  const members = places
    .slice(0, 3)
    .map(({ id: node, ...place }) => ({ incarnation: 70 + node, node, ...place }));
  const engine = encodeDirectory({ ...foundedBy(members), format });
  const mark = { index: world.index, term: 4, wallMs: 1_700_000_000_000, clusterMs: 5_000, engine };
  store.stage(mark, world.machine.takeChanges());
  const cluster = { world, mark, store, pieces, holds: 0 };
  const read = async (address: string): Promise<Uint8Array> => {
    const piece = pieces.get(address);
    if (piece === undefined) throw new CodedError('UNAVAILABLE');
    return piece;
  };
  const hold = (): (() => void) => {
    cluster.holds++;
    return () => {
      cluster.holds--;
    };
  };
  const source = {
    store,
    files: { hold, reader: { read } },
    cluster: 'small',
    node: 2,
    nowMs: 1,
    fileBytes: 1_000,
  };
  return Object.assign(cluster, { source });
}

/** Two people who wrote to each other, one of them in a session; and a file that a message carries. */
function chat(): { world: World; pieces: Map<string, Uint8Array> } {
  const world = new World();
  const ann = world.register('ann');
  world.register('bob');
  world.apply({
    numbering: numbering(1, 1),
    actor: null,
    command: { kind: 'login', account: ann, credential: 1 },
  });
  for (let n = 0; n < 20; n++) world.raw(textTo('bob', `message ${n}`), ann);
  const chunk = addressOf(content);
  const list = encodeManifest({ bytes: content.length, chunks: [chunk] });
  const manifest = addressOf(list);
  const bytes = content.length;
  const quota = { fileBytes: 1e9, accountBytes: 1e9, clusterBytes: 1e9 };
  world.raw({ kind: 'lease-upload', manifest, bytes, quota }, ann);
  const file = { name: 'a', type: '', bytes, manifest };
  world.raw({ kind: 'send-file', to: 'bob', file, replyTo: null, complete: true }, ann);
  // Under way still: its chunks are nobody's yet.
  world.raw({ kind: 'lease-upload', manifest: 'ab'.repeat(32), bytes, quota }, ann);
  return {
    world,
    pieces: new Map([
      [manifest, list],
      [chunk, content],
    ]),
  };
}
