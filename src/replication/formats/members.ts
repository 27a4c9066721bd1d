/**
 * Who the members are: replicated with the state (it travels in each mark of the store and at the start of the log), first written
 * when the cluster is founded, changed by configuration entries. A member is one life of one disk; a node of the
 * configuration file is a place where members live.
 */
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { CodedError } from '../../base/errors.ts';
import type { ConfChange, ConfState, MemberId } from '../../raft/types.ts';

const id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const port = Type.Integer({ minimum: 0, maximum: 65_535 });
const ids = Type.Array(id, { maxItems: 64 });
const place = {
  host: Type.String({ minLength: 1, maxLength: 253 }),
  peerPort: port,
  chatPort: port,
  httpPort: port,
};
const node = Type.Integer({ minimum: 1, maximum: 1_000 });
const tag = Type.String({ maxLength: 64 });
const memberSchema = Type.Object({
  incarnation: id,
  node,
  ...place,
  /** A learner that becomes a voter, without being asked again, as soon as it has caught up. */
  promote: Type.Optional(Type.Boolean()),
  /** Of a founder: the newest format that it knew; absent: the first. */
  knows: Type.Optional(Type.Integer({ minimum: 1 })),
});
const addressSchema = Type.Object({ id: node, ...place });
const expectedSchema = Type.Object({ id: node, ...place, promote: Type.Boolean() });
const membersSchema = Type.Array(memberSchema, { maxItems: 64 });
const expectedListSchema = Type.Array(expectedSchema, { maxItems: 64 });
const formatNumber = Type.Integer({ minimum: 1 });
const contextSchema = Type.Object({
  tag,
  members: membersSchema,
  expected: expectedListSchema,
  format: Type.Optional(formatNumber),
});
const directorySchema = Type.Object({
  version: Type.Literal(1),
  founding: membersSchema,
  members: membersSchema,
  expected: Type.Optional(expectedListSchema),
  removed: Type.Optional(ids),
  recent: Type.Optional(Type.Array(tag, { maxItems: 64 })),
  format: Type.Optional(formatNumber),
  conf: Type.Object({
    voters: ids,
    votersOutgoing: ids,
    learners: ids,
    learnersNext: ids,
    autoLeave: Type.Boolean(),
  }),
});

export type Member = Static<typeof memberSchema>;

/** A place where a member lives or may live: what the configuration file lists. */
export interface NodeAddress {
  readonly id: number;
  readonly host: string;
  readonly peerPort: number;
  readonly chatPort: number;
  readonly httpPort: number;
}

/** A place that was added before any disk was seen there: the first one that comes is admitted. */
export type ExpectedNode = Static<typeof expectedSchema>;

/** What a change of configuration carries beside the ids: who they are, and which request it carries out. */
export interface ChangeContext {
  readonly tag: string;
  /** Those that the change adds, or about whom it says something new. */
  readonly members: readonly Member[];
  /** All places that are still expected after the change. */
  readonly expected: readonly ExpectedNode[];
  /** From here on commands of this version may be proposed; absent: as before. */
  readonly format?: number;
}

export interface Directory {
  /** The members that founded the cluster: what a listed node that missed the founding adopts. Never changes. */
  readonly founding: readonly Member[];
  /** Two of one node only while a new disk takes the place of another one; the newer stands behind the older. */
  readonly members: readonly Member[];
  readonly expected: readonly ExpectedNode[];
  /** Members that were removed, newest last, as far back as they are remembered. They never come back. */
  readonly removed: readonly MemberId[];
  /** Tags of the newest changes: a change that is asked for again is known. */
  readonly recent: readonly string[];
  /** Version of the newest commands that may be in the log: every member can read them. Never decreases. */
  readonly format: number;
  readonly conf: ConfState;
}

const REMEMBERED_REMOVED = 64;
const REMEMBERED_TAGS = 16;

/** The record that begins the log of every founding member: entry 1 of term 1, not replicated but made by each alike. */
export const FOUNDING_INDEX = 1;
export const FOUNDING_TERM = 1;

