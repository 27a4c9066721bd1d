import type { Logger } from '../../base/logger.ts';
import type { MemberId } from '../../raft/index.ts';
import {
  addressesOf,
  type Directory,
  isMember,
  type Member,
  type NodeAddress,
  noMembers,
} from '../formats/members.ts';
import { encodeFrame, type PeerFrame } from '../formats/peer-frames.ts';
import type { Links } from '../peers/links.ts';
import type { PeerIdentity, PeerTransport } from '../ports/peer-transport.ts';
import { foundingStep, type PeerStatusReport } from './founding.ts';

export interface AdmissionOptions {
  readonly node: number;
  readonly incarnation: MemberId;
  readonly nodes: readonly NodeAddress[];
  readonly links: Links;
  readonly transport: PeerTransport;
  /** Null while this node belongs to no cluster. */
  readonly directory: () => Directory | null;
  /** Writes the founding record, this node being among the members, and takes part. Called once. */
  readonly takePart: (how: 'found' | 'adopt', members: readonly Member[]) => void;
  /** Begins to follow without a vote. Called once. */
  readonly observe: (node: number) => void;
  /** These are to be brought up to date when this node leads. */
  readonly setObservers: (members: ReadonlySet<MemberId>) => void;
  /** This node was a member, and is none any more. Called once. */
  readonly removed: () => void;
  readonly logger: Logger;
  readonly dropped: (reason: string) => void;
  /** The newest format that this program knows. */
  readonly newest: number;
}

/**
 * How a node finds its place: tells each peer where it stands as soon as there is a link, and decides from what the peers
 * say whether a cluster is to be founded, to be joined as a founding member, or to be followed.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #reports = new Map<number, PeerStatusReport>();
  readonly #places = new Map<number, NodeAddress>();
  #decided = false;
  #observing = false;
  #removed = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** This node follows, or wants to follow, a cluster of which it is no member. */
  get observing(): boolean {
    return this.#observing;
  }

  /** Says where this node stands; to a member that was removed, nothing but that. */
  introduce(node: number): void {
    const { directory, transport, dropped, links, nodes, node: self } = this.#options;
    const { founding } = directory() ?? noMembers;
    const member = links.memberAt(node);
    const frames: PeerFrame[] = [
      { kind: 'status', founding: founding.length === 0 ? null : founding, observing: this.#observing },
    ];
    const address = nodes.find(({ id }) => id === self);
    if (address !== undefined) frames.push({ kind: 'place', address });
    if (member !== null && this.isRemoved(member)) frames.splice(0, frames.length, { kind: 'removed' });
    for (const frame of frames) {
      if (!transport.send(node, 'control', encodeFrame(frame))) dropped('status-not-sent');
    }
  }

  linkDown(node: number): void {
    this.#reports.delete(node);
    if (this.#places.delete(node)) this.#setPeers();
    this.#updateObservers();
  }

  /** A peer that nobody listed says where it is: copies of the state are fetched from there. */
  placed(from: PeerIdentity, address: NodeAddress): void {
    if (address.id !== from.node) return;
    this.#places.set(from.node, address);
    this.#setPeers();
  }

  #setPeers(): void {
    const { directory, nodes, node, transport } = this.#options;
    const members = directory() ?? noMembers;
    const listed = new Set(addressesOf(members, nodes).map(({ id }) => id));
    const peers = addressesOf(members, [...nodes, ...this.#places.values()]);
    transport.setPeers(
      peers
        .filter(({ id }) => id !== node)
        .map(({ id, host, peerPort }) => ({ id, host, peerPort, isGuest: !listed.has(id) })),
    );
  }

  /** Where a node is, by its own word, else by this node's configuration. */
  addressOf(node: number): NodeAddress | null {
    return this.#places.get(node) ?? this.#options.nodes.find(({ id }) => id === node) ?? null;
  }

  /** The disk that runs at a number now, unless it was removed or belongs to another cluster. */
  lifeAt(node: number): MemberId | null {
    if (node === this.#options.node) return this.#options.incarnation;
    const member = this.#options.links.memberAt(node);
    return member === null || this.#isForeign(node) || this.isRemoved(member) ? null : member;
  }

  /** Nothing is taken from such a node, and nothing done to it: only people can say whose data directory is in the wrong place. */
  alarms(): readonly string[] {
    // An observer without a copy of the state does not know yet whom it follows.
    if ((this.#options.directory() ?? noMembers).founding.length === 0) return [];
    const foreign = [...this.#reports.keys()].filter((node) => this.#isForeign(node)).sort((a, b) => a - b);
    return foreign.map(
      (node) => `cluster: node ${node} has the data directory of another cluster of the same name`,
    );
  }

  #isForeign(node: number): boolean {
    const founding = this.#reports.get(node)?.founding ?? null;
    return founding !== null && !sameFounding(founding, this.#options.directory()?.founding ?? []);
  }

  isRemoved(member: MemberId): boolean {
    return this.#options.directory()?.removed.includes(member) === true;
  }

  /** Members that know more than this node say that it was removed. */
  toldRemoved(): void {
    if (this.#removed) return;
    this.#removed = true;
    this.#options.removed();
  }

  reported(from: PeerIdentity, report: PeerStatusReport): void {
    const before = this.alarms().length;
    this.#reports.set(from.node, report);
    const alarms = this.alarms();
    if (alarms.length > before) {
      this.#options.logger.warn({ alarms: alarms.join('; ') }, 'the nodes are not of one cluster');
    }
    this.#updateObservers();
    this.evaluate();
  }

  /** What this node is a member of has changed, or is known now. */
  membersChanged(): void {
    const { directory, incarnation, links } = this.#options;
    const members = directory();
    if (members === null) return;
    this.#decided = true;
    this.#observing = !isMember(members, incarnation);
    this.#options.transport.setOldest?.(members.format);
    this.#setPeers();
    if (this.isRemoved(incarnation)) this.toldRemoved();
    for (const node of links.nodes()) this.introduce(node);
    this.#updateObservers();
  }

  /** Looks whether the time to take part has come. */
  evaluate(): void {
    if (this.#decided) return;
    const { node, incarnation, nodes, links, newest, takePart, observe } = this.#options;
    const step = foundingStep({ node, incarnation, nodes, links, newest, reports: this.#reports });
    switch (step.kind) {
      case 'wait':
        return;
      case 'found':
      case 'adopt':
        this.#decided = true;
        takePart(step.kind, step.members);
        return;
      case 'observe':
        this.#decided = true;
        observe(step.node);
        return;
      default:
        step satisfies never;
    }
  }

  #updateObservers(): void {
    const { directory, links, setObservers } = this.#options;
    const members = directory();
    if (members === null) return;
    const observers = new Set<MemberId>();
    for (const [member, node] of links.members()) {
      const asks = this.#reports.get(node)?.observing === true && this.lifeAt(node) === member;
      if (asks && !isMember(members, member)) observers.add(member);
    }
    setObservers(observers);
  }
}

function sameFounding(a: readonly Member[], b: readonly Member[]): boolean {
  return a.length === b.length && a.every((member, at) => member.incarnation === b[at]?.incarnation);
}
