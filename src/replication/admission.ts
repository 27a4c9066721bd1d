import type { MemberId } from '../raft/index.ts';
import { foundingStep, type PeerStatusReport } from './founding.ts';
import type { Links } from './links.ts';
import { type Directory, isMember, type Member, type NodeAddress, noMembers } from './members.ts';
import { encodeFrame } from './peer-frames.ts';
import type { PeerIdentity, PeerTransport } from './ports.ts';

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
  readonly dropped: (reason: string) => void;
}

/**
 * How a node finds its place: tells each peer where it stands as soon as there is a link, and decides from what the peers
 * say whether a cluster is to be founded, to be joined as a founding member, or to be followed.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #reports = new Map<number, PeerStatusReport>();
  #decided = false;
  #observing = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** This node follows, or wants to follow, a cluster of which it is no member. */
  get observing(): boolean {
    return this.#observing;
  }

  linkUp(node: number): void {
    this.#tell(node);
  }

  linkDown(node: number): void {
    this.#reports.delete(node);
    this.#updateObservers();
  }

  reported(from: PeerIdentity, report: PeerStatusReport): void {
    this.#reports.set(from.node, report);
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
    for (const node of links.nodes()) this.#tell(node);
    this.#updateObservers();
  }

  /** Looks whether the time to take part has come. */
  evaluate(): void {
    if (this.#decided) return;
    const { node, incarnation, nodes, links, takePart, observe } = this.#options;
    const step = foundingStep({ node, incarnation, nodes, links, reports: this.#reports });
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

  #tell(node: number): void {
    const { directory, transport, dropped } = this.#options;
    const { founding } = directory() ?? noMembers;
    const frame = encodeFrame({
      kind: 'status',
      founding: founding.length === 0 ? null : founding,
      observing: this.#observing,
    });
    if (!transport.send(node, 'control', frame)) dropped('status-not-sent');
  }

  #updateObservers(): void {
    const { directory, links, setObservers } = this.#options;
    const members = directory();
    if (members === null) return;
    const observers = new Set<MemberId>();
    for (const [member, node] of links.members()) {
      if (this.#reports.get(node)?.observing === true && !isMember(members, member)) observers.add(member);
    }
    setObservers(observers);
  }
}
