/** One connection between two processes, with an end on each side that hears of its beginning and its end by itself. */
import type { Lane, PeerIdentity } from '../../src/replication/ports/peer-transport.ts';
import type { Place, World } from './world.ts';

/** One process, as its links know it. */
export interface LinkedProcess {
  readonly identity: PeerIdentity;
  readonly host: Place;
  linked(peer: PeerIdentity, link: PeerLink): void;
  unlinked(peer: PeerIdentity, link: PeerLink): void;
  /** The other machine is gone without a word; `giveUp` ends the link here. */
  abandoned(link: PeerLink, giveUp: () => void): void;
  receive(from: PeerIdentity, lane: Lane, frame: Uint8Array): void;
}

interface End {
  readonly transport: LinkedProcess;
  up: boolean;
  /** When the newest frame of each lane arrives here: none overtakes it. */
  readonly arrivesMs: Record<Lane, number>;
}

/** One frame on its way. */
export interface Parcel {
  readonly from: LinkedProcess;
  readonly lane: Lane;
  readonly frame: Uint8Array;
  /** While it is silent nothing arrives, also not what had left before. */
  readonly path: { readonly silent: number };
}

export class PeerLink {
  readonly #world: World;
  readonly #ends: readonly [End, End];
  /** Its frames vanish, and it is about to be given up. */
  doomed = false;
  #held: (() => void)[] = [];

  constructor(world: World, one: LinkedProcess, two: LinkedProcess) {
    this.#world = world;
    this.#ends = [endOf(one), endOf(two)];
    for (const end of this.#ends) {
      const other = this.#otherEnd(end.transport).transport;
      world.after(0, 'link', end.transport.host, () => {
        end.up = true;
        end.transport.linked(other.identity, this);
      });
    }
  }

  joins(node: number): boolean {
    return this.#ends.some(({ transport }) => transport.identity.node === node);
  }

  other(node: number): number {
    const [one, two] = this.#ends;
    return one.transport.identity.node === node ? two.transport.identity.node : one.transport.identity.node;
  }

  isBetween(one: LinkedProcess, two: LinkedProcess): boolean {
    const transports = this.#ends.map(({ transport }) => transport);
    return transports.includes(one) && transports.includes(two);
  }

  /** Both sides are told; what is on its way by then arrives. */
  close(delayMs: number): void {
    for (const end of this.#ends) {
      this.#world.after(delayMs, 'link', end.transport.host, () => {
        if (!end.up) return;
        end.up = false;
        end.transport.unlinked(this.#otherEnd(end.transport).transport.identity, this);
      });
    }
  }

  /** One machine is gone without a word: its peer goes on believing in the link until another one replaces it. */
  abandon(node: number): void {
    for (const end of this.#ends) {
      if (end.transport.identity.node === node) continue;
      const give = (): void => {
        if (!end.up) return;
        end.up = false;
        end.transport.unlinked(this.#otherEnd(end.transport).transport.identity, this);
      };
      end.transport.abandoned(this, give);
    }
  }

  /** Nothing passes now: to be done when it does. */
  hold(delivery: () => void): void {
    this.#held.push(delivery);
  }

  release(): void {
    for (const delivery of this.#held.splice(0)) delivery();
  }

  /** In the order of the lane. */
  deliver(parcel: Parcel, delayMs: number): void {
    const { arrivesMs } = this.#otherEnd(parcel.from);
    const atMs = Math.max(this.#world.nowMs + delayMs, arrivesMs[parcel.lane]);
    arrivesMs[parcel.lane] = atMs;
    this.deliverApart(parcel, atMs - this.#world.nowMs);
  }

  /** Whenever it comes, and whatever came before. */
  deliverApart(parcel: Parcel, delayMs: number): void {
    const { from, lane, frame, path } = parcel;
    const to = this.#otherEnd(from);
    this.#world.after(delayMs, 'frame', to.transport.host, () => {
      if (path.silent > 0) this.hold(() => this.deliver(parcel, delayMs));
      else if (to.up) to.transport.receive(from.identity, lane, frame);
    });
  }

  #otherEnd(transport: LinkedProcess): End {
    const [one, two] = this.#ends;
    return one.transport === transport ? two : one;
  }
}

function endOf(transport: LinkedProcess): End {
  return { transport, up: false, arrivesMs: { control: 0, bulk: 0 } };
}
