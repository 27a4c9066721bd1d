/**
 * The state's rows: plain data in, bytes out, and back. What a row refers to (its id) is its key and not repeated in its value.
 * A row that cannot be read is damage, or was written by a newer version: null here, an error naming the key at loading.
 */
import { type ByteReader, ByteWriter, MalformedBytes, readAll } from '../codecs/bytes.ts';
import { readResult, writeResult } from '../codecs/receipt-codec.ts';
import type { GroupAddress } from '../vocabulary/group-types.ts';
import type { TokenId } from '../vocabulary/token-types.ts';
import type {
  AccountId,
  ConversationId,
  MembershipData,
  ReceiptData,
  Result,
  SessionId,
} from '../vocabulary/types.ts';

const version = 1;
const sessionVersion = 2;
/** A session that was derived from another one names it in front of everything else; the others are written without. */
const derivedVersion = 3;
/** A session that an access token opened names it behind everything else; the others are written without. */
const tokenSessionVersion = 4;
const sessionVersions = [version, sessionVersion, derivedVersion, tokenSessionVersion];
/** Conversations of version 1 knew no more of a member than what was delivered. */
const conversationVersion = 2;
/** Groups of version 1 had no port of their own; who has none is written as that still. */
const groupVersion = 2;

export const rowPrefix = {
  account: 'a/',
  conversation: 'c/',
  group: 'g/',
  /** `m/<conversation>/<account>` */
  member: 'm/',
  /** How many messages an account has sent. */
  counter: 'n/',
  /** `r/<sender>/<number>` */
  receipt: 'r/',
  session: 's/',
  file: 'f/',
  lease: 'u/',
  guestLease: 'l/',
  attempt: 't/',
  invitation: 'i/',
  /** `k/<account>/<key>` */
  keyedAnswer: 'k/',
  tombstone: 'x/',
  token: 'p/',
  administrator: 'o/',
  action: 'j/',
  /** `e/<conversation>/<sequence>` */
  amended: 'e/',
  /** How far the amendments of a conversation go. */
  amendments: 'v/',
  hook: 'h/',
  retention: 'b/',
} as const;

/** A direct conversation, or the lobby, which has no members. */
export interface ConversationData {
  readonly id: ConversationId;
  readonly memberships: readonly MembershipData[];
  readonly lastSequence: number;
  readonly lastIndex: number;
}

export interface GroupData {
  readonly id: ConversationId;
  readonly name: string;
  readonly owner: AccountId | null;
  readonly passwordHash: string | null;
  readonly credential: number;
  readonly createdMs: number;
  readonly address: GroupAddress | null;
  /** Every node opens this port for the group. */
  readonly listenerPort: number | null;
  readonly lastSequence: number;
  readonly lastIndex: number;
}

export interface MemberData extends MembershipData {
  readonly conversation: ConversationId;
}

export interface RecordedAnswer {
  readonly fingerprint: number;
  readonly result: Result;
}

export interface SessionData {
  readonly id: SessionId;
  readonly secretHash: string;
  readonly ended: boolean;
  readonly account: AccountId | null;
  /** The access token that opened it; null: a login did, or it is not bound. */
  readonly token: TokenId | null;
  /** The one it was derived from, and ends with. */
  readonly parent: SessionId | null;
  readonly usedIndex: number;
  readonly usedMs: number;
  /** Where and when it was bound to its account; 0 before. */
  readonly boundIndex: number;
  readonly boundMs: number;
  readonly floor: number;
  readonly highest: number;
  readonly answers: ReadonlyMap<number, RecordedAnswer>;
}

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

export function encodeConversation(conversation: ConversationData): Uint8Array {
  writer.begin(conversationVersion);
  writer.integer(conversation.lastSequence);
  writer.integer(conversation.lastIndex);
  writer.integer(conversation.memberships.length);
  for (const membership of conversation.memberships) {
    writer.integer(membership.account);
    writeCursors(membership);
  }
  return writer.take();
}

export function decodeConversation(id: ConversationId, value: Uint8Array): ConversationData | null {
  return readAll(value, (reader) => {
    const layout = reader.byte();
    if (layout < 1 || layout > conversationVersion) throw new MalformedBytes('unknown version');
    const lastSequence = reader.integer();
    const lastIndex = reader.integer();
    const length = reader.count();
    if (layout === 1)
      return { id, memberships: readFirstMemberships(reader, length), lastSequence, lastIndex };
    const memberships = Array.from({ length }, () => ({
      account: reader.integer(),
      joinedIndex: 0,
      joinedBehind: 0,
      ...readCursors(reader),
    }));
    return { id, memberships, lastSequence, lastIndex };
  });
}

function readFirstMemberships(reader: ByteReader, length: number): readonly MembershipData[] {
  const accounts = Array.from({ length }, () => reader.integer());
  return accounts.map((account) => {
    const delivered = reader.integer();
    return { account, joinedIndex: 0, joinedBehind: 0, delivered, read: 0, singles: [] };
  });
}

export function encodeGroup(group: GroupData): Uint8Array {
  writer.begin(group.listenerPort === null ? version : groupVersion);
  writer.integer(group.lastSequence);
  writer.integer(group.lastIndex);
  writer.text(group.name);
  // No account has the id 0, and no hash is empty.
  writer.integer(group.owner ?? 0);
  writer.text(group.passwordHash ?? '');
  writer.integer(group.credential);
  writer.integer(group.createdMs);
  writer.text(group.address?.host ?? '');
  writer.integer(group.address?.port ?? 0);
  if (group.listenerPort !== null) writer.integer(group.listenerPort);
  return writer.take();
}

