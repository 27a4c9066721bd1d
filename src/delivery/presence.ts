/**
 * Who is online anywhere in the cluster: soft state, never in the log. Every node owns the list of its own connections and tells the
 * others: the whole list to a peer that comes up, changes after that, a digest every second. Whoever misses something asks.
 */
import type { Clock, Timer } from '../base/clock.ts';
import type { Random } from '../base/prng.ts';
import type { AccountId, ConversationId } from '../chat/vocabulary/types.ts';
import type { Bus } from './ports.ts';
import { decodePresence, encodePresence, type PresenceFrame } from './presence-codec.ts';
import { AccountSet, Departures, RemoteList } from './presence-lists.ts';

export const digestMs = 1_000;
/** After the last link with a node is gone, its users still count for this long: a link may blink. */
export const graceMs = 1_000;
/** A node with a link that says nothing for this long counts as gone. */
export const silenceMs = 2_500;
/** Whoever is connected again within this time was online throughout: a client that fails over, a page that is loaded again. */
export const returnMs = 10_000;
/** After a frame of changes, those of this time leave together in the next one. The first leaves at once. */
const gatherMs = 5;
/** At most one question a node in this time. */
const askMs = 200;
/** Accounts in one frame. */
export const frameAccounts = 500;
const epochs = 2 ** 32;

export class Presence {
  readonly #clock: Clock;
  readonly #bus: Bus;
  readonly #epoch: number;
  /** Connections of each account on this node, and when the first of them began. */
  readonly #connections = new Map<AccountId, { readonly count: number; readonly sinceMs: number }>();
  /** What the other nodes have been told of this one. */
  readonly #announced = new AccountSet();
  readonly #departures = new Departures(returnMs);
  readonly #touched = new Set<AccountId>();
  readonly #remotes = new Map<number, RemoteList>();
  readonly #unsubscribe: readonly (() => void)[];
  #sequence = 0;
  #gathering: Timer | null = null;
  #digest: Timer | null = null;
  #malformed = 0;
  readonly #changeListeners = new Set<() => void>();
  readonly #typingListeners = new Set<(account: AccountId, conversation: ConversationId) => void>();

