import type { BasicStatus, Message } from '../raft/index.ts';
import { decodeFrame, encodeFrame, type PeerFrame } from './formats/peer-frames.ts';
import type { Membership } from './membership/membership.ts';
import type { Links } from './peers/links.ts';
import type { GossipBus } from './peers/peer-bus.ts';
import type { PeerIdentity, PeerTransport } from './ports/peer-transport.ts';
import type { StorageHealth } from './repair/storage-health.ts';
import type { ForwardedProposals } from './requests/forwarded.ts';

export interface InboxOptions {
  readonly links: Links;
  readonly transport: PeerTransport;
  readonly membership: Membership;
  readonly bus: GossipBus;
  readonly storage: StorageHealth;
  readonly forwarded: ForwardedProposals;
  /** Null while this node belongs to no cluster. */
  readonly status: () => BasicStatus | null;
  /** False: not what such a peer may say, or said to nobody. */
  readonly receive: (message: Message, from: PeerIdentity) => boolean;
  readonly refused: (life: number, counters: readonly number[]) => void;
  /** A peer belongs to a cluster now, which may make a majority. */
  readonly peerFounded: () => void;
  readonly dropped: (reason: string) => void;
}

/** Takes in what peers send, and gives each frame to whom it concerns. What is wrong is dropped and counted. */
export class Inbox {
  readonly #options: InboxOptions;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  take(from: PeerIdentity, bytes: Uint8Array): void {
    const { links, membership, dropped } = this.#options;
    const { admission } = membership;
    const frame = links.isUp(from) ? decodeFrame(bytes) : null;
    if (frame === null) dropped(links.isUp(from) ? 'malformed-frame' : 'frame-without-link');
    else if (admission.isRemoved(from.incarnation) && frame.kind !== 'removed') {
      dropped('frame-of-removed');
      // It was told when that came about, and has not heard it, or would be silent.
      admission.introduce(from.node);
    } else this.#route(from, frame);
  }

  #route(from: PeerIdentity, frame: PeerFrame): void {
    const { receive, refused, membership, peerFounded, bus, storage, dropped } = this.#options;
    const { admission } = membership;
    switch (frame.kind) {
      case 'raft':
        for (const message of frame.messages) if (!receive(message, from)) dropped('message');
        return;
      case 'propose':
        this.#forwarded(from, frame);
        return;
      case 'refused':
        refused(frame.life, frame.counters);
        return;
      case 'status':
        admission.reported(from, frame);
        if (frame.founding !== null) peerFounded();
        return;
      case 'gossip':
        bus.received(from.node, frame.payload);
        return;
      case 'place':
        admission.placed(from, frame.address);
        return;
      case 'removed':
        admission.toldRemoved();
        return;
      case 'ask':
        membership.asked(from, frame.ask);
        return;
      case 'answer':
        membership.answered(frame.answer);
        return;
      case 'storage':
        storage.heard(from.incarnation, frame);
        return;
      default:
        frame satisfies never;
    }
  }

  /** Only the leader of the term that the proposer believes in appends: then a later term proves what became of it. */
  #forwarded(from: PeerIdentity, frame: PeerFrame & { readonly kind: 'propose' }): void {
    const { forwarded, transport, dropped } = this.#options;
    const { term, life, proposals } = frame;
    const status = this.#options.status();
    const leads = status !== null && status.role === 'leader' && status.term === term;
    const counters = leads
      ? forwarded.accept(from.incarnation, term, life, proposals)
      : proposals.map(({ counter }) => counter);
    if (counters.length === 0) return;
    const answer = encodeFrame({ kind: 'refused', life, counters });
    if (!transport.send(from.node, 'control', answer)) dropped('refusal-not-sent');
  }
}
