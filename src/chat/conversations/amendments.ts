/**
 * What has become of messages that were sent. Each amendment is a record of its conversation's second stream, with a revision of its own; what
 * it leads to stands here, a row for each message that was ever amended. Texts are in the records only, so that memory does not grow with them.
 */
import {
  type AmendedMessageData,
  encodeAmendedMessage,
  encodeAmendment,
  encodeAmendmentHead,
} from '../codecs/amendment-codec.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import { rowPrefix } from '../rows/row-codec.ts';
import type {
  AmendedMessage,
  Amendment,
  AmendmentChange,
  AmendmentHead,
  Reaction,
} from '../vocabulary/amendment-types.ts';
import type { Moment } from '../vocabulary/moment.ts';
import type { AccountId, ConversationId } from '../vocabulary/types.ts';

/** The stream of a conversation's amendments; no conversation has a `~` in its id. */
export function amendmentStream(conversation: ConversationId): string {
  return `${conversation}~`;
}

class AmendedRow implements AmendedMessage, Row {
  readonly key: string;
  readonly sequence: number;
  noted = false;
  revision: number;
  textRevision: number;
  editedMs: number;
  isDeleted: boolean;
  reactionRevision: number;
  reactions: readonly Reaction[];

  constructor(data: AmendedMessageData) {
    this.key = `${rowPrefix.amended}${data.conversation}/${data.sequence}`;
    this.sequence = data.sequence;
    this.revision = data.revision;
    this.textRevision = data.textRevision;
    this.editedMs = data.editedMs;
    this.isDeleted = data.isDeleted;
    this.reactionRevision = data.reactionRevision;
    this.reactions = data.reactions;
  }

  encode(): Uint8Array {
    return encodeAmendedMessage(this);
  }
}

class HeadRow implements AmendmentHead, Row {
  readonly key: string;
  readonly conversation: ConversationId;
  readonly messages = new Map<number, AmendedRow>();
  noted = false;
  lastRevision: number;
  lastIndex: number;

  constructor({ conversation, lastRevision, lastIndex }: AmendmentHead) {
    this.key = rowPrefix.amendments + conversation;
    this.conversation = conversation;
    this.lastRevision = lastRevision;
    this.lastIndex = lastIndex;
  }

  encode(): Uint8Array {
    return encodeAmendmentHead(this);
  }
}

export class Amendments {
  readonly #changes: ChangeSet;
  readonly #heads = new Map<ConversationId, HeadRow>();

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  headOf(conversation: ConversationId): AmendmentHead | undefined {
    return this.#heads.get(conversation);
  }

  of(conversation: ConversationId, sequence: number): AmendedMessage | undefined {
    return this.#heads.get(conversation)?.messages.get(sequence);
  }

  /** Of one conversation, in the order of their first amendments. */
  allOf(conversation: ConversationId): Iterable<AmendedMessage> {
    return this.#heads.get(conversation)?.messages.values() ?? [];
  }

  /** The change is known to be allowed, and to change something. */
  amend(
    { conversation, sequence }: { readonly conversation: ConversationId; readonly sequence: number },
    by: AccountId,
    change: AmendmentChange,
    moment: Moment,
  ): Amendment {
    const head = this.#head(conversation);
    head.lastRevision += 1;
    head.lastIndex = moment.index;
    const revision = head.lastRevision;
    const amendedMs = moment.wallMs;
    const row = this.#row(head, sequence);
    row.revision = revision;
    switch (change.kind) {
      case 'text':
        row.textRevision = revision;
        row.editedMs = amendedMs;
        break;
      case 'deleted':
        // Of what is gone nothing more is to be known.
        row.isDeleted = true;
        row.textRevision = 0;
        row.editedMs = 0;
        row.reactions = [];
        break;
      case 'reaction':
        row.reactionRevision = revision;
        row.reactions = withReaction(row.reactions, change.reaction, by, change.present);
        break;
    }
    const amendment = { conversation, revision, index: moment.index, sequence, by, amendedMs, change };
    this.#changes.put(head);
    this.#changes.put(row);
    this.#changes.append(amendmentStream(conversation), revision, encodeAmendment(amendment));
    return amendment;
  }

  /** From elsewhere: what had become of the message there. */
  adopt(data: AmendedMessageData): void {
    const head = this.#head(data.conversation);
    const row = new AmendedRow(data);
    head.messages.set(data.sequence, row);
    this.#changes.put(head);
    this.#changes.put(row);
  }

  /** The message is gone. */
  forget(conversation: ConversationId, sequence: number): void {
    const messages = this.#heads.get(conversation)?.messages;
    const row = messages?.get(sequence);
    if (row === undefined) return;
    messages?.delete(sequence);
    this.#changes.delete(row);
  }

  /** With the conversation's stream. */
  drop(conversation: ConversationId): void {
    const head = this.#heads.get(conversation);
    if (head === undefined) return;
    this.#heads.delete(conversation);
    for (const row of head.messages.values()) this.#changes.delete(row);
    this.#changes.delete(head);
    if (head.lastRevision > 0) this.#changes.dropStream(amendmentStream(conversation));
  }

  restore(heads: readonly AmendmentHead[], messages: readonly AmendedMessageData[]): void {
    for (const head of heads) this.#heads.set(head.conversation, new HeadRow(head));
    // In the order of their keys "10" comes before "9".
    for (const data of [...messages].sort((a, b) => a.sequence - b.sequence)) {
      this.#heads.get(data.conversation)?.messages.set(data.sequence, new AmendedRow(data));
    }
  }

  *rows(): Iterable<Row> {
    for (const head of this.#heads.values()) {
      yield head;
      yield* head.messages.values();
    }
  }

  clear(): void {
    this.#heads.clear();
  }

  #head(conversation: ConversationId): HeadRow {
    const known = this.#heads.get(conversation);
    if (known !== undefined) return known;
    const head = new HeadRow({ conversation, lastRevision: 0, lastIndex: 0 });
    this.#heads.set(conversation, head);
    return head;
  }

  #row(head: HeadRow, sequence: number): AmendedRow {
    const known = head.messages.get(sequence);
    if (known !== undefined) return known;
    const row = new AmendedRow({ conversation: head.conversation, sequence, ...untouched });
    head.messages.set(sequence, row);
    return row;
  }
}

const untouched = {
  revision: 0,
  textRevision: 0,
  editedMs: 0,
  isDeleted: false,
  reactionRevision: 0,
  reactions: [],
} as const;

/** One that nobody gives any more is gone. */
function withReaction(
  reactions: readonly Reaction[],
  reaction: string,
  by: AccountId,
  present: boolean,
): readonly Reaction[] {
  const known = reactions.find((one) => one.reaction === reaction);
  const others = (known?.accounts ?? []).filter((account) => account !== by);
  const accounts = present ? [...others, by] : others;
  if (known === undefined) return [...reactions, { reaction, accounts }];
  return reactions
    .map((one) => (one === known ? { reaction, accounts } : one))
    .filter((one) => one.accounts.length > 0);
}