  constructor(clock: Clock, random: Random, bus: Bus) {
    this.#clock = clock;
    this.#bus = bus;
    this.#epoch = random.below(epochs);
    this.#unsubscribe = [
      bus.onMessage((node, payload) => this.#receive(node, payload)),
      bus.onPeer((node, up) => this.#peer(node, up)),
    ];
    for (const node of bus.peers()) this.#peer(node, true);
    this.#armDigest();
  }

  /** Frames that could not be read, since the start. */
  get malformed(): number {
    return this.#malformed;
  }

  isOnline(account: AccountId): boolean {
    if (this.#connections.has(account)) return true;
    for (const remote of this.#remotes.values()) if (remote.has(account)) return true;
    return false;
  }

  /** Whether anybody is connected to another node; true as well while its list is not known. */
  mayBeOn(node: number): boolean {
    return this.#remotes.get(node)?.mayHaveAny ?? true;
  }

  /** Everyone online in the cluster, by the time since which they are, whatever connections that took (`returnMs`). */
  online(): readonly { readonly account: AccountId; readonly sinceMs: number }[] {
    const since = new Map<AccountId, number>();
    const note = (account: AccountId, sinceMs: number): void => {
      since.set(account, Math.min(sinceMs, since.get(account) ?? sinceMs));
    };
    for (const [account, { sinceMs }] of this.#connections) note(account, sinceMs);
    for (const remote of this.#remotes.values()) {
      for (const [account, sinceMs] of remote.list()) note(account, sinceMs);
    }
    const all = Array.from(since, ([account, sinceMs]) => ({ account, sinceMs }));
    return all.sort((a, b) => a.sinceMs - b.sinceMs || a.account - b.account);
  }

  /** Called when somebody may have come or gone, anywhere; not who. */
  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Of accounts on other nodes. */
  onTyping(listener: (account: AccountId, conversation: ConversationId) => void): () => void {
    this.#typingListeners.add(listener);
    return () => this.#typingListeners.delete(listener);
  }

  /** The other nodes are told, once: what is lost is lost. */
  tellTyping(account: AccountId, conversation: ConversationId): void {
    this.#broadcast({ kind: 'typing', account, conversation });
  }

  /** One connection of the account on this node began. Returns how to end it; idempotent. */
  connect(account: AccountId): () => void {
    const known = this.#connections.get(account);
    const sinceMs = known?.sinceMs ?? this.#onlineSince(account);
    this.#connections.set(account, { count: (known?.count ?? 0) + 1, sinceMs });
    this.#touch(account);
    let connected = true;
    return () => {
      if (!connected) return;
      connected = false;
      const left = (this.#connections.get(account)?.count ?? 1) - 1;
      if (left > 0) this.#connections.set(account, { count: left, sinceMs });
      else {
        this.#connections.delete(account);
        this.#departures.note(account, sinceMs, this.#clock.monotonicMs());
      }
      this.#touch(account);
    };
  }

  /** Tells the others what has changed, then falls silent. */
  stop(): void {
    this.tell();
    this.#gathering?.cancel();
    this.#digest?.cancel();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const remote of this.#remotes.values()) remote.drop();
    this.#remotes.clear();
  }

  #changed(): void {
    for (const listener of [...this.#changeListeners]) listener();
  }

  #touch(account: AccountId): void {
    this.#changed();
    this.#touched.add(account);
    if (this.#gathering !== null) return;
    this.tell();
    this.#gathering = this.#clock.after(gatherMs, () => {
      this.#gathering = null;
      this.tell();
    });
  }

  /** Lets the others know what has changed, without waiting for more. */
  tell(): void {
    const touched = [...this.#touched];
    this.#touched.clear();
    const up = touched.filter((account) => this.#connections.has(account) && !this.#announced.has(account));
    const down = touched.filter((account) => !this.#connections.has(account) && this.#announced.has(account));
    for (const account of up) this.#announced.add(account, this.#sinceOf(account));
    for (const account of down) this.#announced.delete(account);
    for (let from = 0; from < up.length || from < down.length; from += frameAccounts) {
      this.#sequence += 1;
      const [some, others] = [up.slice(from, from + frameAccounts), down.slice(from, from + frameAccounts)];
      this.#broadcast({
        kind: 'delta',
        epoch: this.#epoch,
        sequence: this.#sequence,
        up: some,
        since: some.map((account) => this.#sinceOf(account)),
        down: others,
      });
    }
  }

  /** Of an account whose first connection to this node begins now. */
  #onlineSince(account: AccountId): number {
    const times = [this.#departures.since(account, this.#clock.monotonicMs())];
    for (const remote of this.#remotes.values()) times.push(remote.since(account));
    return Math.min(Math.floor(this.#clock.wallMs()), ...times.filter((time) => time !== undefined));
  }

  #sinceOf(account: AccountId): number {
    return this.#connections.get(account)?.sinceMs ?? 0;
  }

  #broadcast(frame: PresenceFrame): void {
    this.#bus.broadcast(encodePresence(frame));
  }

  #armDigest(): void {
    this.#digest = this.#clock.after(digestMs, () => {
      this.#armDigest();
      this.#broadcast({
        kind: 'digest',
        epoch: this.#epoch,
        sequence: this.#sequence,
        count: this.#announced.size,
        checksum: this.#announced.checksum,
      });
      const now = this.#clock.monotonicMs();
      this.#departures.expire(now);
      for (const remote of this.#remotes.values()) if (now - remote.heardMs > silenceMs) this.#forget(remote);
    });
  }

  #peer(node: number, up: boolean): void {
    const remote = this.#remote(node);
    if (up) {
      remote.keep();
      this.#sendList(node);
    } else {
      remote.leave(this.#clock.after(graceMs, () => this.#forget(remote)));
    }
  }

  #forget(remote: RemoteList): void {
    remote.forget();
    this.#changed();
  }

  #remote(node: number): RemoteList {
    const known = this.#remotes.get(node);
    if (known !== undefined) return known;
    const remote = new RemoteList(this.#clock.monotonicMs(), (account, sinceMs) =>
      this.#departures.note(account, sinceMs, this.#clock.monotonicMs()),
    );
    this.#remotes.set(node, remote);
    return remote;
  }

  #sendList(node: number): void {
    const all = this.#announced.list();
    const parts = Math.max(1, Math.ceil(all.length / frameAccounts));
    for (let part = 0; part < parts; part++) {
      const some = all.slice(part * frameAccounts, (part + 1) * frameAccounts);
      const frame = {
        kind: 'list',
        epoch: this.#epoch,
        sequence: this.#sequence,
        part,
        parts,
        accounts: some.map(([account]) => account),
        since: some.map(([, sinceMs]) => sinceMs),
      } as const;
      this.#bus.sendTo(node, encodePresence(frame));
    }
  }

  #receive(node: number, payload: Uint8Array): void {
    const frame = decodePresence(payload);
    if (frame === null) {
      this.#malformed += 1;
      return;
    }
    if (frame.kind === 'ask') {
      this.#sendList(node);
      return;
    }
    if (frame.kind === 'typing') {
      for (const listener of [...this.#typingListeners]) listener(frame.account, frame.conversation);
      return;
    }
    const now = this.#clock.monotonicMs();
    const remote = this.#remote(node);
    const complete = remote.receive(frame, now);
    if (frame.kind !== 'digest') this.#changed();
    if (complete || now - remote.askedMs < askMs) return;
    remote.askedMs = now;
    this.#bus.sendTo(node, encodePresence({ kind: 'ask' }));
  }
}
