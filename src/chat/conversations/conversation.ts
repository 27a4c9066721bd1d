/**
 * The three kinds of conversation. What they share is their sequence; they differ in who takes part and in which rows say so. Messages are
 * in the store, not here.
 */
import { assert } from '../../base/assert.ts';
import { foldName } from '../names/names.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import {
  type ConversationData,
  encodeConversation,
  encodeGroup,
  encodeMembership,
  type GroupData,
  rowPrefix,
} from '../rows/row-codec.ts';
import type { GroupAddress } from '../vocabulary/group-types.ts';
import type { AccountId, ConversationId, MembershipData } from '../vocabulary/types.ts';
import type { DirectView, GroupView, LobbyView } from '../vocabulary/view.ts';
import { Membership } from './membership.ts';

export const lobbyId: ConversationId = 'lobby';

abstract class BaseConversation {
  readonly id: ConversationId;
  noted = false;
  #lastSequence: number;
  #lastIndex: number;
  #firstSequence = 1;

  constructor(data: Pick<ConversationData, 'id' | 'lastSequence' | 'lastIndex'>) {
    this.id = data.id;
    this.#lastSequence = data.lastSequence;
    this.#lastIndex = data.lastIndex;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** Messages below it are too old, and gone. */
  get firstSequence(): number {
    return this.#firstSequence;
  }

  /** At most one behind the last message. */
  cutFront(first: number): void {
    assert(first >= this.#firstSequence && first <= this.#lastSequence + 1, 'a front is cut off once');
    this.#firstSequence = first;
  }

  /** From elsewhere, where its front was cut off: its first message has that sequence. */
  beginAt(first: number): void {
    assert(this.#lastSequence === 0, 'a conversation begins once');
    this.#lastSequence = first - 1;
    this.#firstSequence = first;
  }

  append(sequence: number, index: number): void {
    assert(sequence === this.#lastSequence + 1, 'sequences of a conversation have no gaps');
    assert(index > this.#lastIndex, 'messages of a conversation ascend by log index');
    this.#lastSequence = sequence;
    this.#lastIndex = index;
  }

  /** How far the account got; undefined for who has no place here. */
  abstract membership(account: AccountId): Membership | undefined;

  /** Notes the row that holds this membership. */
  abstract noteMembership(changes: ChangeSet, membership: Membership): void;

  /** What is gone counts as delivered and read, whoever asks; 0 for an account that is not a member; the same below. */
  delivered(account: AccountId): number {
    return Math.max(this.membership(account)?.delivered ?? 0, this.#firstSequence - 1);
  }

  read(account: AccountId): number {
    return Math.max(this.membership(account)?.read ?? 0, this.#firstSequence - 1);
  }

  joinedBehind(account: AccountId): number {
    return Math.max(this.membership(account)?.joinedBehind ?? 0, this.#firstSequence - 1);
  }

  isDelivered(account: AccountId, sequence: number): boolean {
    return sequence < this.#firstSequence || (this.membership(account)?.isDelivered(sequence) ?? false);
  }
}

/** One or two members, who are few enough to stand in the conversation's own row. */
export class DirectConversation extends BaseConversation implements DirectView, ConversationData, Row {
  readonly kind = 'direct';
  readonly key: string;
  readonly #memberships: Membership[];

  constructor(data: ConversationData) {
    super(data);
    this.key = rowPrefix.conversation + data.id;
    this.#memberships = data.memberships.map((membership) => new Membership(membership));
  }

  get memberships(): readonly Membership[] {
    return this.#memberships;
  }

  get members(): readonly AccountId[] {
    return this.#memberships.map(({ account }) => account);
  }

  includes(account: AccountId): boolean {
    return this.membership(account) !== undefined;
  }

  membership(account: AccountId): Membership | undefined {
    return this.#memberships.find((membership) => membership.account === account);
  }

  noteMembership(changes: ChangeSet): void {
    changes.put(this);
  }

  leave(account: AccountId): void {
    const place = this.#memberships.findIndex((membership) => membership.account === account);
    assert(place >= 0, 'only members leave a conversation');
    this.#memberships.splice(place, 1);
  }

  encode(): Uint8Array {
    return encodeConversation(this);
  }
}

/** A membership with a row of its own: so a group of thousands costs one small row to join, to leave, or to read on in. */
class MemberRow implements Row {
  readonly key: string;
  readonly membership: Membership;
  noted = false;

  constructor(conversation: ConversationId, membership: Membership) {
    this.key = `${rowPrefix.member}${conversation}/${membership.account}`;
    this.membership = membership;
  }

  encode(): Uint8Array {
    return encodeMembership(this.membership);
  }
}

/** For any number of members. */
abstract class LargeConversation extends BaseConversation {
  /** In the order of joining. */
  readonly #members = new Map<AccountId, MemberRow>();

  get memberCount(): number {
    return this.#members.size;
  }

  members(): Iterable<AccountId> {
    return this.#members.keys();
  }

  memberRows(): Iterable<Row> {
    return this.#members.values();
  }

  membership(account: AccountId): Membership | undefined {
    return this.#members.get(account)?.membership;
  }

  noteMembership(changes: ChangeSet, membership: Membership): void {
    const row = this.#members.get(membership.account);
    if (row !== undefined) changes.put(row);
  }

  /** Behind all who are there. */
  enter(data: MembershipData): Membership {
    assert(!this.#members.has(data.account), 'an account is a member once');
    const membership = new Membership(data);
    this.#members.set(data.account, new MemberRow(this.id, membership));
    return membership;
  }

  /** False when the account has no place here. */
  leave(changes: ChangeSet, account: AccountId): boolean {
    const row = this.#members.get(account);
    if (row === undefined) return false;
    this.#members.delete(account);
    changes.delete(row);
    return true;
  }
}

export class Group extends LargeConversation implements GroupView, GroupData, Row {
  readonly kind = 'group';
  readonly key: string;
  readonly createdMs: number;
  readonly address: GroupAddress | null;
  #name: string;
  #owner: AccountId | null;
  #passwordHash: string | null;
  #credential: number;
  #listenerPort: number | null;

  constructor(data: GroupData) {
    super(data);
    this.key = rowPrefix.group + data.id;
    this.createdMs = data.createdMs;
    this.address = data.address;
    this.#name = data.name;
    this.#owner = data.owner;
    this.#passwordHash = data.passwordHash;
    this.#credential = data.credential;
    this.#listenerPort = data.listenerPort;
  }

  get name(): string {
    return this.#name;
  }

  get folded(): string {
    return foldName(this.#name);
  }

  get owner(): AccountId | null {
    return this.#owner;
  }

  get passwordHash(): string | null {
    return this.#passwordHash;
  }

  get credential(): number {
    return this.#credential;
  }

  get listenerPort(): number | null {
    return this.#listenerPort;
  }

  includes(account: AccountId): boolean {
    return this.membership(account) !== undefined;
  }

  setListenerPort(port: number | null): void {
    this.#listenerPort = port;
  }

  setName(name: string): void {
    this.#name = name;
  }

  setOwner(owner: AccountId): void {
    assert(this.includes(owner), 'an owner is a member');
    this.#owner = owner;
  }

  setPassword(passwordHash: string | null): void {
    this.#passwordHash = passwordHash;
    this.#credential += 1;
  }

  encode(): Uint8Array {
    return encodeGroup(this);
  }
}

/** Everyone is in it; only who has read in it has a row, for that cursor. */
export class Lobby extends LargeConversation implements LobbyView, ConversationData, Row {
  readonly kind = 'lobby';
  readonly key = rowPrefix.conversation + lobbyId;
  readonly memberships = [];

  includes(): boolean {
    return true;
  }

  override delivered(): number {
    return this.lastSequence;
  }

  override isDelivered(): boolean {
    return true;
  }

  encode(): Uint8Array {
    return encodeConversation(this);
  }
}

export type Conversation = DirectConversation | Group | Lobby;
