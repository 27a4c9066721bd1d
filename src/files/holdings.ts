/**
 * Chunks on this node and on a majority: what an upload needs before its sender may be told. A chunk counts where a voter has made
 * it durable and its state wants it kept, so that it cannot be collected there.
 */
import type { Clock, Timer } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { type ChunkAddress, decodeManifest, type Manifest } from '../protocol/manifest.ts';
import type { ChunkStore } from './chunk-store.ts';
import { decodeHoldings, decodeStored, type Holdings, type Question } from './exchange.ts';
import type { PeerQuestions } from './peer-questions.ts';
import type { FileMember, FilePeers, FileRoots } from './ports.ts';

export interface HoldingsOptions {
  readonly store: ChunkStore;
  readonly roots: FileRoots;
  readonly peers: FilePeers;
  readonly questions: PeerQuestions;
  readonly clock: Clock;
}

/** Waited for a voter that is slower than a majority, and may have what those lack. */
const lateMs = 500;

export class ClusterHoldings {
  readonly #options: HoldingsOptions;

  constructor(options: HoldingsOptions) {
    this.#options = options;
  }

  /**
   * Waits until this node's state knows the manifest, or rejects: a chunk that arrives before its lease was applied here would
   * look like one that nobody wants.
   */
  async requireRoot(manifest: ChunkAddress): Promise<void> {
    const { roots, peers } = this.#options;
    if (roots.has(manifest)) return;
    await peers.barrier();
    if (!roots.has(manifest)) throw new CodedError('UNKNOWN_UPLOAD');
  }

  /** Durable here and on a majority of voters once resolved. Rejects UNAVAILABLE when too few answer, LOW_SPACE when their disks are full. */
  async put(manifest: ChunkAddress, address: ChunkAddress, content: Uint8Array): Promise<void> {
    const { store, questions } = this.#options;
    await this.requireRoot(manifest);
    const question: Question = { kind: 'put', manifest, address, content };
    // Here first: what does not fit its address, or this disk, is not passed on.
    await store.put(address, content);
    let lacksRoom = false;
    const isHeld = await this.#majority(async (node) => {
      const stored = decodeStored(await questions.askOne(node, question));
      if (stored === 'no-room') lacksRoom = true;
      return stored === 'stored';
    });
    if (isHeld) return;
    if (lacksRoom) throw new CodedError('LOW_SPACE');
    throw new CodedError('UNAVAILABLE', 'Too few nodes could keep the chunk, try again.');
  }

  /** Which chunks a majority of voters holds; null when that is not so even of the manifest. */
  async holdings(address: ChunkAddress): Promise<{ manifest: Manifest; held: readonly boolean[] } | null> {
    await this.requireRoot(address);
    const manifest = await this.manifest(address);
    if (manifest === null) return null;
    const held = this.#heldIn(await this.#ask(address, manifest), manifest);
    return held === null ? null : { manifest, held };
  }

  /** What the answers come to; null: a majority does not hold even the manifest. */
  #heldIn(answers: ReadonlyMap<number, Holdings>, { chunks }: Manifest): readonly boolean[] | null {
    const { voters, needed } = this.#quorum();
    const of = voters.map(({ id }) => answers.get(id) ?? null);
    if (of.filter((answer) => answer !== null).length < needed) return null;
    return chunks.map((_, place) => of.filter((answer) => answer?.[place] === true).length >= needed);
  }

  /** As this node holds it; null when it does not, or when the content is no manifest. */
  async manifest(address: ChunkAddress): Promise<Manifest | null> {
    const content = await this.#options.store.read(address);
    return content === null ? null : decodeManifest(content);
  }

  own(manifest: Manifest): readonly boolean[] {
    return manifest.chunks.map((address) => this.#options.store.has(address));
  }

  async #ask(address: ChunkAddress, manifest: Manifest): Promise<ReadonlyMap<number, Holdings>> {
    const { peers, questions } = this.#options;
    const answers = new Map<number, Holdings>([[peers.self, this.own(manifest)]]);
    const asked = this.#quorum().voters.filter(({ id, reachable }) => id !== peers.self && reachable);
    await this.#enough(
      asked.map(async ({ id }) => {
        const answer = await questions.askOne(id, { kind: 'holds', manifest: address });
        answers.set(id, decodeHoldings(answer, manifest.chunks.length));
      }),
      () => this.#heldIn(answers, manifest),
    );
    return answers;
  }

  /** All have answered; or what did shows everything held; or, shortly after, a majority did: one that hangs holds nobody up. */
  #enough(answers: readonly Promise<void>[], held: () => readonly boolean[] | null): Promise<void> {
    return new Promise((resolve) => {
      let late: Timer | null = null;
      const done = (): void => {
        late?.cancel();
        resolve();
      };
      const look = (): void => {
        const known = held();
        if (known === null) return;
        if (known.every((isHeld) => isHeld)) done();
        else late ??= this.#options.clock.after(lateMs, done);
      };
      for (const answer of answers) void answer.then(look, () => undefined);
      void Promise.allSettled(answers).then(done);
    });
  }

  /** True as soon as a majority said yes, this node's own included; the others go on by themselves. */
  #majority(ask: (node: number) => Promise<boolean>): Promise<boolean> {
    const { self } = this.#options.peers;
    const { voters, needed } = this.#quorum();
    let yes = voters.some(({ id }) => id === self) ? 1 : 0;
    const others = voters.filter(({ id }) => id !== self);
    return new Promise((resolve) => {
      let open = others.length;
      const settle = (agrees: boolean): void => {
        open -= 1;
        if (agrees) yes += 1;
        if (yes >= needed) resolve(true);
        else if (open <= 0) resolve(false);
      };
      if (yes >= needed) resolve(true);
      else if (open === 0) resolve(false);
      for (const { id, reachable } of others) {
        if (reachable) ask(id).then(settle, () => settle(false));
        else settle(false);
      }
    });
  }

  #quorum(): { readonly voters: readonly FileMember[]; readonly needed: number } {
    const members = this.#options.peers.members();
    const voters = members.filter(({ voter }) => voter);
    const gone = members.filter(({ oldVoter }) => oldVoter).length;
    return { voters, needed: Math.floor((voters.length + gone) / 2) + 1 };
  }
}
