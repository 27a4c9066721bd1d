/**
 * What one address may do before anybody behind it has logged in: so many connections at once, so many new ones and so many
 * registrations in ten minutes. Local to the node. A connection that resumes a session is exempt: its token speaks for it.
 */
import type { Clock } from '../../base/clock.ts';

export interface AddressBounds {
  /** Each: 0 for no limit. */
  readonly connectionsPerAddress: number;
  readonly newConnectionsPerAddress: number;
  readonly registrationsPerAddress: number;
}

/** One connection's part in the count. */
export interface Ticket {
  /** `resume-only`: over the limit, so it has to show a session that is logged in, at once. */
  readonly kind: 'free' | 'resume-only' | 'refused';
  /** Somebody has logged in: the connection counts no more. Idempotent. */
  loggedIn(): void;
  /** Idempotent. */
  closed(): void;
}

interface Usage {
  /** Connections without a login. */
  open: number;
  /** Of those, the ones over the limit. */
  probing: number;
  /** When those of the last ten minutes that never logged in were opened, and registrations made; ascending. */
  readonly opened: number[];
  readonly registered: number[];
}

const windowMs = 10 * 60_000;
/** Connections over the limit that wait to show a session, of one address. */
const probesPerAddress = 64;
/** Addresses remembered; those without a connection go first, the least recently seen at the front. */
export const addressesKept = 10_000;

export class AddressLimits {
  readonly #clock: Clock;
  readonly #bounds: AddressBounds;
  readonly #usages = new Map<string, Usage>();

  constructor(clock: Clock, bounds: AddressBounds) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  /** A new connection. `mayResume`: its protocol can show a session's token. */
  open(address: string | null, mayResume: boolean): Ticket {
    const { connectionsPerAddress, newConnectionsPerAddress } = this.#bounds;
    if (address === null || connectionsPerAddress + newConnectionsPerAddress === 0) return unlimited;
    const usage = this.#usageOf(address);
    const isOver =
      isReached(usage.open, connectionsPerAddress) ||
      isReached(usage.opened.length, newConnectionsPerAddress);
    if (!isOver) return this.#admitted(usage);
    if (!mayResume || usage.probing >= probesPerAddress) return refused;
    usage.probing += 1;
    const leave = once(() => {
      usage.probing -= 1;
    });
    return { kind: 'resume-only', loggedIn: leave, closed: leave };
  }

  /** Notes a registration; null, or the time after which there may be another one. */
  register(address: string | null): number | null {
    const { registrationsPerAddress } = this.#bounds;
    if (address === null || registrationsPerAddress === 0) return null;
    const { registered } = this.#usageOf(address);
    const nowMs = this.#clock.monotonicMs();
    if (isReached(registered.length, registrationsPerAddress))
      return (registered[0] ?? nowMs) + windowMs - nowMs;
    registered.push(nowMs);
    return null;
  }

  /** For metrics and tests. */
  get addresses(): number {
    return this.#usages.size;
  }

  #admitted(usage: Usage): Ticket {
    const openedMs = this.#clock.monotonicMs();
    usage.open += 1;
    if (this.#bounds.newConnectionsPerAddress > 0) usage.opened.push(openedMs);
    const leave = once(() => {
      usage.open -= 1;
    });
    const loggedIn = once(() => {
      leave();
      const at = usage.opened.indexOf(openedMs);
      if (at >= 0) usage.opened.splice(at, 1);
    });
    return { kind: 'free', loggedIn, closed: leave };
  }

  #usageOf(address: string): Usage {
    const key = networkOf(address);
    const usage = this.#usages.get(key) ?? { open: 0, probing: 0, opened: [], registered: [] };
    this.#usages.delete(key);
    this.#usages.set(key, usage);
    const sinceMs = this.#clock.monotonicMs() - windowMs;
    for (const times of [usage.opened, usage.registered]) {
      while ((times[0] ?? Number.POSITIVE_INFINITY) <= sinceMs) times.shift();
    }
    if (this.#usages.size > addressesKept) this.#forgetOne();
    return usage;
  }

  #forgetOne(): void {
    for (const [key, { open, probing }] of this.#usages) {
      if (open + probing > 0) continue;
      this.#usages.delete(key);
      return;
    }
  }
}

/** One customer of a network provider holds a /64 of IPv6: all of it counts as one address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('%')[0]?.split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  const groups = tail === undefined ? before : [...before, ...zeros, ...after];
  return `${groups.slice(0, 4).join(':')}::/64`;
}

function isReached(count: number, limit: number): boolean {
  return limit > 0 && count >= limit;
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}

const nothing = (): void => undefined;
const unlimited: Ticket = { kind: 'free', loggedIn: nothing, closed: nothing };
const refused: Ticket = { kind: 'refused', loggedIn: nothing, closed: nothing };
