/** Conversations: who takes part, how far each got, and which an account has. Their messages are in the store, not here. */
import { assert } from '../base/assert.ts';
import type { ChangeSet, Row } from './changes.ts';
import { type ConversationData, encodeConversation, rowPrefix } from './row-codec.ts';
import type { AccountId, ConversationId, ConversationView, Message } from './types.ts';

/** The same for both sides: the smaller id first. To oneself: twice the same. */
export function directConversationId(a: AccountId, b: AccountId): ConversationId {
  return a <= b ? `d:${a}:${b}` : `d:${b}:${a}`;
}

export class Conversation implements ConversationView, ConversationData, Row {
  readonly id: ConversationId;
  readonly key: string;
  noted = false;
  readonly #members: AccountId[];
  /** Beside `#members`: delivered up to here. Never falls, never above `lastSequence`. */
  readonly #cursors: number[];
  #lastSequence: number;
  #lastIndex: number;

  constructor(data: ConversationData) {
    this.id = data.id;
    this.key = rowPrefix.conversation + data.id;
    this.#members = [...data.members];
    this.#cursors = [...data.cursors];
    this.#lastSequence = data.lastSequence;
    this.#lastIndex = data.lastIndex;
  }

  get members(): readonly AccountId[] {
    return this.#members;
  }

  get cursors(): readonly number[] {
    return this.#cursors;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** 0 for an account that is not a member. */
  delivered(account: AccountId): number {
    return this.#cursors[this.#members.indexOf(account)] ?? 0;
  }

  encode(): Uint8Array {
    return encodeConversation(this);
  }

  append(sequence: number, index: number): void {
    assert(sequence === this.#lastSequence + 1, 'sequences of a conversation have no gaps');
    assert(index > this.#lastIndex, 'messages of a conversation ascend by log index');
    this.#lastSequence = sequence;
    this.#lastIndex = index;
  }

  /** False when nothing moved: not a member, behind the cursor, or past the last message. */
  advance(account: AccountId, delivered: number): boolean {
    const place = this.#members.indexOf(account);
    const now = this.#cursors[place];
    if (now === undefined || delivered <= now || delivered > this.#lastSequence) return false;
    this.#cursors[place] = delivered;
    return true;
  }

  leave(account: AccountId): void {
    const place = this.#members.indexOf(account);
    assert(place >= 0, 'only members leave a conversation');
    this.#members.splice(place, 1);
    this.#cursors.splice(place, 1);
  }
}

export class Conversations {
  readonly #changes: ChangeSet;
  readonly #byId = new Map<ConversationId, Conversation>();
  readonly #byAccount = new Map<AccountId, Set<Conversation>>();

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  byId(id: ConversationId): Conversation | undefined {
    return this.#byId.get(id);
  }

  /** In no particular order. */
  of(account: AccountId): readonly Conversation[] {
    return [...(this.#byAccount.get(account) ?? [])];
  }

  /** The direct conversation of two accounts, opened if they have none. */
  direct(a: AccountId, b: AccountId): Conversation {
    const id = directConversationId(a, b);
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const members = a === b ? [a] : [Math.min(a, b), Math.max(a, b)];
    return this.#insert({ id, members, cursors: members.map(() => 0), lastSequence: 0, lastIndex: 0 });
  }

  /** Its next message: `record` joins the conversation's stream. */
  append(conversation: Conversation, message: Pick<Message, 'sequence' | 'index'>, record: Uint8Array): void {
    conversation.append(message.sequence, message.index);
    this.#changes.append(conversation.id, message.sequence, record);
    this.#changes.put(conversation);
  }

  /** Moves a delivered cursor forward; false when there was nothing to move. */
  advance(id: ConversationId, account: AccountId, delivered: number): boolean {
    const conversation = this.#byId.get(id);
    if (conversation === undefined || !conversation.advance(account, delivered)) return false;
    this.#changes.put(conversation);
    return true;
  }

  /** Takes an account out of all its conversations. One without members is gone, and its messages with it. */
  leaveAll(account: AccountId): void {
    for (const conversation of this.of(account)) {
      conversation.leave(account);
      if (conversation.members.length > 0) {
        this.#changes.put(conversation);
      } else {
        this.#byId.delete(conversation.id);
        this.#changes.delete(conversation);
        this.#changes.dropStream(conversation.id);
      }
    }
    this.#byAccount.delete(account);
  }

  restore(all: readonly ConversationData[]): void {
    for (const data of all) this.#insert(data);
  }

  rows(): Iterable<Row> {
    return this.#byId.values();
  }

  clear(): void {
    this.#byId.clear();
    this.#byAccount.clear();
  }

  #insert(data: ConversationData): Conversation {
    const conversation = new Conversation(data);
    this.#byId.set(conversation.id, conversation);
    for (const member of conversation.members) {
      const own = this.#byAccount.get(member);
      if (own === undefined) this.#byAccount.set(member, new Set([conversation]));
      else own.add(conversation);
    }
    return conversation;
  }
}
