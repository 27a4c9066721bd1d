/**
 * The whole chat as records of a documented form (docs/export.md), of one moment: what is in memory is copied at once, messages are read after
 * that, up to where their conversations were. Accounts are called by their UUID, those that are gone, and guests, by a number in the order of
 * their appearance, conversations by names: so two clusters that hold the same give the same text.
 */
import { groupMark } from '../../base/addresses.ts';
import { CodedError } from '../../base/errors.ts';
import { decodeAmendment } from '../../chat/codecs/amendment-codec.ts';
import { decodeMessage } from '../../chat/codecs/message-codec.ts';
import { amendmentStream } from '../../chat/conversations/amendments.ts';
import { lobbyId } from '../../chat/conversations/conversation.ts';
import type { AmendedMessage } from '../../chat/vocabulary/amendment-types.ts';
import type { FileDescription } from '../../chat/vocabulary/file-types.ts';
import type {
  Account,
  AccountId,
  ConversationId,
  MembershipData,
  Message,
} from '../../chat/vocabulary/types.ts';
import type { ChatView, ConversationView, GroupView } from '../../chat/vocabulary/view.ts';
import { deletedMessageText } from '../../protocol/requests.ts';
import type { StateStore } from '../../store/state-store.ts';
import { uuidFor } from '../secrets/identifiers.ts';
import type { ExportLine } from './export-line.ts';
import { type FileSource, fileLines } from './file-exporter.ts';

export const exportVersion = 1;

const pageRecords = 256;
const cutShort = 'A conversation was deleted while it was exported: try again.';

interface Captured {
  readonly id: ConversationId;
  readonly firstSequence: number;
  /** How long its messages are kept, where that was set. */
  readonly ageMs: number | null;
  readonly lastSequence: number;
  readonly places: readonly MembershipData[];
  /** By sequence. */
  readonly amended: ReadonlyMap<number, AmendedMessage>;
}

type Receipts = ReturnType<ChatView['allReceiptsOf']>;

export class Exporter {
  readonly #view: ChatView;
  readonly #store: Pick<StateStore, 'readStream'>;
  readonly #files: FileSource | null;
  /** Manifests whose content was written. */
  readonly #written = new Set<string>();
  readonly #accounts: readonly Account[];
  readonly #uuids: ReadonlyMap<AccountId, string>;
  /** Names of accounts that are gone. */
  readonly #gone = new Map<AccountId, string>();
  /** Differs between clusters, and is the same for equal accounts. */
  #seed = '';
  /** Names of direct conversations that were written. */
  readonly #directs = new Map<ConversationId, readonly string[]>();

  /** Of the moment in which `lines` is called first; use one for one export. `files` null: without the content of files. */
  constructor(view: ChatView, store: Pick<StateStore, 'readStream'>, files: FileSource | null) {
    this.#view = view;
    this.#store = store;
    this.#files = files;
    this.#accounts = view.accounts().filter(({ kind }) => kind !== 'guest');
    this.#uuids = new Map(this.#accounts.map(({ id, uuid }) => [id, uuid]));
  }