export function decodeGroup(id: ConversationId, value: Uint8Array): GroupData | null {
  return readAll(value, (reader) => {
    const layout = reader.byte();
    if (layout < version || layout > groupVersion) throw new MalformedBytes('unknown version');
    const [lastSequence, lastIndex] = [reader.integer(), reader.integer()];
    const [name, owner, passwordHash] = [reader.text(), reader.integer() || null, reader.text() || null];
    const [credential, createdMs] = [reader.integer(), reader.integer()];
    const [host, port] = [reader.text(), reader.integer()];
    const address = host === '' ? null : { host, port };
    const listenerPort = layout === version ? null : reader.integer();
    const about = { name, owner, passwordHash, credential, createdMs, address, listenerPort };
    return { id, ...about, lastSequence, lastIndex };
  });
}

export function encodeMembership(membership: MembershipData): Uint8Array {
  writer.begin(version);
  writer.integer(membership.joinedIndex);
  writer.integer(membership.joinedBehind);
  writeCursors(membership);
  return writer.take();
}

/** `id` as in the key: `<conversation>/<account>`. */
export function decodeMembership(id: string, value: Uint8Array): MemberData | null {
  const slash = id.lastIndexOf('/');
  const [conversation, account] = [id.slice(0, slash), Number(id.slice(slash + 1))];
  return readAll(value, (reader) => {
    readVersion(reader);
    const [joinedIndex, joinedBehind] = [reader.integer(), reader.integer()];
    return { conversation, account, joinedIndex, joinedBehind, ...readCursors(reader) };
  });
}

type Cursors = Pick<MembershipData, 'delivered' | 'read' | 'singles'>;

function writeCursors({ delivered, read, singles }: Cursors): void {
  writer.integer(delivered);
  writer.integer(read);
  writer.integer(singles.length);
  for (const sequence of singles) writer.integer(sequence);
}

function readCursors(reader: ByteReader): Cursors {
  const [delivered, read] = [reader.integer(), reader.integer()];
  return { delivered, read, singles: Array.from({ length: reader.count() }, () => reader.integer()) };
}

export function encodeCounter(sent: number): Uint8Array {
  writer.begin(version);
  writer.integer(sent);
  return writer.take();
}

export function decodeCounter(account: AccountId, value: Uint8Array): readonly [AccountId, number] | null {
  return readAll(value, (reader) => {
    readVersion(reader);
    return [account, reader.integer()] as const;
  });
}

export function encodeReceipt(receipt: ReceiptData): Uint8Array {
  writer.begin(version);
  writer.integer(receipt.to);
  writer.text(receipt.conversation);
  writer.integer(receipt.sequence);
  writer.byte(receipt.due ? 1 : 0);
  return writer.take();
}

/** `id` as in the key: `<sender>/<number>`. */
export function decodeReceipt(id: string, value: Uint8Array): ReceiptData | null {
  const [from = 0, number = 0] = id.split('/').map(Number);
  return readAll(value, (reader) => {
    readVersion(reader);
    const [to, conversation, sequence] = [reader.integer(), reader.text(), reader.integer()];
    return { from, number, to, conversation, sequence, due: reader.byte() === 1 };
  });
}

export function encodeSession(session: SessionData): Uint8Array {
  writer.begin(sessionVersionOf(session));
  if (session.parent !== null) writer.text(session.parent);
  writer.text(session.secretHash);
  writer.byte(session.ended ? 1 : 0);
  // Log indices begin at 1, so no account has the id 0.
  writer.integer(session.account ?? 0);
  writer.integer(session.usedIndex);
  writer.integer(session.usedMs);
  writer.integer(session.boundIndex);
  writer.integer(session.boundMs);
  writer.integer(session.floor);
  writer.integer(session.highest);
  writer.integer(session.answers.size);
  for (const [sequence, answer] of session.answers) {
    writer.integer(sequence);
    writer.integer(answer.fingerprint);
    writeResult(writer, answer.result);
  }
  if (session.token !== null) writer.integer(session.token);
  return writer.take();
}

function sessionVersionOf({ parent, token }: SessionData): number {
  if (parent !== null) return derivedVersion;
  return token === null ? sessionVersion : tokenSessionVersion;
}

export function decodeSession(id: SessionId, value: Uint8Array): SessionData | null {
  return readAll(value, (reader) => {
    const rowVersion = reader.byte();
    if (!sessionVersions.includes(rowVersion)) throw new MalformedBytes('unknown version');
    const parent = rowVersion === derivedVersion ? reader.text() : null;
    const secretHash = reader.text();
    const ended = reader.byte() === 1;
    const account = reader.integer() || null;
    const usedIndex = reader.integer();
    const usedMs = reader.integer();
    // The first version did not know: as old as can be, the same on every node.
    const boundIndex = rowVersion === version ? 0 : reader.integer();
    const boundMs = rowVersion === version ? 0 : reader.integer();
    const floor = reader.integer();
    const highest = reader.integer();
    const answers = new Map<number, RecordedAnswer>();
    for (let left = reader.count(); left > 0; left--) {
      const sequence = reader.integer();
      answers.set(sequence, { fingerprint: reader.integer(), result: readResult(reader) });
    }
    const token = rowVersion === tokenSessionVersion ? reader.integer() : null;
    return {
      id,
      secretHash,
      ended,
      account,
      token,
      parent,
      usedIndex,
      usedMs,
      boundIndex,
      boundMs,
      floor,
      highest,
      answers,
    };
  });
}

function readVersion(reader: ByteReader): void {
  if (reader.byte() !== version) throw new MalformedBytes('unknown version');
}
