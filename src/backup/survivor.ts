/**
 * A backup out of the data directory of a node that does not run: what is left when a majority of the voters is gone for good. The directory
 * is not changed, for the lost nodes may turn up again and it is a member of their cluster still: its state is copied, and the log applied to the
 * copy.
 */
import { cp } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { ChatMachine } from '../chat/machine.ts';
import { ChunkStore } from '../files/chunk-store.ts';
import { applyTail } from '../replication/replica/tail.ts';
import {
  type DataDirectory,
  LOG_DIRECTORY,
  openDataDirectory,
} from '../replication/storage/data-directory.ts';
import { ownerOf } from '../replication/storage/identity.ts';
import { checkUnlocked } from '../store/repair.ts';
import { nodeDisk } from '../wal/node-disk.ts';
import { backupRecords } from './source.ts';

export interface Survivor {
  readonly records: AsyncIterable<Uint8Array>;
  /** Removes the copy. */
  close(): Promise<void>;
}

/** Rejects with CodedError DATA_LOCKED while the node runs, DATA_DAMAGED or DATA_FOREIGN. */
export async function openSurvivor(root: string, clock: Clock): Promise<Survivor> {
  const disk = nodeDisk(root);
  const owner = await ownerOf(disk);
  if (owner === null) throw new CodedError('DATA_FOREIGN', `${root} is no data directory of a node.`);
  await checkUnlocked({ root, disk, clock });
  const copy = `${root}.saving`;
  const remove = (): Promise<void> => nodeDisk(dirname(copy)).remove(basename(copy));
  await remove();
  try {
    for (const name of await disk.list('.')) {
      if (isNeeded(name)) await cp(join(root, name), join(copy, name), { recursive: true });
    }
    const random53 = (): number => 0;
    const data = await openDataDirectory({ root: copy, disk: nodeDisk(copy), clock, ...owner, random53 });
    const records = await recordsOf(data, await chunksOf(root), owner, clock);
    const close = async (): Promise<void> => {
      await data.log.close();
      await data.store.close();
      await remove();
    };
    return { records, close };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function recordsOf(
  { store, log, discarded }: DataDirectory,
  chunks: ChunkStore,
  owner: { readonly cluster: string; readonly node: number },
  clock: Clock,
): Promise<AsyncIterable<Uint8Array>> {
  const machine = new ChatMachine();
  await machine.load(store.rows());
  const mark = await applyTail({ store, log, machine });
  if (mark === null) {
    const why = discarded === null ? 'The node has no state.' : `The state is damaged: ${discarded.message}`;
    throw new CodedError('DATA_DAMAGED', `${why} Use another node's directory.`);
  }
  const read = async (address: string): Promise<Uint8Array> => {
    const content = await chunks.read(address);
    if (content === null) throw new CodedError('UNAVAILABLE');
    return content;
  };
  const files = { hold: () => () => undefined, reader: { read } };
  const nowMs = Math.floor(clock.wallMs());
  return backupRecords({ store, files, ...owner, nowMs, fileBytes: machine.files.clusterBytes });
}

function chunksOf(root: string): Promise<ChunkStore> {
  return ChunkStore.open({ disk: nodeDisk(root), hasRoom: async () => false, onLost: () => undefined });
}

/** All but the chunks, which nothing writes to. */
function isNeeded(name: string): boolean {
  return name === 'identity.json' || name === LOG_DIRECTORY || /^(CURRENT-STATE|state-\d+)$/.test(name);
}
