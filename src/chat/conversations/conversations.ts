/** All conversations, which an account has, and how far its members got. */
import type { ChangeSet, Row } from '../rows/changes.ts';
import type { ConversationData, GroupData, MemberData } from '../rows/row-codec.ts';
import type { Moment } from '../vocabulary/moment.ts';
import type { AccountId, ConversationId, MembershipData, Message } from '../vocabulary/types.ts';
import { type Conversation, DirectConversation, Group, Lobby, lobbyId } from './conversation.ts';
import { Groups } from './groups.ts';
import type { Membership } from './membership.ts';

/** The same for both sides: the smaller id first. To oneself: twice the same. */
export function directConversationId(a: AccountId, b: AccountId): ConversationId {
  return a <= b ? `d:${a}:${b}` : `d:${b}:${a}`;
}

export class Conversations {
  readonly #changes: ChangeSet;
  readonly #groups = new Groups();
  readonly #direct = new Map<ConversationId, DirectConversation>();
  /** Without the lobby, which everyone has. */
  readonly #byAccount = new Map<AccountId, Set<DirectConversation | Group>>();
  #lobby = emptyLobby();

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  /** For looking up; they change through the methods of this table, which note it. */
  get groups(): Pick<Groups, 'byName' | 'byPort' | 'size' | 'inOrder' | 'membersInOrder'> {
    return this.#groups;
  }

  get lobby(): Lobby {
    return this.#lobby;
  }

  byId(id: ConversationId): Conversation | undefined {
    if (id === lobbyId) return this.#lobby;
    return this.#direct.get(id) ?? this.#groups.byId(id);
  }

  /** All, in no particular order. */
  *all(): Iterable<Conversation> {
    yield this.#lobby;
    yield* this.#direct.values();
    yield* this.#groups.all();
  }

