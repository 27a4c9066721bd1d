import type { MemberId } from '../../raft/index.ts';
import { type Member, memberOf, type NodeAddress } from '../formats/members.ts';
import type { Links } from '../peers/links.ts';

/** What a peer has said about itself since its link is up. */
export interface PeerStatusReport {
  readonly founding: readonly Member[] | null;
  readonly observing: boolean;
}

export interface FoundingOptions {
  readonly node: number;
  readonly incarnation: MemberId;
  readonly nodes: readonly NodeAddress[];
  readonly links: Links;
  readonly reports: ReadonlyMap<number, PeerStatusReport>;
  /** The newest format that this program knows. */
  readonly newest: number;
}

export type FoundingStep =
  | { readonly kind: 'wait' }
  /** This node writes the founding record, alone; the others take it over. */
  | { readonly kind: 'found'; readonly members: readonly Member[] }
  /** A cluster was founded with this node in it, and this node has not heard of it yet. */
  | { readonly kind: 'adopt'; readonly members: readonly Member[] }
  /** There is a cluster, and this disk is no member: it follows without a vote. */
  | { readonly kind: 'observe'; readonly node: number };

/**
 * What a node with an empty data directory does next. A cluster is founded once: only the node with the lowest number may,
 * and only when it sees all the others, each of them empty too. Whoever meets a founded cluster takes part in that one.
 */
export function foundingStep({
  node,
  incarnation,
  nodes,
  links,
  reports,
  newest,
}: FoundingOptions): FoundingStep {
  for (const [peer, { founding }] of reports) {
    if (founding === null || links.memberAt(peer) === null) continue;
    const listed = founding.some((member) => member.incarnation === incarnation);
    return listed ? { kind: 'adopt', members: founding } : { kind: 'observe', node: peer };
  }
  if (nodes.some(({ id }) => id < node)) return { kind: 'wait' };
  const members: Member[] = [];
  for (const address of nodes) {
    const member = address.id === node ? incarnation : emptyMemberAt(address.id, links, reports);
    if (member === null) return { kind: 'wait' };
    const knows = address.id === node ? newest : (links.newestOf(member, newest) ?? 1);
    members.push({ ...memberOf(address, member), ...(knows === 1 ? {} : { knows }) });
  }
  return { kind: 'found', members };
}

function emptyMemberAt(
  node: number,
  links: Links,
  reports: ReadonlyMap<number, PeerStatusReport>,
): MemberId | null {
  const report = reports.get(node);
  if (report === undefined || report.founding !== null || report.observing) return null;
  return links.memberAt(node);
}
