/**
 * A backup into the data directory of one node, which founds a cluster of its own: it is the only member and expects the other nodes of the
 * configuration, which come with empty directories, copy everything, and vote. So a cluster of any size comes out of it, by the same way
 * in which nodes are added every day.
 *
 * Everything is put together beside the place of the directory, and moved there at the end: a restore is whole, or has not been.
 */
import { rename } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { silentLogger } from '../base/logger.ts';
import { ChatMachine } from '../chat/machine.ts';
import { outlivesRestore } from '../chat/rows/restored-rows.ts';
import { ChunkStore } from '../files/chunk-store.ts';
import {
  type Directory,
  decodeDirectory,
  encodeDirectory,
  foundedBy,
  memberOf,
  type NodeAddress,
  requireKnownFormat,
} from '../replication/formats/members.ts';
import { formats } from '../replication/formats/versions.ts';
import { joinCopy } from '../replication/replica/recovery.ts';
import { type DataDirectory, openDataDirectory } from '../replication/storage/data-directory.ts';
import { decodeMark, encodeMark } from '../store/head.ts';
import { ROW_RANGE, withoutPrefix } from '../store/keys.ts';
import type { SnapshotInstall } from '../store/state-store.ts';
import { FrameWriter, type Item } from '../store/transfer.ts';
import { nodeDisk } from '../wal/node-disk.ts';
import type { BackupSink } from './reader.ts';
import { invalidBackup } from './records.ts';

/**
 * Between the log index of a backup and the first of what is restored from it. Ids and cursors are log indexes: those of what happened after the
 * backup, and is lost, are not given a second time.
 */
export const RESTORE_GAP = 1_000_000_000;

export interface RestorePlace {
  /** The data directory to make; it must be empty or absent. */
  readonly root: string;
  readonly cluster: string;
  readonly node: number;
  /** Of the configuration, this node included. */
  readonly nodes: readonly NodeAddress[];
  readonly random53: () => number;
  readonly clock: Clock;
}

export class Restorer implements BackupSink {
  readonly #place: RestorePlace;
  readonly #staging: string;
  readonly #data: DataDirectory;
  readonly #install: SnapshotInstall;
  readonly #chunks: ChunkStore;
  readonly #frames = new FrameWriter();

  private constructor(
    place: RestorePlace,
    data: DataDirectory,
    install: SnapshotInstall,
    chunks: ChunkStore,
  ) {
    this.#place = place;
    this.#staging = stagingOf(place.root);
    this.#data = data;
    this.#install = install;
    this.#chunks = chunks;
  }

  /** Rejects with CodedError DATA_FOREIGN when there is something at the place already. What an earlier, interrupted restore left is removed. */
  static async begin(place: RestorePlace): Promise<Restorer> {
    const { root, cluster, node, random53, clock } = place;
    if ((await nodeDisk(root).list('.')).length > 0) {
      throw new CodedError(
        'DATA_FOREIGN',
        `${root} is not empty. Stop node ${node} and move its directory away: a backup is restored into a new cluster only.`,
      );
    }
    const parent = nodeDisk(dirname(root));
    await parent.remove(basename(stagingOf(root)));
    const disk = nodeDisk(stagingOf(root));
    const data = await openDataDirectory({ root: stagingOf(root), disk, clock, cluster, node, random53 });
    const chunks = await ChunkStore.open({ disk, hasRoom: async () => true, onLost: () => undefined });
    return new Restorer(place, data, await data.store.beginInstall(), chunks);
  }

  async items(items: readonly Item[]): Promise<void> {
    for (const item of items) {
      const kept = this.#translate(item);
      if (kept === null) continue;
      for (const frame of this.#frames.add(kept)) await this.#install.write(frame);
    }
  }

  async piece(address: string, content: Uint8Array): Promise<void> {
    await this.#chunks.put(address, content);
  }

  /** To be called when the backup was read to its end. Durable, and in its place, once resolved. */
  async commit(): Promise<void> {
    const { root } = this.#place;
    const { store, log, identity } = this.#data;
    for (const frame of this.#frames.end()) await this.#install.write(frame);
    const mark = await this.#install.commit();
    // Whatever the nodes could not load must not become their state.
    await new ChatMachine().load(store.rows());
    const start = { index: 0, term: 0, data: mark.engine };
    const kept = { start, hardState: { term: 0, vote: 0, commit: 0 }, entries: [] };
    await joinCopy({ log, store, identity, logger: silentLogger }, kept);
    await log.seal();
    await store.close();
    await rename(this.#staging, root).catch((error: unknown) => {
      throw new CodedError('DATA_FOREIGN', `${root} is not empty any more.`, { cause: error });
    });
    await nodeDisk(dirname(root)).syncDirectory('.');
  }

  /** Leaves nothing behind. */
  async abort(): Promise<void> {
    await this.#install.abort();
    await this.#data.log.close();
    await this.#data.store.close();
    await nodeDisk(dirname(this.#staging)).remove(basename(this.#staging));
  }

  #translate(item: Item): Item | null {
    if (item.kind === 'mark') {
      const mark = decodeMark(item.content);
      const index = mark.index + RESTORE_GAP;
      return { kind: 'mark', content: encodeMark({ ...mark, index, engine: this.#engineData(mark.engine) }) };
    }
    const isRow = item.key.startsWith(ROW_RANGE.gte);
    return isRow && !outlivesRestore(withoutPrefix(item.key)) ? null : item;
  }

  /** The members of before are of another cluster: their disks are never admitted here. */
  #engineData(before: Uint8Array): Uint8Array {
    const { node, nodes } = this.#place;
    const { format } = decodeDirectory(before);
    requireKnownFormat({ format }, formats.newest);
    const self = nodes.find(({ id }) => id === node);
    if (self === undefined) throw invalidBackup(`there is no node ${node} in the configuration`);
    const expected = nodes
      .filter(({ id }) => id !== node)
      .map((place) => ({ ...placeOf(place), promote: true }));
    const founded: Directory = foundedBy([memberOf(self, this.#data.identity.incarnation)]);
    return encodeDirectory({ ...founded, expected, format });
  }
}

function placeOf({ id, host, peerPort, chatPort, httpPort }: NodeAddress): NodeAddress {
  return { id, host, peerPort, chatPort, httpPort };
}

function stagingOf(root: string): string {
  return `${root}.restoring`;
}
