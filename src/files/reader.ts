/** Chunks for whoever reads a file: from this disk, or from another node, kept here from then on. */
import { CodedError } from '../base/errors.ts';
import { type ChunkAddress, chunkBytes, decodeManifest, type Manifest } from '../protocol/manifest.ts';
import type { ChunkStore } from './chunk-store.ts';
import { chunksPerQuestion, decodeCopy } from './exchange.ts';
import type { PeerQuestions } from './peer-questions.ts';
import type { FilePeers } from './ports.ts';

export interface ReaderOptions {
  readonly store: ChunkStore;
  readonly peers: FilePeers;
  readonly questions: PeerQuestions;
  /** So many chunks came from another node. */
  readonly onFetched: (count: number) => void;
}

export interface Fetched {
  /** Still not here. */
  readonly missing: readonly ChunkAddress[];
  /** Every voter was asked for them and answered: what is missing is on none. */
  readonly askedAll: boolean;
}

const manifestsKept = 8;

export class ChunkReader {
  readonly #options: ReaderOptions;
  /** Two readers of one missing chunk fetch it once. */
  readonly #fetching = new Map<ChunkAddress, Promise<Uint8Array | null>>();
  /** Used again for each chunk of a transfer. An address has one content for ever, so none of them is ever out of date. */
  readonly #manifests = new Map<ChunkAddress, Manifest>();

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Verified. Rejects UNAVAILABLE when no reachable node has it. */
  async read(address: ChunkAddress): Promise<Uint8Array> {
    const content = (await this.#options.store.read(address)) ?? (await this.#fetchOnce(address));
    if (content === null) {
      throw new CodedError('UNAVAILABLE', 'A part of the file cannot be reached, try again.');
    }
    return content;
  }

  async manifest(address: ChunkAddress): Promise<Manifest> {
    const known = this.#manifests.get(address);
    if (known !== undefined) return known;
    const manifest = decodeManifest(await this.read(address));
    if (manifest === null) throw new CodedError('DATA_DAMAGED', `Manifest ${address} cannot be read.`);
    const [oldest] = this.#manifests.keys();
    if (oldest !== undefined && this.#manifests.size >= manifestsKept) this.#manifests.delete(oldest);
    this.#manifests.set(address, manifest);
    return manifest;
  }

  /** Bytes [from, to) of a file, in pieces of at most a chunk; the next chunk is read while the reader takes this one. */
  async *range(manifest: Manifest, from: number, to: number): AsyncGenerator<Uint8Array> {
    const firstPlace = Math.floor(from / chunkBytes);
    const lastPlace = Math.ceil(to / chunkBytes) - 1;
    let next = this.#ahead(manifest.chunks[firstPlace]);
    for (let place = firstPlace; place <= lastPlace; place++) {
      const content = await next.settled();
      const startsAt = place * chunkBytes;
      if (place < lastPlace) next = this.#ahead(manifest.chunks[place + 1]);
      yield content.subarray(Math.max(0, from - startsAt), Math.min(content.length, to - startsAt));
    }
  }

  /** Brings these here, as far as peers have them. Chunks come a few to a connection. */
  async fetch(addresses: readonly ChunkAddress[]): Promise<Fetched> {
    const { store, peers } = this.#options;
    let missing = addresses.filter((address) => !store.has(address));
    const sources = this.#sources(addresses[0] ?? '');
    const voters = peers
      .members()
      .filter(({ id, voter, oldVoter }) => (voter && id !== peers.self) || oldVoter);
    let askedAll = voters.every(
      ({ id, reachable, oldVoter }) => reachable && !oldVoter && sources.includes(id),
    );
    for (const node of sources) {
      if (missing.length === 0) break;
      const answered = await this.#fetchAllFrom(node, missing);
      askedAll &&= answered;
      missing = missing.filter((address) => !store.has(address));
    }
    return { missing, askedAll };
  }

  /** False when it failed in between: another node may have the rest. */
  async #fetchAllFrom(node: number, addresses: readonly ChunkAddress[]): Promise<boolean> {
    for (let at = 0; at < addresses.length; at += chunksPerQuestion) {
      const answered = await this.#fetchFrom(node, addresses.slice(at, at + chunksPerQuestion)).then(
        () => true,
        () => false,
      );
      if (!answered) return false;
    }
    return true;
  }

  /** A promise that nobody waits for yet must not count as unhandled when it fails. */
  #ahead(address: ChunkAddress | undefined): { settled(): Promise<Uint8Array> } {
    const reading =
      address === undefined
        ? Promise.reject(new CodedError('DATA_DAMAGED', 'a range goes past its manifest'))
        : this.read(address);
    reading.catch(() => undefined);
    return { settled: () => reading };
  }

  #fetchOnce(address: ChunkAddress): Promise<Uint8Array | null> {
    const running = this.#fetching.get(address);
    if (running !== undefined) return running;
    const fetching = this.#fetchOne(address).finally(() => this.#fetching.delete(address));
    this.#fetching.set(address, fetching);
    return fetching;
  }

  async #fetchOne(address: ChunkAddress): Promise<Uint8Array | null> {
    for (const node of this.#sources(address)) {
      // A node that fails is passed over: another one may have it.
      await this.#fetchFrom(node, [address]).catch(() => undefined);
      const content = await this.#options.store.read(address);
      if (content !== null) return content;
    }
    return null;
  }

  async #fetchFrom(node: number, addresses: readonly ChunkAddress[]): Promise<void> {
    const { store, questions, onFetched } = this.#options;
    let place = 0;
    await questions.ask(node, { kind: 'get', addresses }, addresses.length, async (frame) => {
      const address = addresses[place++];
      const copy = decodeCopy(frame);
      if (address === undefined || copy === null) return;
      await store.put(address, copy);
      onFetched(1);
    });
  }

  /** All reachable nodes, beginning with another one for another chunk: so that many chunks come from all of them. */
  #sources(address: ChunkAddress): readonly number[] {
    const { peers } = this.#options;
    const nodes = peers
      .members()
      .filter(({ id, reachable }) => reachable && id !== peers.self)
      .map(({ id }) => id);
    const first = nodes.length === 0 ? 0 : Number.parseInt(address.slice(0, 6) || '0', 16) % nodes.length;
    return [...nodes.slice(first), ...nodes.slice(0, first)];
  }
}
