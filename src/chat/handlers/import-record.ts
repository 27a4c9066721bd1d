import { groupMark } from '../../base/addresses.ts';
import { assert, unreachable } from '../../base/assert.ts';
import { limits } from '../../base/limits.ts';
import { exceedsBytes } from '../codecs/bytes.ts';
import { encodeMessage } from '../codecs/message-codec.ts';
import type { Conversation } from '../conversations/conversation.ts';
import { bearerName, isName, isPreparedName } from '../names/names.ts';
import { isDisplayName, isEmail } from '../names/profile-fields.ts';
import { isUuid } from '../names/uuid.ts';
import type { ImportedPlace, ImportRecord } from '../vocabulary/import-types.ts';
import type { Account, Command, MessageBody, RejectionCode, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { hashFault, nameFault } from './group-rights.ts';
import { importAmended } from './import-amended.ts';
import { importKept } from './import-kept.ts';
import { firstCredential } from './register.ts';
import { faultIn } from './send-file.ts';

type Import = Extract<Command, { kind: 'import' }>;
type RecordOf<Kind extends ImportRecord['kind']> = Extract<ImportRecord, { kind: Kind }>;

/** What was somebody's elsewhere becomes theirs here. A record that is there already is accepted again and changes nothing. */
export function importRecord(context: Context, { record }: Import): Result {
  if (context.session !== null || context.actor !== null) return reject('DENIED');
  switch (record.kind) {
    case 'account':
      return importAccount(context, record);
    case 'deleted-account':
      return importGone(context, record);
    case 'group':
      return importGroup(context, record);
    case 'direct':
      return importDirect(context, record);
    case 'member':
      return importMember(context, record);
    case 'message':
      return importMessage(context, record);
    case 'file':
      return importFile(context, record);
    case 'kept':
      return importKept(context, record);
    case 'amended':
      return importAmended(context, record);
    case 'receipt':
      return importReceipt(context, record);
  }
}

function importGone({ tables, moment }: Context, { uuid }: RecordOf<'deleted-account'>): Result {
  const { tombstones } = tables;
  const known = tombstones.accountOf(uuid);
  if (known !== undefined) return imported(known, null);
  if (!isUuid(uuid)) return reject('BAD_REQUEST');
  if (tombstones.size >= limits.tombstones) return reject('LIMIT_REACHED');
  tombstones.add({ uuid, account: moment.index });
  return imported(moment.index, null);
}

function importAccount(context: Context, record: RecordOf<'account'>): Result {
  const { accounts, senders } = context.tables;
  const { accountKind, sent, name, uuid, displayName, email, passwordHash, createdMs } = record;
  const known = accounts.byName(name);
  if (known !== undefined) return known.uuid === uuid ? imported(known.id, null) : reject('NAME_TAKEN');
  const fault = accountFault(context, record);
  if (fault !== null) return reject(fault);
  const { index: id } = context.moment;
  const kept = { name, uuid, displayName, email, passwordHash, createdMs };
  const account: Account = { id, kind: accountKind, credential: firstCredential, ...kept };
  accounts.add(account);
  senders.startAt(id, sent);
  context.emit({ kind: 'account-registered', account: id, name });
  return imported(id, null);
}

function accountFault({ tables }: Context, record: RecordOf<'account'>): RejectionCode | null {
  const { accountKind, name, uuid, displayName, email, passwordHash } = record;
  const isFit =
    accountKind === 'bearer'
      ? /^[0-9a-f]{64}$/.test(passwordHash) && name === bearerName(passwordHash)
      : isName(name) || isPreparedName(name);
  if (!isFit) return 'BAD_NAME';
  if (passwordHash.length > limits.passwordHashChars || !isUuid(uuid)) return 'BAD_REQUEST';
  if (displayName !== null && !isDisplayName(displayName)) return 'BAD_DISPLAY_NAME';
  if (email !== null && !isEmail(email)) return 'BAD_EMAIL';
  return email !== null && tables.accounts.byEmail(email) !== undefined ? 'EMAIL_TAKEN' : null;
}

/** A group of that name and time is the same one. Its owner need not be a member yet. */
function importGroup({ tables, moment }: Context, record: RecordOf<'group'>): Result {
  const { name, owner, passwordHash, createdMs, address } = record;
  const { conversations, accounts } = tables;
  const known = conversations.groups.byName(name);
  if (known !== undefined) {
    return known.createdMs === createdMs ? imported(null, known.id) : reject('GROUP_TAKEN');
  }
  const fault = nameFault(tables, name) ?? hashFault(passwordHash);
  if (fault !== null) return reject(fault);
  if (owner !== null && accounts.byId(owner) === undefined) return reject('UNKNOWN_USER');
  if (conversations.groups.size >= limits.groups) return reject('TOO_MANY_GROUPS');
  const id = `g:${moment.index}`;
  const data = { id, name, owner, passwordHash, credential: 1, createdMs, address };
  conversations.addGroup({ ...data, listenerPort: null, lastSequence: 0, lastIndex: 0 });
  return imported(null, id);
}

function importDirect({ tables }: Context, { ends, places }: RecordOf<'direct'>): Result {
  const { conversations, accounts } = tables;
  const [a, b] = ends;
  const known = conversations.knownDirect(a, b);
  if (known !== undefined) return imported(null, known.id);
  const living = places.map(({ account }) => account);
  const isSound =
    living.length > 0 &&
    new Set(living).size === living.length &&
    living.every((account) => ends.includes(account) && accounts.byId(account) !== undefined);
  if (!isSound) return reject('UNKNOWN_USER');
  return imported(null, conversations.openDirect(a, b, places.map(membershipOf)).id);
}

function importMember(context: Context, { conversation: id, place }: RecordOf<'member'>): Result {
  const { conversations, accounts } = context.tables;
  const conversation = conversations.byId(id);
  if (conversation === undefined || conversation.kind === 'direct') return reject('UNKNOWN_GROUP');
  if (accounts.byId(place.account) === undefined) return reject('UNKNOWN_USER');
  if (conversation.membership(place.account) === undefined) {
    const isFull = conversation.kind === 'group' && conversation.memberCount >= limits.groupMembers;
    if (isFull) return reject('GROUP_FULL');
    conversations.enter(conversation, { ...membershipOf(place), joinedIndex: context.moment.index });
  }
  return imported(null, id);
}

/** No account has this number: what is leased to it is of no quota but the cluster's. */
const importer = 0;

/** As an upload's, and renewed by each import that is repeated. Whether the content came is the node's to see. */
function importFile({ tables: { files }, moment }: Context, record: RecordOf<'file'>): Result {
  const { manifest, bytes } = record;
  if (!/^[0-9a-f]{64}$/.test(manifest)) return reject('BAD_REQUEST');
  const untilMs = moment.clusterMs + files.bounds.leaseMs;
  files.grant({ account: importer, manifest, bytes, untilMs, index: moment.index });
  return imported(null, null);
}

function importMessage(context: Context, record: RecordOf<'message'>): Result {
  const { tables, moment } = context;
  const { kind, ...content } = record;
  assert(kind === 'message', 'the caller chose by kind');
  const conversation = tables.conversations.byId(record.conversation);
  if (conversation === undefined) return reject('UNKNOWN_GROUP');
  if (record.sequence <= conversation.lastSequence) return imported(null, conversation.id);
  // One before it is missing.
  if (record.sequence !== conversation.lastSequence + 1) return reject('STALE_SEQUENCE');
  const fault = bodyFault(context, record.body);
  if (fault !== null) return reject(fault);
  const message = { ...content, index: moment.index };
  tables.conversations.append(conversation, message, encodeMessage(message));
  if (record.body.kind === 'file') {
    const { manifest, bytes } = record.body.file;
    const { sequence, from: owner } = record;
    tables.files.refer({ id: moment.index, conversation: conversation.id, sequence, manifest, bytes, owner });
  }
  // Told like any other message: whoever is online reads on without a gap.
  const fromName = tables.accounts.byId(record.from)?.name ?? '';
  const toName = record.to === null ? nameOf(conversation) : (tables.accounts.byId(record.to)?.name ?? '');
  context.emit({ kind: 'message', message, fromName, toName });
  return imported(null, conversation.id);
}

function bodyFault({ tables }: Context, body: MessageBody): RejectionCode | null {
  switch (body.kind) {
    case 'text':
      return exceedsBytes(body.text, limits.messageBytes) ? 'TOO_LONG' : null;
    case 'file': {
      const { manifest, bytes } = body.file;
      const fault = faultIn(body.file);
      if (fault !== null) return fault;
      return tables.files.lease(importer, manifest)?.bytes === bytes ? null : 'UNKNOWN_UPLOAD';
    }
    default:
      return unreachable(body);
  }
}

function importReceipt({ tables }: Context, record: RecordOf<'receipt'>): Result {
  const { kind, due, ...receipt } = record;
  assert(kind === 'receipt', 'the caller chose by kind');
  const { accounts, conversations, senders } = tables;
  if (accounts.byId(receipt.from) === undefined) return reject('UNKNOWN_USER');
  const conversation = conversations.byId(receipt.conversation);
  if (conversation?.kind !== 'direct') return reject('UNKNOWN_GROUP');
  if (senders.hasReceipt(receipt.from, receipt.number)) return imported(null, receipt.conversation);
  // An import that is repeated later: what was waited for then has come since.
  if (!due && conversation.isDelivered(receipt.to, receipt.sequence)) return imported(null, conversation.id);
  // Its message is missing.
  if (receipt.sequence > conversation.lastSequence) return reject('STALE_SEQUENCE');
  // Each receipt is of a message of its own, and of one that was counted.
  const isOwn = receipt.number <= senders.sentBy(receipt.from);
  if (!isOwn || senders.isWaitedFor(receipt.conversation, receipt.sequence)) return reject('BAD_REQUEST');
  if (senders.isFull(receipt.from)) return reject('TOO_MANY_PENDING');
  senders.expect(receipt, due);
  return imported(null, receipt.conversation);
}

function membershipOf(place: ImportedPlace): ImportedPlace & { readonly joinedIndex: number } {
  return { ...place, joinedIndex: 0 };
}

function nameOf(conversation: Conversation): string {
  return groupMark + (conversation.kind === 'group' ? conversation.name : conversation.id);
}

function imported(account: number | null, conversation: string | null): Result {
  return accept({ kind: 'imported', account, conversation });
}
