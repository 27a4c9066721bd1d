/** The file rooms of several nodes on memory disks; what stands for the replicated state is one object for all of them. */
import { silentLogger } from '../../../src/base/logger.ts';
import { seededRandom } from '../../../src/base/prng.ts';
import { addressOf } from '../../../src/files/digest.ts';
import { type Files, openFiles } from '../../../src/files/files.ts';
import type { FileMember, FilePeers, FileRoots } from '../../../src/files/ports.ts';
import {
  type ChunkAddress,
  chunkBytes,
  encodeManifest,
  type Manifest,
} from '../../../src/protocol/manifest.ts';
import { type CrashPlan, MemoryDisk } from '../../support/memory-disk.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

/** What the applied state would say. */
export class TestRoots implements FileRoots {
  readonly messages = new Set<ChunkAddress>();
  readonly leases = new Set<ChunkAddress>();
  additions = 0;
  known = true;

  lease(manifest: ChunkAddress): void {
    this.leases.add(manifest);
    this.additions += 1;
  }

  refer(manifest: ChunkAddress): void {
    this.leases.delete(manifest);
    this.messages.add(manifest);
    this.additions += 1;
  }

  referenced(): Iterable<ChunkAddress> {
    return this.messages;
  }

  leased(): Iterable<ChunkAddress> {
    return this.leases;
  }

  has(manifest: ChunkAddress): boolean {
    return this.messages.has(manifest) || this.leases.has(manifest);
  }
}

export interface TestFile {
  readonly content: Uint8Array;
  readonly manifest: Manifest;
  readonly encoded: Uint8Array;
  readonly address: ChunkAddress;
  readonly chunks: readonly Uint8Array[];
}

export function makeFile(bytes: number, seed = 1): TestFile {
  const random = seededRandom(seed);
  const content = Uint8Array.from({ length: bytes }, () => random.below(256));
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes; at += chunkBytes) chunks.push(content.slice(at, at + chunkBytes));
  const manifest = { bytes, chunks: chunks.map(addressOf) };
  const encoded = encodeManifest(manifest);
  return { content, manifest, encoded, address: addressOf(encoded), chunks };
}

export interface TestNode {
  readonly id: number;
  disk: MemoryDisk;
  roots: TestRoots;
  files: Files;
  up: boolean;
  /** Takes questions and answers none. */
  hangs: boolean;
  voter: boolean;
  oldVoter: boolean;
  /** What a read index brings. */
  catchUp: () => void;
}

export class FileCluster {
  readonly clock = new VirtualClock();
  readonly roots = new TestRoots();
  readonly #nodes = new Map<number, TestNode>();
  readonly questions: { readonly from: number; readonly to: number }[] = [];

  static async of(count: number): Promise<FileCluster> {
    const cluster = new FileCluster();
    for (let id = 1; id <= count; id++) await cluster.start(id);
    return cluster;
  }

  node(id: number): TestNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  async start(id: number, disk = new MemoryDisk(), voter = true, roots = this.roots): Promise<TestNode> {
    const files = await openFiles({
      disk,
      roots,
      peers: this.#peersOf(id),
      clock: this.clock,
      random: seededRandom(id),
      logger: silentLogger,
    });
    const node: TestNode = {
      id,
      disk,
      roots,
      files,
      up: true,
      hangs: false,
      voter,
      oldVoter: false,
      catchUp: () => undefined,
    };
    this.#nodes.set(id, node);
    return node;
  }

  async restart(id: number, plan: CrashPlan = { kind: 'synced-only' }): Promise<TestNode> {
    const { disk, voter, files } = this.node(id);
    files.stop();
    return this.start(id, disk.crash(plan), voter);
  }

  /** As an upload through node `id` does it. */
  async upload(id: number, file: TestFile): Promise<void> {
    const { holdings } = this.node(id).files;
    await holdings.put(file.address, file.address, file.encoded);
    for (const [place, chunk] of file.chunks.entries()) {
      await holdings.put(file.address, file.manifest.chunks[place] ?? '', chunk);
    }
  }

  stopAll(): void {
    for (const { files } of this.#nodes.values()) files.stop();
  }

  /** Moves time on until it holds. */
  async until(what: string, holds: () => boolean): Promise<void> {
    for (let steps = 0; !holds(); steps++) {
      if (steps > 10_000) throw new Error(`did not come: ${what}`);
      await this.clock.advance(50);
    }
  }

  #peersOf(self: number): FilePeers {
    return {
      self,
      members: (): readonly FileMember[] =>
        [...this.#nodes.values()].map(({ id, voter, oldVoter, up }) => ({
          id,
          voter,
          oldVoter,
          reachable: up,
        })),
      ask: async (to, question) => {
        const node = this.node(to);
        if (!node.up || !this.node(self).up) throw new Error('no connection');
        this.questions.push({ from: self, to });
        if (node.hangs) return new Promise(() => undefined);
        return node.files.answer(question.slice());
      },
      barrier: async () => this.node(self).catchUp(),
    };
  }
}

/** Reads a whole file through a node, as a download does. */
export async function download(
  node: TestNode,
  address: ChunkAddress,
  from = 0,
  to?: number,
): Promise<Buffer> {
  const { reader } = node.files;
  const manifest = await reader.manifest(address);
  const parts: Uint8Array[] = [];
  for await (const part of reader.range(manifest, from, to ?? manifest.bytes)) parts.push(part);
  return Buffer.concat(parts);
}
