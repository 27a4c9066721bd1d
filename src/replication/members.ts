/**
 * Who the members are: replicated with the state (it travels in each mark of the store and at the start of the log), first written
 * when the cluster is founded, changed by configuration entries. A member is one life of one disk; a node of the
 * configuration file is a place where members live.
 */
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { CodedError } from '../base/errors.ts';
import type { ConfChange, ConfState, MemberId } from '../raft/types.ts';

const id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const port = Type.Integer({ minimum: 0, maximum: 65_535 });
const ids = Type.Array(id, { maxItems: 64 });
const memberSchema = Type.Object({
  incarnation: id,
  node: Type.Integer({ minimum: 1, maximum: 1_000 }),
  host: Type.String({ minLength: 1, maxLength: 253 }),
  peerPort: port,
  chatPort: port,
  httpPort: port,
});
const membersSchema = Type.Array(memberSchema, { maxItems: 64 });
const directorySchema = Type.Object({
  version: Type.Literal(1),
  founding: membersSchema,
  members: membersSchema,
  conf: Type.Object({
    voters: ids,
    votersOutgoing: ids,
    learners: ids,
    learnersNext: ids,
    autoLeave: Type.Boolean(),
  }),
});

export type Member = Static<typeof memberSchema>;

/** A place in the configuration file. */
export interface NodeAddress {
  readonly id: number;
  readonly host: string;
  readonly peerPort: number;
  readonly chatPort: number;
  readonly httpPort: number;
}

export interface Directory {
  /** The members that founded the cluster: what a listed node that missed the founding adopts. Never changes. */
  readonly founding: readonly Member[];
  readonly members: readonly Member[];
  readonly conf: ConfState;
}

/** The record that begins the log of every founding member: entry 1 of term 1, not replicated but made by each alike. */
export const FOUNDING_INDEX = 1;
export const FOUNDING_TERM = 1;

export const noMembers: Directory = {
  founding: [],
  members: [],
  conf: { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
};

export function memberOf(node: NodeAddress, incarnation: MemberId): Member {
  const { host, peerPort, chatPort, httpPort } = node;
  return { incarnation, node: node.id, host, peerPort, chatPort, httpPort };
}

export function foundedBy(members: readonly Member[]): Directory {
  const founding = [...members].sort((a, b) => a.node - b.node);
  const voters = founding.map((member) => member.incarnation).sort((a, b) => a - b);
  return { founding, members: founding, conf: { ...noMembers.conf, voters } };
}

export function isVoter(directory: Directory, member: MemberId): boolean {
  return directory.conf.voters.includes(member) || directory.conf.votersOutgoing.includes(member);
}

export function isMember(directory: Directory, member: MemberId): boolean {
  return allIds(directory.conf).has(member);
}

/** The directory after a change of configuration; `context` of an addition holds the members that it adds. */
export function changeMembers(directory: Directory, change: ConfChange, conf: ConfState): Directory {
  const added = change.context.length === 0 ? [] : decodeMembers(change.context);
  const replaced = new Set(added.map((member) => member.incarnation));
  const present = allIds(conf);
  const members = [...directory.members.filter((member) => !replaced.has(member.incarnation)), ...added];
  return {
    founding: directory.founding,
    members: members.filter((member) => present.has(member.incarnation)),
    conf,
  };
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
  if (Value.Check(directorySchema, value)) return value;
  throw new CodedError('DATA_DAMAGED', 'The list of members in the data directory is not readable.');
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
