/** What gateways and delivery may ask of the applied state. Reads only; valid until the next entry is applied. */
import type { ActionRecord } from './administration-types.ts';
import type { AmendedMessage, AmendmentHead } from './amendment-types.ts';
import type { FileId, FileReference, ManifestAddress, UploadLease } from './file-types.ts';
import type { GroupAddress } from './group-types.ts';
import type { HookId, HookView } from './hook-types.ts';
import type { RetentionData } from './retention-types.ts';
import type { TokenId, TokenView } from './token-types.ts';
import type {
  Account,
  AccountId,
  AttemptKey,
  ConversationId,
  DeliveryReceipt,
  MembershipData,
  ReceiptData,
  SessionId,
} from './types.ts';

export interface ChatView {
  accountByName(name: string): Account | undefined;
  accountById(id: AccountId): Account | undefined;
  accountByEmail(email: string): Account | undefined;
  /** Whether a name is drawn like that of an account, by letters of another script. */
  isConfusable(name: string): boolean;
  /** Whether an invitation with that hash was good when the newest entry was applied. */
  hasInvitation(codeHash: string): boolean;
  /** Failed attempts at it, if there were any since the last success. */
  attempt(key: AttemptKey): AttemptView | undefined;
  /** An access token that was good when the newest entry was applied. */
  tokenByHash(hash: string): TokenView | undefined;
  token(id: TokenId): TokenView | undefined;
  /** Those that are good, the oldest first. */
  tokensOf(account: AccountId): readonly TokenView[];
  isAdministrator(account: AccountId): boolean;
  /** What was done to the cluster by those who look after it, oldest first. */
  actions(): readonly ActionRecord[];
  hook(id: HookId): HookView | undefined;
  /** In the order in which they were made. */
  hooksIn(conversation: ConversationId): readonly HookView[];
  /** All of the cluster, in no particular order. */
  hooks(): Iterable<HookView>;
  /** Cluster time of the newest applied entry. */
  readonly clusterMs: number;
  /** All accounts by lower-cased name, ascending by code unit. */
  accounts(): readonly Account[];
  /** By prefix, or by glob when the pattern holds `*` or `?`; without regard to case; linear in name and pattern. */
  searchAccounts(pattern: string): readonly Account[];
  session(id: SessionId): SessionView | undefined;
  /** Whether the answer to a request of the account with that key is kept: asking again gets it, and does nothing. */
  hasKeyedAnswer(account: AccountId, key: string): boolean;
  conversation(id: ConversationId): ConversationView | undefined;
  /** Conversations of an account in no particular order; the lobby among them once somebody spoke in it. */
  conversationsOf(account: AccountId): readonly ConversationView[];
  directConversation(a: AccountId, b: AccountId): ConversationId;
  /** Undefined where nothing was ever amended. */
  amendmentsOf(conversation: ConversationId): AmendmentHead | undefined;
  /** What has become of a message; undefined for one that is as it was sent. */
  amended(conversation: ConversationId, sequence: number): AmendedMessage | undefined;
  /** What was set or noted about the age of its messages; undefined where nothing was. */
  retentionOf(conversation: ConversationId): RetentionData | undefined;
  /** Conversations for which `retain` would change something at that cluster time. */
  retentionDue(defaultMs: number | null, clusterMs: number): Iterable<ConversationId>;
  /** All of a conversation, in no particular order. */
  amendedMessages(conversation: ConversationId): Iterable<AmendedMessage>;
  groupByName(name: string): GroupView | undefined;
  /** All groups by lower-cased name, ascending by code unit; the lobby is none. */
  groups(): readonly GroupView[];
  /** Those that have a port of their own on every node. */
  groupsWithPort(): readonly GroupView[];
  /** Members of a group by lower-cased name, ascending by code unit. Kept until somebody joins or leaves. */
  membersInOrder(group: ConversationId): readonly AccountId[];
  /** Delivered and not yet confirmed by their sender, by number. */
  receiptsOf(account: AccountId): readonly DeliveryReceipt[];
  /** The same, with those that are not due yet. */
  allReceiptsOf(account: AccountId): readonly ReceiptData[];
  /** Messages that the account has sent. */
  sentBy(account: AccountId): number;
  readonly files: FilesView;
}

export interface FilesView {
  /** Manifests of messages, each once. */
  referenced(): Iterable<ManifestAddress>;
  /** Manifests of uploads under way, each once. */
  leased(): Iterable<ManifestAddress>;
  /** False while the state is being replaced: nothing may be concluded from what is not there. */
  readonly known: boolean;
  /** Either of the two. */
  has(manifest: ManifestAddress): boolean;
  /** Grows with each manifest that joins one of the two, and when the state is replaced. Not part of the state. */
  readonly additions: number;
  file(id: FileId): FileReference | undefined;
  lease(account: AccountId, manifest: ManifestAddress): UploadLease | undefined;
  /** Of messages and uploads of the account. */
  bytesOf(account: AccountId): number;
  readonly clusterBytes: number;
}

export interface AttemptView {
  /** Within the window that began at `windowMs` (cluster time), since the last block. */
  readonly windowFailures: number;
  readonly windowMs: number;
  readonly blocks: number;
  /** Cluster time. */
  readonly untilMs: number;
  /** Only an administrator helps. */
  readonly isLocked: boolean;
}

export interface SessionView {
  readonly id: SessionId;
  readonly secretHash: string;
  /** Null before login. */
  readonly account: AccountId | null;
  /** Log index and cluster time of its login; 0 before. */
  readonly boundIndex: number;
  readonly boundMs: number;
  /** The access token that opened it; null: a login did. */
  readonly token: TokenId | null;
  /** The one it was derived from, and ends with. */
  readonly parent: SessionId | null;
  /** Highest sequence used. */
  readonly highest: number;
  /** Whether the answer to that number is kept: asking again gets it, and does nothing. */
  answered(sequence: number): boolean;
}

export type ConversationView = DirectView | GroupView | LobbyView;

interface CommonView {
  readonly id: ConversationId;
  readonly lastSequence: number;
  readonly lastIndex: number;
  /** Messages below it are too old, and gone; 1 while there are none. */
  readonly firstSequence: number;
  includes(account: AccountId): boolean;
  /** Delivered up to this sequence: what is above is pending. In the lobby nothing ever is. */
  delivered(account: AccountId): number;
  /** All of the account's place; undefined for who has none. */
  membership(account: AccountId): MembershipData | undefined;
  /** Read up to this sequence. */
  read(account: AccountId): number;
  /** The last sequence before the account came: delivery, not history, begins behind it. */
  joinedBehind(account: AccountId): number;
  /** Delivered, be it singly and above `delivered`. */
  isDelivered(account: AccountId, sequence: number): boolean;
}

export interface DirectView extends CommonView {
  readonly kind: 'direct';
  /** Without those whose account is gone. */
  readonly members: readonly AccountId[];
}

/** Everyone is in it, so it has no members; what is said there is for those who are online. */
export interface LobbyView extends CommonView {
  readonly kind: 'lobby';
}

export interface GroupView extends CommonView {
  readonly kind: 'group';
  /** Without the `#`. */
  readonly name: string;
  /** Null for one that was announced from elsewhere. */
  readonly owner: AccountId | null;
  /** argon2id in PHC form; null: open to all. A group with a password is closed: only members read in it. */
  readonly passwordHash: string | null;
  /** Raised by each change of the password. */
  readonly credential: number;
  readonly createdMs: number;
  readonly address: GroupAddress | null;
  readonly listenerPort: number | null;
  readonly memberCount: number;
  /** In the order in which they joined. */
  members(): Iterable<AccountId>;
}
