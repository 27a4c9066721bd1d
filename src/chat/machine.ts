/**
 * The chat as a deterministic program: the same entries in the same order give the same state, answers and events on
 * every node. This file is the parent of all branching: expiry, then numbering, then one handler. Fits the state machine port of
 * the replication layer by its shape alone.
 */
import type { Changes } from '../base/changes.ts';
import { Accounts } from './accounts/accounts.ts';
import { ActionLog } from './accounts/action-log.ts';
import { Administrators } from './accounts/administrators.ts';
import { Attempts } from './accounts/attempts.ts';
import { Invitations } from './accounts/invitations.ts';
import { Leases } from './accounts/leases.ts';
import { Tokens } from './accounts/tokens.ts';
import { Tombstones } from './accounts/tombstones.ts';
import { decodeProposal } from './codecs/codec.ts';
import { fingerprintRow } from './codecs/fingerprint.ts';
import { Amendments } from './conversations/amendments.ts';
import { Conversations, directConversationId } from './conversations/conversations.ts';
import { defaultFileBounds, type FileBounds, Files } from './conversations/files.ts';
import { Hooks } from './conversations/hooks.ts';
import { Retention } from './conversations/retention.ts';
import { Senders } from './conversations/senders.ts';
import { EntryContext } from './entry-context.ts';
import { reject, type Tables } from './handlers/context.ts';
import { removeAccount } from './handlers/delete-account.ts';
import { run } from './handlers/registry.ts';
import { endToken } from './handlers/revoke-token.ts';
import { RowLoader } from './row-loader.ts';
import { ChangeSet } from './rows/changes.ts';
import { admit, admitAsked, admitKey } from './sessions/exactly-once.ts';
import { type KeyedAnswerBounds, KeyedAnswers } from './sessions/keyed-answers.ts';
import { defaultSessionBounds, type SessionBounds, Sessions } from './sessions/sessions.ts';
import type { ActionRecord } from './vocabulary/administration-types.ts';
import type { AmendedMessage, AmendmentHead } from './vocabulary/amendment-types.ts';
import type { HookId, HookView } from './vocabulary/hook-types.ts';
import type { Moment } from './vocabulary/moment.ts';
import type { RetentionData } from './vocabulary/retention-types.ts';
import type { TokenId, TokenView } from './vocabulary/token-types.ts';
import type {
  Account,
  AccountId,
  Actor,
  Asked,
  AttemptKey,
  ChatEvent,
  Command,
  ConversationId,
  DeliveryReceipt,
  Numbering,
  Proposal,
  ReceiptData,
  Result,
  SessionId,
} from './vocabulary/types.ts';
import type {
  AttemptView,
  ChatView,
  ConversationView,
  FilesView,
  GroupView,
  SessionView,
} from './vocabulary/view.ts';

/** One committed entry: its place in the log, its time as stamped by the leader, and an encoded `Proposal`. */
export interface ChatEntry {
  readonly index: number;
  readonly time: { readonly wallMs: number; readonly clusterMs: number };
  readonly command: Uint8Array;
}

export interface ChatApplied {
  readonly result: Result;
  readonly events: readonly ChatEvent[];
}

export class ChatMachine implements ChatView {
  readonly #changes = new ChangeSet((stream) => this.#dropped(stream));
  readonly #tables: Tables;
  #clusterMs = 0;

