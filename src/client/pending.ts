/** One request of a client, from being made to being answered. */
import { type ErrorCode, errorTable } from '../base/errors.ts';
import { isGroupRequest } from '../protocol/group-requests.ts';
import { type ClientRequest, isRead, type Reply, type Success } from '../protocol/requests.ts';

export interface Pending {
  readonly request: ClientRequest;
  readonly numbered: boolean;
  readonly alone: boolean;
  /** What is refused for now only is asked again, however often. */
  readonly insists: boolean;
  readonly settle: (reply: Reply) => void;
  readonly onNumber: (number: number) => void;
  readonly giveUpAtMs: number;
  /** `n` of a change, `q` of a read; 0 until it first leaves. */
  number: number;
  state: 'queued' | 'sent' | 'waiting';
  /** When it was sent, or when a waiting one may be sent again. */
  atMs: number;
  attempts: number;
  /** Some attempt may have been executed although no answer to it came. */
  uncertain: boolean;
  refusal: { readonly code: ErrorCode; readonly text: string } | null;
  restarted: boolean;
  /** The beginning of a list that comes in several replies. */
  parts: Success | null;
}

export function pendingOf(
  request: ClientRequest,
  nowMs: number,
  giveUpAtMs: number,
  settle: (reply: Reply) => void,
  onNumber: Pending['onNumber'] = () => undefined,
): Pending {
  const numbered = !isRead(request);
  return {
    request,
    numbered,
    alone: numbered && request.op !== 'send' && !isGroupRequest(request),
    insists: request.op === 'enter-token',
    settle,
    onNumber,
    giveUpAtMs,
    number: 0,
    state: 'queued',
    atMs: nowMs,
    attempts: 0,
    uncertain: false,
    refusal: null,
    restarted: false,
    parts: null,
  };
}

/** A long list comes in several replies of one kind. */
export function joined(parts: Success | null, value: Success): Success {
  if (parts === null) return value;
  if (value.op === 'history' && parts.op === 'history')
    return { op: value.op, messages: [...parts.messages, ...value.messages] };
  if (value.op === 'amendments' && parts.op === 'amendments')
    return { op: value.op, amendments: [...parts.amendments, ...value.amendments] };
  if ((value.op === 'users' || value.op === 'search') && parts.op === value.op)
    return { op: value.op, users: [...parts.users, ...value.users] };
  if (value.op === 'online' && parts.op === 'online')
    return { op: value.op, online: [...parts.online, ...value.online] };
  if (value.op === 'groups' && parts.op === 'groups')
    return { op: value.op, groups: [...parts.groups, ...value.groups] };
  if (value.op === 'members' && parts.op === 'members')
    return { op: value.op, members: [...parts.members, ...value.members] };
  if (value.op === 'conversations' && parts.op === 'conversations')
    return { op: value.op, conversations: [...parts.conversations, ...value.conversations] };
  if (value.op === 'tokens' && parts.op === 'tokens')
    return { op: value.op, tokens: [...parts.tokens, ...value.tokens] };
  if (value.op === 'hooks' && parts.op === 'hooks')
    return { op: value.op, hooks: [...parts.hooks, ...value.hooks] };
  return value;
}

export function isCertainlyUndone({ state, uncertain }: Pending): boolean {
  return state !== 'sent' && !uncertain;
}

export function outcomeWhenGivenUp(pending: Pending): Reply {
  if (pending.numbered && !isCertainlyUndone(pending)) {
    return { kind: 'unknown', text: errorTable.UNKNOWN_OUTCOME.text };
  }
  const { code, text } = pending.refusal ?? { code: 'UNAVAILABLE', text: errorTable.UNAVAILABLE.text };
  return { kind: 'rejection', code, text };
}
