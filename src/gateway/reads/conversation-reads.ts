/** Reads about groups and conversations, as one account sees them. To be called behind a barrier. */

import { groupMark, lobbyName } from '../../base/addresses.ts';
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { foldName } from '../../chat/names/names.ts';
import type { AccountId } from '../../chat/vocabulary/types.ts';
import type { ChatView, ConversationView, GroupView } from '../../chat/vocabulary/view.ts';
import {
  type ConversationEntry,
  deletedAccountName,
  type GroupEntry,
  type MemberEntry,
  type NamePage,
  type OnlineEntry,
} from '../../protocol/requests.ts';

export interface PresenceView {
  isOnline(account: AccountId): boolean;
  /** Everyone online, by the time since which they are. */
  online(): readonly { readonly account: AccountId; readonly sinceMs: number }[];
}

const dayMs = 24 * 3_600_000;

export class ConversationReads {
  readonly #view: ChatView;
  readonly #presence: PresenceView;

  constructor(view: ChatView, presence: PresenceView) {
    this.#view = view;
    this.#presence = presence;
  }

  online(): readonly OnlineEntry[] {
    const entries: OnlineEntry[] = [];
    for (const { account, sinceMs } of this.#presence.online()) {
      const name = this.#view.accountById(account)?.name;
      if (name !== undefined) entries.push({ name, sinceMs });
    }
    return entries;
  }

  /** `account` null: who asks has none. */
  groups(account: AccountId | null, page: NamePage = {}): readonly GroupEntry[] {
    return pageOf(this.#view.groups(), ({ name }) => name, page).map((group) =>
      this.#entryOf(group, account),
    );
  }

  /** That a group is there is no secret; who it is, of a closed one, is its members' (docs/security.md, 36). */
  #entryOf(group: GroupView, account: AccountId | null): GroupEntry {
    const closed = group.passwordHash !== null;
    const joined = account !== null && group.includes(account);
    const isShown = account !== null && (joined || !closed);
    return {
      conversation: group.id,
      name: group.name,
      members: isShown ? group.memberCount : null,
      closed,
      joined,
      owner: isShown && group.owner !== null ? this.#nameOf(group.owner) : null,
      address: group.address,
      ...(group.listenerPort === null ? {} : { port: group.listenerPort }),
      ...this.#keepDays(group.id),
      createdMs: isShown ? group.createdMs : null,
    };
  }

  /** By name. Throws `CodedError`; a closed group shows its members to members only. */
  members(account: AccountId, request: { readonly group: string } & NamePage): readonly MemberEntry[] {
    const group = this.#view.groupByName(request.group);
    if (group === undefined) throw new CodedError('UNKNOWN_GROUP');
    if (group.passwordHash !== null && !group.includes(account)) throw new CodedError('NOT_A_MEMBER');
    const members = this.#view.membersInOrder(group.id);
    return pageOf(members, (member) => this.#nameOf(member), request).map((member) => ({
      name: this.#nameOf(member),
      online: this.#presence.isOnline(member),
      owner: member === group.owner,
    }));
  }

  #keepDays(group: string): { readonly keepDays?: number } {
    const ageMs = this.#view.retentionOf(group)?.ageMs ?? null;
    return ageMs === null ? {} : { keepDays: Math.round(ageMs / dayMs) };
  }

  /** The one that was spoken in last comes first. */
  conversations(account: AccountId): readonly ConversationEntry[] {
    const own = [...this.#view.conversationsOf(account)];
    own.sort((a, b) => b.lastIndex - a.lastIndex);
    return own.map((conversation) => {
      const { id, kind, firstSequence, lastSequence, lastIndex } = conversation;
      const read = conversation.read(account);
      return {
        conversation: id,
        kind,
        name: this.#addressOf(conversation, account),
        ...(firstSequence === 1 ? {} : { firstSequence }),
        lastSequence,
        lastIndex,
        delivered: conversation.delivered(account),
        read,
        // Whoever has never looked into the lobby has not missed its whole history.
        unread: kind === 'lobby' && read === 0 ? 0 : lastSequence - read,
        others: othersOf(conversation, account),
      };
    });
  }

  #addressOf(conversation: ConversationView, account: AccountId): string {
    switch (conversation.kind) {
      case 'group':
        return groupMark + conversation.name;
      case 'lobby':
        return groupMark + lobbyName;
      case 'direct': {
        if (isWithNobody(conversation, account)) return deletedAccountName;
        return this.#nameOf(conversation.members.find((member) => member !== account) ?? account);
      }
    }
  }

  #nameOf(account: AccountId): string {
    return this.#view.accountById(account)?.name ?? deletedAccountName;
  }
}

/** The other one's account is gone. */
export function isWithNobody(conversation: ConversationView, account: AccountId): boolean {
  if (conversation.kind !== 'direct' || conversation.members.some((member) => member !== account))
    return false;
  const [, first, second] = conversation.id.split(':');
  // Notes to oneself have one member, too.
  return first !== second;
}

/** The least of all. */
function othersOf(conversation: ConversationView, account: AccountId): ConversationEntry['others'] {
  if (conversation.kind === 'lobby') return null;
  if (conversation.kind === 'group' && conversation.memberCount > limits.progressMembers) return null;
  const members = conversation.kind === 'group' ? conversation.members() : conversation.members;
  const others = Array.from(members).filter((member) => member !== account);
  if (others.length === 0) return null;
  return {
    delivered: Math.min(...others.map((member) => conversation.delivered(member))),
    read: Math.min(...others.map((member) => conversation.read(member))),
  };
}

/** `list` is in the order of folded names. */
function pageOf<T>(list: readonly T[], nameOf: (one: T) => string, { limit, after }: NamePage): readonly T[] {
  const first = after === undefined ? 0 : placeBehind(list, nameOf, foldName(after));
  return first === 0 && limit === undefined ? list : list.slice(first, first + (limit ?? list.length));
}

/** Place of the first name above `folded`, by halving. */
function placeBehind<T>(list: readonly T[], nameOf: (one: T) => string, folded: string): number {
  let from = 0;
  let to = list.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const one = list[middle];
    if (one !== undefined && foldName(nameOf(one)) <= folded) from = middle + 1;
    else to = middle;
  }
  return from;
}