  /** To be called behind a barrier. Rejects with `CodedError` BUSY when a conversation is deleted meanwhile: begin again. */
  lines(): AsyncGenerator<ExportLine, void, void> {
    const view = this.#view;
    const heads = this.#accounts.map((account) => this.#accountLine(account));
    this.#seed = JSON.stringify(heads);
    const groups = view
      .groups()
      .map((group) => ({ group: this.#groupLine(group), ...this.#capture(group, group.members()) }));
    const lobby = view.conversation(lobbyId);
    const common = lobby === undefined ? [] : [this.#capture(lobby, this.#uuids.keys())];
    const directs = this.#accounts.map(({ id }) => this.#captureDirects(id));
    const receipts = this.#accounts.flatMap(({ id }) => view.allReceiptsOf(id));
    return this.#write(heads, groups, common, directs, receipts);
  }

  async *#write(
    heads: readonly ExportLine[],
    groups: readonly (Captured & { readonly group: ExportLine })[],
    lobby: readonly Captured[],
    directs: readonly (readonly Captured[])[],
    receipts: Receipts,
  ): AsyncGenerator<ExportLine, void, void> {
    yield { kind: 'conclave-export', version: exportVersion };
    yield* heads;
    for (const { group, ...captured } of groups) {
      yield group;
      yield* this.#shared(captured, `${groupMark}${String(group.name)}`);
    }
    for (const captured of lobby) yield* this.#shared(captured, groupMark + lobbyId);
    for (const own of directs) {
      for (const captured of this.#inOrder(own)) yield* this.#direct(captured);
    }
    for (const receipt of receipts) yield* this.#receipt(receipt);
    // What ends without it was cut.
    yield { kind: 'end' };
  }

  async *#shared(captured: Captured, name: string): AsyncGenerator<ExportLine, void, void> {
    for (const place of captured.places) yield { kind: 'member', conversation: name, ...this.#place(place) };
    yield* this.#messages(captured, name);
  }

  async *#direct(captured: Captured): AsyncGenerator<ExportLine, void, void> {
    if (this.#directs.has(captured.id)) return;
    const ends = endsOf(captured.id);
    for (const end of ends) yield* this.#introduce(end);
    const names = ends.map((end) => this.#nameOf(end)).sort();
    this.#directs.set(captured.id, names);
    const places = captured.places
      .map((place) => this.#place(place))
      .sort((a, b) => (a.account < b.account ? -1 : 1));
    yield { kind: 'direct', ends: names, places };
    yield* this.#messages(captured, names);
  }

  async *#messages(
    captured: Captured,
    conversation: string | readonly string[],
  ): AsyncGenerator<ExportLine, void, void> {
    const { id, firstSequence, lastSequence, ageMs } = captured;
    if (ageMs !== null || firstSequence > 1)
      yield { kind: 'kept', conversation, ageMs, first: firstSequence };
    for (let from = firstSequence; from <= lastSequence; from += pageRecords) {
      const to = Math.min(lastSequence, from + pageRecords - 1);
      const records = await this.#store.readStream(id, { from, to, limit: pageRecords });
      if (records.length !== to - from + 1) {
        throw new CodedError('BUSY', cutShort);
      }
      for (const { sequence, record } of records) {
        const amended = captured.amended.get(sequence);
        const sent = decodeMessage(id, sequence, record);
        const message = amended === undefined ? sent : await this.#present(sent, amended);
        yield* this.#introduce(message.from);
        if (message.to !== null) yield* this.#introduce(message.to);
        if (message.body.kind === 'file') yield* this.#content(message.body.file);
        yield this.#messageLine(message, conversation);
        if (amended !== undefined) yield* this.#amended(amended, conversation);
      }
    }
  }

  /** As it was when the export began; what is deleted is not in it. */
  async #present(message: Message, { isDeleted, textRevision }: AmendedMessage): Promise<Message> {
    if (isDeleted) return { ...message, body: { kind: 'text', text: deletedMessageText } };
    if (textRevision === 0) return message;
    const range = { from: textRevision, to: textRevision, limit: 1 };
    const [found] = await this.#store.readStream(amendmentStream(message.conversation), range);
    if (found === undefined) throw new CodedError('BUSY', cutShort);
    const { change } = decodeAmendment(message.conversation, textRevision, found.record);
    if (change.kind !== 'text') return message;
    return { ...message, body: { ...message.body, kind: 'text', text: change.text } };
  }

  *#amended(
    { sequence, isDeleted: deleted, editedMs, reactions: given }: AmendedMessage,
    conversation: string | readonly string[],
  ): Generator<ExportLine, void, void> {
    for (const account of given.flatMap(({ accounts }) => accounts)) yield* this.#introduce(account);
    const reactions = given.map(({ reaction, accounts }) => ({
      reaction,
      accounts: accounts.map((account) => this.#nameOf(account)),
    }));
    yield { kind: 'amended', conversation, sequence, deleted, editedMs, reactions };
  }

  /** Once, before the first message that refers to it. */
  async *#content({ manifest }: FileDescription): AsyncGenerator<ExportLine, void, void> {
    if (this.#files === null || this.#written.has(manifest)) return;
    this.#written.add(manifest);
    yield* fileLines(this.#files, manifest);
  }

  *#receipt(receipt: Receipts[number]): Generator<ExportLine, void, void> {
    const conversation = this.#directs.get(receipt.conversation);
    if (conversation === undefined) return;
    const { number, sequence, due } = receipt;
    const [from, to] = [this.#nameOf(receipt.from), this.#nameOf(receipt.to)];
    yield { kind: 'receipt', from, number, to, conversation, sequence, due };
  }

  /** An account that is gone gets its number where it is first spoken of. */
  *#introduce(account: AccountId): Generator<ExportLine, void, void> {
    if (this.#uuids.has(account) || this.#gone.has(account)) return;
    const name = `deleted-${this.#gone.size + 1}`;
    this.#gone.set(account, name);
    yield { kind: 'deleted-account', account: name, uuid: uuidFor(this.#seed, name) };
  }

  #nameOf(account: AccountId): string {
    return this.#uuids.get(account) ?? this.#gone.get(account) ?? 'deleted';
  }

  /** By the other end: accounts by UUID, then the gone ones that have a number, then the others as they came. */
  #inOrder(own: readonly Captured[]): readonly Captured[] {
    const rank = ({ id }: Captured): readonly [number, string | number] => {
      const gone = endsOf(id).find((end) => !this.#uuids.has(end));
      if (gone === undefined)
        return [
          0,
          endsOf(id)
            .map((end) => this.#nameOf(end))
            .sort()
            .join(' '),
        ];
      const number = this.#gone.get(gone)?.slice('deleted-'.length);
      return number === undefined ? [2, gone] : [1, Number(number)];
    };
    return [...own]
      .map((captured) => ({ captured, rank: rank(captured) }))
      .sort((a, b) => a.rank[0] - b.rank[0] || (a.rank[1] < b.rank[1] ? -1 : 1))
      .map(({ captured }) => captured);
  }

  #captureDirects(account: AccountId): readonly Captured[] {
    return this.#view
      .conversationsOf(account)
      .filter((conversation) => conversation.kind === 'direct')
      .map((conversation) => this.#capture(conversation, conversation.members));
  }

  /** The places of those who are exported. */
  #capture(conversation: ConversationView, members: Iterable<AccountId>): Captured {
    const places: MembershipData[] = [];
    for (const member of members) {
      const place = conversation.membership(member);
      if (place === undefined || !this.#uuids.has(member)) continue;
      const { account, joinedIndex, joinedBehind, delivered, read, singles } = place;
      places.push({ account, joinedIndex, joinedBehind, delivered, read, singles: [...singles] });
    }
    const { id, firstSequence, lastSequence } = conversation;
    const amended = new Map<number, AmendedMessage>();
    for (const one of this.#view.amendedMessages(id)) amended.set(one.sequence, copyOf(one));
    const ageMs = this.#view.retentionOf(id)?.ageMs ?? null;
    return { id, firstSequence, lastSequence, ageMs, places, amended };
  }

  #accountLine(account: Account): ExportLine {
    const { kind, uuid, name, displayName, email, passwordHash, createdMs } = account;
    const sent = this.#view.sentBy(account.id);
    return {
      kind: 'account',
      account: uuid,
      accountKind: kind,
      name,
      displayName,
      email,
      passwordHash,
      createdMs,
      sent,
    };
  }

  /** A guest's group is whose it will be once the guest has gone. */
  #groupLine(group: GroupView): ExportLine {
    const { name, owner, passwordHash, createdMs, address } = group;
    const heir = [owner, ...(owner === null ? [] : group.members())].find(
      (account) => account !== null && this.#uuids.has(account),
    );
    const holder = heir == null ? null : this.#nameOf(heir);
    return { kind: 'group', name, owner: holder, passwordHash, createdMs, address };
  }

  #place({ account, joinedBehind, delivered, read, singles }: MembershipData) {
    return { account: this.#nameOf(account), joinedBehind, delivered, read, singles: [...singles] };
  }

  #messageLine(message: Message, conversation: string | readonly string[]): ExportLine {
    const { sequence, from, to, number, replyTo, body, sentMs } = message;
    const receiver = to === null ? null : this.#nameOf(to);
    return {
      kind: 'message',
      conversation,
      sequence,
      from: this.#nameOf(from),
      to: receiver,
      number,
      replyTo,
      body,
      sentMs,
    };
  }
}

/** The view's own goes on changing. */
function copyOf(amended: AmendedMessage): AmendedMessage {
  const { sequence, revision, textRevision, editedMs, isDeleted, reactionRevision, reactions } = amended;
  return { sequence, revision, textRevision, editedMs, isDeleted, reactionRevision, reactions };
}

/** The accounts of a direct conversation, from its id; of one with oneself the same twice. */
function endsOf(id: ConversationId): readonly AccountId[] {
  return id.split(':').slice(1).map(Number);
}
