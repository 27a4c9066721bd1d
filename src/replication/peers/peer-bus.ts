import type { PeerBus } from '../ports/engine.ts';
import type { Links } from './links.ts';

/** Datagrams between nodes over the control lane: soft state only, nothing is repeated or kept. */
export class GossipBus implements PeerBus {
  readonly #links: Links;
  readonly #send: (node: number, payload: Uint8Array) => boolean;
  readonly #messageListeners = new Set<(node: number, payload: Uint8Array) => void>();
  readonly #peerListeners = new Set<(node: number, up: boolean) => void>();

  constructor(links: Links, send: (node: number, payload: Uint8Array) => boolean) {
    this.#links = links;
    this.#send = send;
  }

  broadcast(payload: Uint8Array): void {
    for (const node of this.#links.nodes()) this.#send(node, payload);
  }

  sendTo(node: number, payload: Uint8Array): void {
    if (this.#links.memberAt(node) !== null) this.#send(node, payload);
  }

  onMessage(listener: (node: number, payload: Uint8Array) => void): () => void {
    this.#messageListeners.add(listener);
    return () => void this.#messageListeners.delete(listener);
  }

  onPeer(listener: (node: number, up: boolean) => void): () => void {
    this.#peerListeners.add(listener);
    return () => void this.#peerListeners.delete(listener);
  }

  peers(): readonly number[] {
    return this.#links.nodes();
  }

  received(node: number, payload: Uint8Array): void {
    for (const listener of this.#messageListeners) listener(node, payload);
  }

  peerChanged(node: number, up: boolean): void {
    for (const listener of this.#peerListeners) listener(node, up);
  }
}