  /** `bounds` is for tests: all nodes of a cluster must agree on them. */
  constructor(bounds: Partial<SessionBounds & FileBounds & KeyedAnswerBounds> = {}) {
    this.#tables = {
      accounts: new Accounts(this.#changes),
      conversations: new Conversations(this.#changes),
      senders: new Senders(this.#changes),
      sessions: new Sessions(this.#changes, { ...defaultSessionBounds, ...bounds }),
      files: new Files(this.#changes, { ...defaultFileBounds, ...bounds }),
      leases: new Leases(this.#changes),
      attempts: new Attempts(this.#changes),
      invitations: new Invitations(this.#changes),
      tombstones: new Tombstones(this.#changes),
      tokens: new Tokens(this.#changes),
      administrators: new Administrators(this.#changes),
      actions: new ActionLog(this.#changes),
      keyedAnswers: new KeyedAnswers(this.#changes, bounds),
      amendments: new Amendments(this.#changes),
      hooks: new Hooks(this.#changes),
      retention: new Retention(this.#changes),
    };
  }

  /** Total: whatever the bytes are, there is an answer. A throw is a bug and must stop the node. */
  apply(entry: ChatEntry): ChatApplied {
    const moment: Moment = {
      index: entry.index,
      // Rows hold whole milliseconds; memory must not know more than they do.
      clusterMs: Math.floor(entry.time.clusterMs),
      wallMs: Math.floor(entry.time.wallMs),
    };
    const events: ChatEvent[] = [];
    this.#clusterMs = moment.clusterMs;
    for (const guest of this.#tables.leases.lapsed(moment.clusterMs)) {
      removeAccount(new EntryContext(moment, this.#tables, null, { account: guest, session: null }, events));
    }
    for (const { id, account } of this.#tables.tokens.lapsed(moment.clusterMs)) {
      endToken(new EntryContext(moment, this.#tables, null, null, events), account, id);
    }
    for (const session of this.#tables.sessions.expire(moment.clusterMs)) {
      events.push({ kind: 'session-ended', session: session.id });
    }
    this.#tables.files.expire(moment.clusterMs);
    this.#tables.keyedAnswers.expire(moment.clusterMs);
    const proposal = decodeProposal(entry.command);
    const result = proposal === null ? reject('BAD_REQUEST') : this.#execute(moment, proposal, events);
    return { result, events };
  }

  takeChanges(): Changes {
    return this.#changes.take();
  }

  /** Rejects with `CodedError` DATA_DAMAGED, naming the key, when a row cannot be read; the state is empty then. */
  async load(rows: AsyncIterable<readonly [key: string, value: Uint8Array]>, clusterMs = 0): Promise<void> {
    this.#clear();
    this.#clusterMs = clusterMs;
    const loader = new RowLoader();
    for await (const [key, value] of rows) loader.take(key, value);
    loader.end();
    this.#tables.accounts.restore(loader.accounts);
    this.#tables.conversations.restore(loader.conversations, loader.groups, loader.members);
    this.#tables.senders.restore(loader.counters, loader.receipts);
    this.#tables.sessions.restore(loader.sessions);
    this.#tables.files.restore(loader.fileReferences, loader.uploadLeases);
    this.#tables.leases.restore(loader.leases);
    this.#tables.attempts.restore(loader.attempts);
    this.#tables.invitations.restore(loader.invitations);
    this.#tables.tombstones.restore(loader.tombstones);
    this.#tables.tokens.restore(loader.tokens);
    this.#tables.administrators.restore(loader.administrators);
    this.#tables.actions.restore(loader.actions);
    this.#tables.keyedAnswers.restore(loader.keyedAnswers);
    this.#tables.amendments.restore(loader.amendmentHeads, loader.amendedMessages);
    this.#tables.hooks.restore(loader.hooks);
    this.#tables.retention.restore(loader.retention);
    for (const { conversation, firstSequence } of loader.retention) {
      this.#tables.conversations.byId(conversation)?.cutFront(firstSequence);
    }
  }

  get view(): ChatView {
    return this;
  }

  /** 16 hex digits over the whole state: equal on two nodes that applied the same entries. Reads everything. */
  digest(): string {
    const rows = Object.values(this.#tables).flatMap((table) => [...table.rows()]);
    rows.sort((a, b) => (a.key < b.key ? -1 : 1));
    let digest = 0;
    for (const row of rows) digest = fingerprintRow(digest, row.key, row.encode());
    return digest.toString(16).padStart(16, '0');
  }

  get files(): FilesView {
    return this.#tables.files;
  }

  accountByName(name: string): Account | undefined {
    return this.#tables.accounts.byName(name);
  }

  accountById(id: AccountId): Account | undefined {
    return this.#tables.accounts.byId(id);
  }

  isConfusable(name: string): boolean {
    return this.#tables.accounts.isConfusable(name);
  }

  accountByEmail(email: string): Account | undefined {
    return this.#tables.accounts.byEmail(email);
  }

  attempt(key: AttemptKey): AttemptView | undefined {
    return this.#tables.attempts.byKey(key);
  }

  hasInvitation(codeHash: string): boolean {
    return this.#tables.invitations.isGood(codeHash, this.#clusterMs);
  }

  tokenByHash(hash: string): TokenView | undefined {
    return this.#tables.tokens.byHash(hash, this.#clusterMs);
  }

  token(id: TokenId): TokenView | undefined {
    return this.#tables.tokens.byId(id, this.#clusterMs);
  }

  tokensOf(account: AccountId): readonly TokenView[] {
    return this.#tables.tokens.of(account).filter(({ id }) => this.token(id) !== undefined);
  }

  isAdministrator(account: AccountId): boolean {
    return this.#tables.administrators.has(account);
  }

  actions(): readonly ActionRecord[] {
    return this.#tables.actions.all();
  }

  hook(id: HookId): HookView | undefined {
    return this.#tables.hooks.byId(id);
  }

  hooksIn(conversation: ConversationId): readonly HookView[] {
    return this.#tables.hooks.in(conversation);
  }

  hooks(): Iterable<HookView> {
    return this.#tables.hooks.all();
  }

  get clusterMs(): number {
    return this.#clusterMs;
  }

  accounts(): readonly Account[] {
    return this.#tables.accounts.inOrder();
  }

  searchAccounts(pattern: string): readonly Account[] {
    return this.#tables.accounts.search(pattern);
  }

  session(id: SessionId): SessionView | undefined {
    const { sessions } = this.#tables;
    const session = sessions.byId(id);
    const isOver = session === undefined || session.ended || sessions.isDue(session, this.#clusterMs);
    return isOver ? undefined : session;
  }

  hasKeyedAnswer(account: AccountId, key: string): boolean {
    return this.#tables.keyedAnswers.answer(account, key, this.#clusterMs) !== undefined;
  }

  conversation(id: ConversationId): ConversationView | undefined {
    return this.#tables.conversations.byId(id);
  }

  conversationsOf(account: AccountId): readonly ConversationView[] {
    const { conversations } = this.#tables;
    const own = conversations.of(account);
    return conversations.lobby.lastSequence === 0 ? own : [...own, conversations.lobby];
  }

  amendmentsOf(conversation: ConversationId): AmendmentHead | undefined {
    return this.#tables.amendments.headOf(conversation);
  }

  amended(conversation: ConversationId, sequence: number): AmendedMessage | undefined {
    return this.#tables.amendments.of(conversation, sequence);
  }

  retentionOf(conversation: ConversationId): RetentionData | undefined {
    return this.#tables.retention.of(conversation);
  }

  *retentionDue(defaultMs: number | null, clusterMs: number): Iterable<ConversationId> {
    const { conversations, amendments, retention } = this.#tables;
    for (const { id, lastSequence: sequence } of conversations.all()) {
      const reach = { sequence, revision: amendments.headOf(id)?.lastRevision ?? 0 };
      if (retention.isDue(id, reach, defaultMs, clusterMs)) yield id;
    }
  }

  amendedMessages(conversation: ConversationId): Iterable<AmendedMessage> {
    return this.#tables.amendments.allOf(conversation);
  }

  groupByName(name: string): GroupView | undefined {
    return this.#tables.conversations.groups.byName(name);
  }

  groups(): readonly GroupView[] {
    return this.#tables.conversations.groups.inOrder();
  }

  groupsWithPort(): readonly GroupView[] {
    return [...this.#tables.conversations.groups.byPort().values()];
  }

  membersInOrder(group: ConversationId): readonly AccountId[] {
    const { accounts, conversations } = this.#tables;
    return conversations.groups.membersInOrder(group, (id) => accounts.byId(id)?.name ?? '');
  }

  receiptsOf(account: AccountId): readonly DeliveryReceipt[] {
    return this.#tables.senders.dueOf(account);
  }

  allReceiptsOf(account: AccountId): readonly ReceiptData[] {
    return this.#tables.senders.receiptsOf(account);
  }

  sentBy(account: AccountId): number {
    return this.#tables.senders.sentBy(account);
  }

  directConversation(a: AccountId, b: AccountId): ConversationId {
    return directConversationId(a, b);
  }

  #execute(moment: Moment, proposal: Proposal, events: ChatEvent[]): Result {
    const { numbering, actor, command } = proposal;
    if (command.kind === 'asked') return this.#executeAsked(moment, actor, command, events);
    if (numbering !== null) return this.#executeOnce(moment, numbering, command, events);
    return run(new EntryContext(moment, this.#tables, null, actor, events), command);
  }

  #executeOnce(moment: Moment, numbering: Numbering, command: Command, events: ChatEvent[]): Result {
    const { sessions } = this.#tables;
    const admission = admit(sessions, numbering, command, moment);
    if (admission.kind === 'answer') return admission.result;
    const { session, fingerprint } = admission;
    // The session knows who asks. What the gateway attached may be older than a login that was on its way.
    const actor = session.account === null ? null : { account: session.account, session: session.id };
    const result = run(new EntryContext(moment, this.#tables, session, actor, events), command);
    sessions.record(session, numbering.sequence, { fingerprint, result });
    return result;
  }

  #executeAsked(moment: Moment, actor: Actor | null, { key, command }: Asked, events: ChatEvent[]): Result {
    const { accounts, keyedAnswers, sessions } = this.#tables;
    const session = actor === null ? null : admitAsked(sessions, actor, moment);
    const isShown =
      session !== null || (actor?.session === null && (actor.token ?? actor.hook) !== undefined);
    if (actor === null || !isShown) return reject('AUTH_REQUIRED');
    const context = new EntryContext(moment, this.#tables, session, actor, events);
    if (context.actor === null) return reject('AUTH_REQUIRED');
    if (key === null) return run(context, command);
    const admission = admitKey(keyedAnswers, actor.account, key, command, moment);
    if (admission.kind === 'answer') return admission.result;
    const { fingerprint } = admission;
    const result = run(context, command);
    // Nothing is kept of an account that this request deleted.
    if (accounts.byId(actor.account) !== undefined) {
      keyedAnswers.record(actor.account, key, { fingerprint, result }, moment);
    }
    return result;
  }

  /** What else goes with the messages of a conversation. */
  #dropped(stream: ConversationId): void {
    this.#tables.files.dropConversation(stream);
    this.#tables.amendments.drop(stream);
    this.#tables.retention.drop(stream);
  }

  #clear(): void {
    this.#changes.clear();
    for (const table of Object.values(this.#tables)) table.clear();
  }
}
