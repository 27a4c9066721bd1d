import { NO_ENTRIES } from './entries.ts';
import {
  type Entry,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type MemberId,
  type Message,
  type MessageType,
  NONE,
  type Snapshot,
} from './types.ts';

const NO_MESSAGES: readonly Message[] = [];

/** What a message carries beside its type, addresses and term. */
export interface MessageFields {
  readonly logTerm?: number;
  readonly index?: number;
  readonly entries?: readonly Entry[];
  readonly commit?: number;
  readonly vote?: MemberId;
  readonly snapshot?: Snapshot | null;
  readonly reject?: boolean;
  readonly rejectHint?: number;
  readonly context?: Uint8Array | null;
  readonly responses?: readonly Message[];
}

const noFields: MessageFields = {};

/** The only place where messages are made: all have the same fields in the same order, so that engines keep one shape. */
export function makeMessage(
  type: MessageType,
  to: MemberId,
  from: MemberId,
  term: number,
  fields: MessageFields = noFields,
): Message {
  return {
    type,
    to,
    from,
    term,
    logTerm: fields.logTerm ?? 0,
    index: fields.index ?? 0,
    entries: fields.entries ?? NO_ENTRIES,
    commit: fields.commit ?? 0,
    vote: fields.vote ?? NONE,
    snapshot: fields.snapshot ?? null,
    reject: fields.reject ?? false,
    rejectHint: fields.rejectHint ?? 0,
    context: fields.context ?? null,
    responses: fields.responses ?? NO_MESSAGES,
  };
}

/** An input that the node gives itself: no term, no addressee. `from` names the peer that the input is about. */
export function localMessage(type: MessageType, from: MemberId, fields?: MessageFields): Message {
  return makeMessage(type, NONE, from, 0, fields);
}

/** Whether this addresses the append thread or the apply thread of a node, not a member. */
export function isStorageThread(id: MemberId): boolean {
  return id === LOCAL_APPEND_THREAD || id === LOCAL_APPLY_THREAD;
}

const localTypes: ReadonlySet<MessageType> = new Set<MessageType>([
  'MsgHup',
  'MsgBeat',
  'MsgUnreachable',
  'MsgSnapStatus',
  'MsgCheckQuorum',
  'MsgStorageAppend',
  'MsgStorageAppendResp',
  'MsgStorageApply',
  'MsgStorageApplyResp',
]);

/** Never valid from a peer. */
export function isLocalType(type: MessageType): boolean {
  return localTypes.has(type);
}

const responseTypes: ReadonlySet<MessageType> = new Set<MessageType>([
  'MsgAppResp',
  'MsgVoteResp',
  'MsgHeartbeatResp',
  'MsgUnreachable',
  'MsgReadIndexResp',
  'MsgPreVoteResp',
  'MsgStorageAppendResp',
  'MsgStorageApplyResp',
]);

/** Valid only from somebody this node keeps progress of. */
export function isResponseType(type: MessageType): boolean {
  return responseTypes.has(type);
}
