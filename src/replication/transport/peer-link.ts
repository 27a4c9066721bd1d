import { MIB } from '../../base/limits.ts';
import type { Lane, PeerIdentity } from '../ports/peer-transport.ts';
import type { FrameFault } from './framing.ts';
import type { SecureConnection } from './secure-connection.ts';

/** What may wait for one peer, per lane. Beyond it frames are not taken, and raft is told. */
const queueBytes: Readonly<Record<Lane, number>> = { control: 4 * MIB, bulk: 64 * MIB };

export interface LinkListener {
  frame(from: PeerIdentity, lane: Lane, frame: Uint8Array): void;
  up(link: PeerLink): void;
  /** Once, when any connection of the link ended. */
  down(link: PeerLink, fault: FrameFault | null): void;
}

/**
 * Both lanes with one life of one peer. Up once both are there; down, for good, as soon as either ends: a killed process closes both, and
 * its closed connection is the earliest sign of it.
 */
export class PeerLink {
  readonly peer: PeerIdentity;
  readonly id: string;
  /** Dialed by the node with the lower number: of two links at once, both sides keep this one. */
  readonly isPreferred: boolean;
  readonly #listener: LinkListener;
  readonly #lanes: Partial<Record<Lane, SecureConnection>> = {};
  #state: 'joining' | 'up' | 'down' = 'joining';

  constructor(peer: PeerIdentity, id: string, isPreferred: boolean, listener: LinkListener) {
    this.peer = peer;
    this.id = id;
    this.isPreferred = isPreferred;
    this.#listener = listener;
  }

  get up(): boolean {
    return this.#state === 'up';
  }

  join(lane: Lane, connection: SecureConnection): void {
    if (this.#state === 'down' || this.#lanes[lane] !== undefined) {
      connection.destroy();
      return;
    }
    this.#lanes[lane] = connection;
    const complete = this.#lanes.control !== undefined && this.#lanes.bulk !== undefined;
    if (!complete) return;
    this.#state = 'up';
    this.#listener.up(this);
    this.#open('control');
    this.#open('bulk');
  }

  send(lane: Lane, frame: Uint8Array): boolean {
    const connection = this.#lanes[lane];
    if (this.#state !== 'up' || connection === undefined) return false;
    if (connection.queuedBytes + frame.length > queueBytes[lane]) return false;
    connection.send(frame);
    return true;
  }

  /** `gently`: what was sent still leaves. */
  close(gently: boolean): void {
    for (const connection of Object.values(this.#lanes)) {
      if (gently) connection.end();
      else connection.destroy();
    }
    this.#end(null);
  }

  #open(lane: Lane): void {
    this.#lanes[lane]?.open(
      (frame) => {
        if (this.#state === 'up') this.#listener.frame(this.peer, lane, frame);
      },
      (fault) => this.#end(fault),
    );
  }

  #end(fault: FrameFault | null): void {
    if (this.#state === 'down') return;
    const wasUp = this.#state === 'up';
    this.#state = 'down';
    for (const connection of Object.values(this.#lanes)) if (fault !== null) connection.destroy();
    if (wasUp) {
      for (const connection of Object.values(this.#lanes)) connection.end();
      this.#listener.down(this, fault);
    }
  }
}