  /** In no particular order; without the lobby. */
  of(account: AccountId): readonly (DirectConversation | Group)[] {
    return [...(this.#byAccount.get(account) ?? [])];
  }

  knownDirect(a: AccountId, b: AccountId): DirectConversation | undefined {
    return this.#direct.get(directConversationId(a, b));
  }

  /** The direct conversation of two accounts, opened if they have none. */
  direct(a: AccountId, b: AccountId): DirectConversation {
    const known = this.knownDirect(a, b);
    if (known !== undefined) return known;
    const members = a === b ? [a] : [Math.min(a, b), Math.max(a, b)];
    return this.#openDirect(
      a,
      b,
      members.map((account) => startingAt(account, 0, 0)),
    );
  }

  /** One from elsewhere, with the places of those who are still there. */
  openDirect(a: AccountId, b: AccountId, memberships: readonly MembershipData[]): DirectConversation {
    const inOrder = [...memberships].sort((one, other) => one.account - other.account);
    const opened = this.#openDirect(a, b, inOrder);
    this.#changes.put(opened);
    return opened;
  }

  addGroup(data: GroupData): Group {
    const group = new Group(data);
    this.#groups.add(group);
    this.#changes.put(group);
    return group;
  }

  /** Notes what `change` does to the group's own row. */
  changeGroup(group: Group, change: (group: Group) => void): void {
    this.#groups.change(group, change);
    this.#changes.put(group);
  }

  join(group: Group, account: AccountId, moment: Moment): void {
    this.enter(group, startingAt(account, group.lastSequence, moment.index));
  }

  /** A place in a group or in the lobby. */
  enter(conversation: Group | Lobby, place: MembershipData): void {
    conversation.noteMembership(this.#changes, conversation.enter(place));
    if (conversation.kind === 'lobby') return;
    this.#groups.forgetOrder(conversation);
    this.#indexByAccount(place.account, conversation);
  }

  leave(group: Group, account: AccountId): void {
    if (!group.leave(this.#changes, account)) return;
    this.#groups.forgetOrder(group);
    const own = this.#byAccount.get(account);
    own?.delete(group);
    if (own?.size === 0) this.#byAccount.delete(account);
  }

  /** With its members' places and its messages. */
  removeGroup(group: Group): void {
    for (const account of [...group.members()]) this.leave(group, account);
    this.#groups.remove(group);
    this.#changes.delete(group);
    this.#changes.dropStream(group.id);
  }

  /** Its next message: `record` joins the conversation's stream. Who writes has read what is above. */
  append(
    conversation: Conversation,
    message: Pick<Message, 'sequence' | 'index' | 'from'>,
    record: Uint8Array,
  ): void {
    conversation.append(message.sequence, message.index);
    this.#changes.append(conversation.id, message.sequence, record);
    this.#changes.put(conversation);
    const sender = conversation.membership(message.from);
    if (sender?.markRead(message.sequence, message.sequence) === true) {
      conversation.noteMembership(this.#changes, sender);
    }
  }

  /** One from elsewhere, whose front is gone. */
  beginAt(conversation: Conversation, first: number): void {
    conversation.beginAt(first);
    this.#changes.put(conversation);
    this.trim(conversation.id, first);
  }

  /** Records of a stream that belongs to a conversation go from its front. */
  trim(stream: string, below: number): void {
    this.#changes.trimStream(stream, below);
  }

  /** Moves cursors forward; returns what moved, or null. */
  advance(
    id: ConversationId,
    account: AccountId,
    to: { readonly delivered: number; readonly read: number },
  ): { readonly delivered: boolean; readonly read: boolean } | null {
    const conversation = this.byId(id);
    const membership = conversation === undefined ? undefined : this.#place(conversation, account, to.read);
    if (conversation === undefined || membership === undefined) return null;
    const delivered = membership.deliver(to.delivered, conversation.lastSequence);
    const read = membership.markRead(to.read, conversation.lastSequence);
    if (!delivered && !read) return null;
    conversation.noteMembership(this.#changes, membership);
    return { delivered, read };
  }

  /** False when it was known, or means nothing. */
  acknowledge(id: ConversationId, account: AccountId, sequence: number): boolean {
    const conversation = this.byId(id);
    if (conversation === undefined || conversation.kind === 'lobby') return false;
    const membership = conversation.membership(account);
    if (membership?.acknowledge(sequence, conversation.lastSequence) !== true) return false;
    conversation.noteMembership(this.#changes, membership);
    return true;
  }

  /** Takes an account out of its direct conversations. One without members is gone, and its messages with it. */
  leaveDirect(account: AccountId): void {
    for (const conversation of this.of(account)) {
      if (conversation.kind !== 'direct') continue;
      conversation.leave(account);
      this.#byAccount.get(account)?.delete(conversation);
      if (conversation.members.length > 0) {
        this.#changes.put(conversation);
      } else {
        this.#direct.delete(conversation.id);
        this.#changes.delete(conversation);
        this.#changes.dropStream(conversation.id);
      }
    }
    if (this.#byAccount.get(account)?.size === 0) this.#byAccount.delete(account);
    this.#lobby.leave(this.#changes, account);
  }

  /** `members` of one conversation must come in the order of joining. */
  restore(
    conversations: readonly ConversationData[],
    groups: readonly GroupData[],
    members: readonly MemberData[],
  ): void {
    for (const data of conversations) {
      if (data.id === lobbyId) this.#lobby = new Lobby(data);
      else this.#insertDirect(new DirectConversation(data));
    }
    for (const data of groups) this.#groups.add(new Group(data));
    const inOrder = [...members].sort((a, b) => a.joinedIndex - b.joinedIndex);
    for (const { conversation, ...data } of inOrder) this.#restoreMember(conversation, data);
  }

  *rows(): Iterable<Row> {
    yield* this.#direct.values();
    if (this.#lobby.lastSequence > 0) yield this.#lobby;
    yield* this.#lobby.memberRows();
    for (const group of this.#groups.all()) {
      yield group;
      yield* group.memberRows();
    }
  }

  clear(): void {
    this.#direct.clear();
    this.#byAccount.clear();
    this.#groups.clear();
    this.#lobby = emptyLobby();
  }

  #openDirect(a: AccountId, b: AccountId, memberships: readonly MembershipData[]): DirectConversation {
    const id = directConversationId(a, b);
    const opened = new DirectConversation({ id, memberships, lastSequence: 0, lastIndex: 0 });
    this.#insertDirect(opened);
    return opened;
  }

  /** In the lobby everyone has a place, written down once it says something. */
  #place(conversation: Conversation, account: AccountId, read: number): Membership | undefined {
    const known = conversation.membership(account);
    if (known !== undefined || conversation.kind !== 'lobby') return known;
    if (read < 1 || read > conversation.lastSequence) return undefined;
    return conversation.enter(startingAt(account, 0, 0));
  }

  #restoreMember(conversation: ConversationId, data: MembershipData): void {
    const group = this.#groups.byId(conversation);
    if (group !== undefined) {
      group.enter(data);
      this.#indexByAccount(data.account, group);
    } else if (conversation === lobbyId) {
      this.#lobby.enter(data);
    }
  }

  #insertDirect(conversation: DirectConversation): void {
    this.#direct.set(conversation.id, conversation);
    for (const member of conversation.members) this.#indexByAccount(member, conversation);
  }

  #indexByAccount(account: AccountId, conversation: DirectConversation | Group): void {
    const own = this.#byAccount.get(account);
    if (own === undefined) this.#byAccount.set(account, new Set([conversation]));
    else own.add(conversation);
  }
}

function emptyLobby(): Lobby {
  return new Lobby({ id: lobbyId, lastSequence: 0, lastIndex: 0 });
}

function startingAt(account: AccountId, sequence: number, joinedIndex: number): MembershipData {
  const [joinedBehind, delivered, read] = [sequence, sequence, sequence];
  return { account, joinedIndex, joinedBehind, delivered, read, singles: [] };
}
