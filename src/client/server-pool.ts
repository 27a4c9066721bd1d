/**
 * Which node to try next, and when. Pure: no socket, no timer; the caller brings the time. Nodes are first known by the addresses
 * the user gave, later by what a node tells about its cluster.
 */
import type { Random } from '../base/prng.ts';

/** Where a node's HTTP port listens. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export interface Member {
  readonly id: number;
  readonly host: string;
  readonly httpPort: number;
}

/** One node as the pool sees it. Changed by the pool alone. */
export interface Server {
  readonly address: ServerAddress;
  /** Node number; null until the node has said it. */
  readonly id: number | null;
  /** Failures in a row. */
  readonly failures: number;
  /** Not to be dialled before this monotonic time. */
  readonly notBeforeMs: number;
}

export interface Choice {
  readonly server: Server;
  /** 0 when it may be dialled now. */
  readonly delayMs: number;
}

interface Entry {
  address: ServerAddress;
  id: number | null;
  failures: number;
  notBeforeMs: number;
  /** Given by the user: kept even when the cluster does not list it. */
  readonly seed: boolean;
}

export const backOff = { firstMs: 20, largestMs: 1_000 } as const;
export const largestPool = 64;

/** Doubles from `firstMs` to `largestMs`, less up to a half by chance, so that many clients do not return as one. */
export function backOffMs(failures: number, random: Random): number {
  const full = Math.min(backOff.largestMs, backOff.firstMs * 2 ** Math.min(16, Math.max(0, failures - 1)));
  return full * (1 - random.fraction() / 2);
}

export class ServerPool {
  readonly #random: Random;
  #entries: Entry[];
  #leader: number | null = null;

  /** In a random order, so that the first connections of many clients spread over the nodes. */
  constructor(seeds: readonly ServerAddress[], random: Random) {
    this.#random = random;
    this.#entries = [];
    for (const address of seeds.slice(0, largestPool)) {
      const entry = { address, id: null, failures: 0, notBeforeMs: 0, seed: true };
      if (this.#at(address) === undefined)
        this.#entries.splice(random.below(this.#entries.length + 1), 0, entry);
    }
  }

  get servers(): readonly Server[] {
    return this.#entries;
  }

  get leader(): number | null {
    return this.#leader;
  }

  setLeader(id: number | null): void {
    this.#leader = id;
  }

  byId(id: number): Server | undefined {
    return this.#entries.find((entry) => entry.id === id);
  }

  /** The node behind an address said who it is. An address serves one node, and a node is reached by one address. */
  identify(server: Server, id: number): void {
    const entry = this.#entryOf(server);
    if (entry === undefined || entry.id === id) return;
    for (const other of this.#entries) if (other.id === id) other.id = null;
    entry.id = id;
    this.#entries = this.#entries.filter((other) => other.id !== null || other.seed);
  }

  /**
   * The members of the cluster, as a node tells them. An address that works is kept although the cluster names another one for the
   * same node; one that fails is replaced.
   */
  learn(members: readonly Member[]): void {
    for (const member of members.slice(0, largestPool)) {
      const address = { host: member.host, port: member.httpPort };
      const known = this.#entries.find((entry) => entry.id === member.id);
      if (known !== undefined) {
        if (known.failures > 0 && !sameAddress(known.address, address)) known.address = address;
        continue;
      }
      const unnamed = this.#at(address);
      if (unnamed !== undefined) unnamed.id = member.id;
      else if (this.#entries.length < largestPool)
        this.#entries.push({ address, id: member.id, failures: 0, notBeforeMs: 0, seed: false });
    }
    const listed = new Set(members.map((member) => member.id));
    this.#entries = this.#entries.filter((entry) => entry.seed || entry.id === null || listed.has(entry.id));
  }

  /**
   * The node to dial: the leader if it may be dialled, else the one with the fewest failures; if none may be dialled yet, the one whose
   * time comes first. `except` is left out unless it is the only one. Undefined for an empty pool.
   */
  choose(nowMs: number, except: readonly Server[] = []): Choice | undefined {
    const others = this.#entries.filter((entry) => !except.some((server) => this.#entryOf(server) === entry));
    const candidates = others.length > 0 ? others : this.#entries;
    const best = candidates.reduce<Entry | undefined>(
      (chosen, entry) => (chosen === undefined || this.#isBetter(entry, chosen, nowMs) ? entry : chosen),
      undefined,
    );
    return best === undefined ? undefined : { server: best, delayMs: Math.max(0, best.notBeforeMs - nowMs) };
  }

  /** For what is not in a hurry: those that answered first, and the leader, which has enough to do, behind its peers. */
  addressesForBulk(): readonly ServerAddress[] {
    const weight = (entry: Entry): number =>
      2 * Math.min(1, entry.failures) + (entry.id !== null && entry.id === this.#leader ? 1 : 0);
    return [...this.#entries].sort((a, b) => weight(a) - weight(b)).map(({ address }) => address);
  }

  connected(server: Server): void {
    const entry = this.#entryOf(server);
    if (entry === undefined) return;
    entry.failures = 0;
    entry.notBeforeMs = 0;
  }

  /** It could not be reached, or was lost. It is no longer believed to lead. */
  failed(server: Server, nowMs: number): void {
    const entry = this.#entryOf(server);
    if (entry === undefined) return;
    entry.failures += 1;
    entry.notBeforeMs = nowMs + backOffMs(entry.failures, this.#random);
    if (entry.id !== null && entry.id === this.#leader) this.#leader = null;
  }

  /** It asked to be left alone for a while (it stops, or serves too many). */
  avoid(server: Server, nowMs: number, forMs: number): void {
    const entry = this.#entryOf(server);
    if (entry !== undefined) entry.notBeforeMs = Math.max(entry.notBeforeMs, nowMs + forMs);
  }

  #isBetter(a: Entry, b: Entry, nowMs: number): boolean {
    const [waitA, waitB] = [Math.max(0, a.notBeforeMs - nowMs), Math.max(0, b.notBeforeMs - nowMs)];
    if (waitA !== waitB) return waitA < waitB;
    const leads = (entry: Entry): boolean => entry.id !== null && entry.id === this.#leader;
    if (leads(a) !== leads(b)) return leads(a);
    return a.failures < b.failures;
  }

  #at(address: ServerAddress): Entry | undefined {
    return this.#entries.find((entry) => sameAddress(entry.address, address));
  }

  #entryOf(server: Server): Entry | undefined {
    return this.#entries.find((entry) => entry === server);
  }
}

export function sameAddress(a: ServerAddress, b: ServerAddress): boolean {
  return a.port === b.port && a.host.toLowerCase() === b.host.toLowerCase();
}