export const noMembers: Directory = {
  founding: [],
  members: [],
  expected: [],
  removed: [],
  recent: [],
  format: 1,
  conf: { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
};

export function memberOf(node: NodeAddress, incarnation: MemberId): Member {
  const { host, peerPort, chatPort, httpPort } = node;
  return { incarnation, node: node.id, host, peerPort, chatPort, httpPort };
}

/** A cluster begins with the newest format that all its founders know: there is no older program to go back to. */
export function foundedBy(members: readonly Member[]): Directory {
  const founding = [...members].sort((a, b) => a.node - b.node);
  const voters = founding.map((member) => member.incarnation).sort((a, b) => a - b);
  const format = Math.min(...founding.map(({ knows = 1 }) => knows));
  return { ...noMembers, founding, members: founding, format, conf: { ...noMembers.conf, voters } };
}

export function isVoter(directory: Directory, member: MemberId): boolean {
  return directory.conf.voters.includes(member) || directory.conf.votersOutgoing.includes(member);
}

export function votersOf(directory: Directory): readonly MemberId[] {
  return directory.members.map(({ incarnation }) => incarnation).filter((id) => isVoter(directory, id));
}

export function isMember(directory: Directory, member: MemberId): boolean {
  return allIds(directory.conf).has(member);
}

export function isJoint(directory: Directory): boolean {
  return directory.conf.votersOutgoing.length > 0;
}

/**
 * Throws DATA_NEWER when the cluster has commands that this program cannot read. To be asked before the first of them is: a node may
 * have gone back to an older program while the others agreed on the newer format.
 */
export function requireKnownFormat({ format }: Pick<Directory, 'format'>, newest: number): void {
  if (format <= newest) return;
  throw new CodedError(
    'DATA_NEWER',
    `The cluster uses version ${format} of its commands and this program knows version ${newest}: run the newer one again.`,
  );
}

/** The lives of one node, the older first. */
export function membersAt(directory: Directory, node: number): readonly Member[] {
  return directory.members.filter((member) => member.node === node);
}

/** The directory after a change of configuration. */
export function changeMembers(directory: Directory, change: ConfChange, conf: ConfState): Directory {
  const context = change.context.length === 0 ? null : decodeContext(change.context);
  const told = context?.members ?? [];
  const renewed = new Map(told.map((member) => [member.incarnation, member]));
  const known = directory.members.map((member) => renewed.get(member.incarnation) ?? member);
  const isKnown = new Set(known.map((member) => member.incarnation));
  const present = allIds(conf);
  const all = [...known, ...told.filter((member) => !isKnown.has(member.incarnation))];
  const gone = known.filter((member) => !present.has(member.incarnation));
  return {
    founding: directory.founding,
    members: all.filter((member) => present.has(member.incarnation)),
    expected: context?.expected ?? directory.expected,
    removed: [...directory.removed, ...gone.map((member) => member.incarnation)].slice(-REMEMBERED_REMOVED),
    format: Math.max(directory.format, context?.format ?? 1),
    recent: context === null ? directory.recent : [...directory.recent, context.tag].slice(-REMEMBERED_TAGS),
    conf,
  };
}

/** Where the nodes of a cluster are: as its members say, then as the configuration file does. One entry a node. */
export function addressesOf(directory: Directory, listed: readonly NodeAddress[]): readonly NodeAddress[] {
  const places = new Map<number, NodeAddress>();
  for (const address of [...listed, ...directory.expected, ...directory.members.map(addressOf)]) {
    const { id, host, peerPort, chatPort, httpPort } = address;
    places.set(id, { id, host, peerPort, chatPort, httpPort });
  }
  return [...places.values()].sort((a, b) => a.id - b.id);
}

export function addressOf({ node: id, host, peerPort, chatPort, httpPort }: Member): NodeAddress {
  return { id, host, peerPort, chatPort, httpPort };
}

function allIds(conf: ConfState): ReadonlySet<MemberId> {
  return new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners, ...conf.learnersNext]);
}

export function encodeDirectory(directory: Directory): Uint8Array {
  return encodeJson({ version: 1, ...directory });
}

/** Throws CodedError DATA_DAMAGED. */
export function decodeDirectory(bytes: Uint8Array): Directory {
  const value = decodeJson(bytes);
  if (Value.Check(directorySchema, value)) {
    const { founding, members, expected = [], removed = [], recent = [], format = 1, conf } = value;
    return { founding, members, expected, removed, recent, format, conf };
  }
  throw new CodedError('DATA_DAMAGED', 'The list of members in the data directory is not readable.');
}

export function encodeContext(context: ChangeContext): Uint8Array {
  return encodeJson(context);
}

/** Throws CodedError DATA_DAMAGED. */
export function decodeContext(bytes: Uint8Array): ChangeContext {
  const value = decodeJson(bytes);
  if (Value.Check(contextSchema, value)) return value;
  throw new CodedError('DATA_DAMAGED', 'A change of members is not readable.');
}

/** What a node says of its own place. Throws CodedError DATA_DAMAGED. */
export function decodeAddress(bytes: Uint8Array): NodeAddress {
  const value = decodeJson(bytes);
  if (Value.Check(addressSchema, value)) return value;
  throw new CodedError('DATA_DAMAGED', 'The address of a node is not readable.');
}

export function encodeAddress({ id, host, peerPort, chatPort, httpPort }: NodeAddress): Uint8Array {
  return encodeJson({ id, host, peerPort, chatPort, httpPort });
}

export function encodeMembers(members: readonly Member[]): Uint8Array {
  return encodeJson(members);
}

/** Throws CodedError DATA_DAMAGED. */
export function decodeMembers(bytes: Uint8Array): readonly Member[] {
  const value = decodeJson(bytes);
  if (Value.Check(membersSchema, value)) return value;
  throw new CodedError('DATA_DAMAGED', 'A list of members is not readable.');
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

function decodeJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (error) {
    throw new CodedError('DATA_DAMAGED', 'A list of members is not readable.', { cause: error });
  }
}
