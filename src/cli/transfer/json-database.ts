/**
 * The JSON database of the messenger's reference, both ways: users, direct messages between them with their numbers, and receipts that are still
 * to be told. It knows no groups and no times: what is loaded gets the time of the loading. A saved file carries hashes in place of passwords.
 */
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { CodedError } from '../../base/errors.ts';
import { uuidFor } from '../../gateway/secrets/identifiers.ts';
import type { Line } from './lines.ts';

const name = Type.String({ minLength: 1, maxLength: 64 });
const number = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const databaseSchema = Type.Object({
  user_list: Type.Array(
    Type.Object({ username: name, password: Type.String(), display_name: Type.Optional(Type.String()) }),
  ),
  message_list: Type.Array(
    Type.Object({
      number: Type.Union([number, Type.String({ pattern: '^[0-9]{1,15}$' })]),
      from: name,
      to: name,
      text: Type.String(),
      delivered: Type.Boolean(),
    }),
    { default: [] },
  ),
  notification_list: Type.Array(
    Type.Object({
      from: name,
      to: name,
      number: Type.Union([number, Type.String({ pattern: '^[0-9]{1,15}$' })]),
    }),
    { default: [] },
  ),
});

export type JsonDatabase = Static<typeof databaseSchema>;
type DatabaseMessage = JsonDatabase['message_list'][number];

/** Throws `CodedError` USAGE when the text is no such database. */
export function readJsonDatabase(text: string): JsonDatabase {
  const value = Value.Default(databaseSchema, parse(text));
  if (Value.Check(databaseSchema, value)) return value;
  const problem = Value.Errors(databaseSchema, value).First();
  throw new CodedError('USAGE', `this is no JSON database: ${problem?.path ?? ''} ${problem?.message ?? ''}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CodedError('USAGE', `this is no JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

/** Lines of an export with the same content; names are made from the users' names, so that a second loading finds the first. */
export function* linesOfDatabase(database: JsonDatabase, nowMs: number): Generator<Line, void, void> {
  const users = new Set(database.user_list.map(({ username }) => username));
  const messages = database.message_list;
  const sent = new Map<string, number>();
  for (const message of messages) {
    sent.set(message.from, Math.max(sent.get(message.from) ?? 0, Number(message.number)));
  }
  for (const user of database.user_list) yield accountLine(user, sent.get(user.username) ?? 0, nowMs);
  for (const stranger of new Set(messages.flatMap(({ from, to }) => [from, to]))) {
    if (!users.has(stranger))
      yield { kind: 'deleted-account', account: uuidOf(stranger), uuid: uuidOf(stranger) };
  }
  const dues = new Set(database.notification_list.map((due) => keyOf(due.from, Number(due.number))));
  for (const conversation of byPair(messages)) yield* conversationLines(conversation, users, dues, nowMs);
}

function accountLine(user: JsonDatabase['user_list'][number], sent: number, nowMs: number): Line {
  const { username, password, display_name: displayName } = user;
  const secret = password.startsWith('$argon2') ? { passwordHash: password } : { password };
  return {
    kind: 'account',
    account: uuidOf(username),
    accountKind: 'member',
    name: username,
    displayName: displayName === undefined || displayName === '' ? null : displayName,
    email: null,
    ...secret,
    createdMs: nowMs,
    sent,
  };
}

function* conversationLines(
  messages: readonly DatabaseMessage[],
  users: ReadonlySet<string>,
  dues: ReadonlySet<string>,
  nowMs: number,
): Generator<Line, void, void> {
  const ends = endsOf(messages[0]);
  const conversation = ends.map(uuidOf);
  const living = [...new Set(ends)].filter((end) => users.has(end));
  if (living.length === 0) return;
  yield { kind: 'direct', ends: conversation, places: living.map((end) => placeOf(end, messages)) };
  for (const [at, { from, to, text, number: sent }] of messages.entries()) {
    const common = { kind: 'message', conversation, sequence: at + 1, from: uuidOf(from), to: uuidOf(to) };
    yield { ...common, number: Number(sent), replyTo: null, body: { kind: 'text', text }, sentMs: nowMs };
  }
  for (const [at, { from, to, number: sent, delivered }] of messages.entries()) {
    const due = dues.has(keyOf(from, Number(sent)));
    if (!users.has(from) || !users.has(to) || (delivered && !due)) continue;
    const receipt = {
      kind: 'receipt',
      from: uuidOf(from),
      number: Number(sent),
      to: uuidOf(to),
      conversation,
    };
    yield { ...receipt, sequence: at + 1, due };
  }
}

/** How far one of the two got: up to the first message that did not reach them, and which of those behind it did. */
function placeOf(end: string, messages: readonly DatabaseMessage[]): Line {
  const reached = messages.map(({ to, delivered }) => to !== end || delivered);
  const gap = reached.indexOf(false);
  const delivered = gap < 0 ? messages.length : gap;
  const singles = reached.flatMap((isReached, at) => (isReached && at > delivered ? [at + 1] : []));
  const read = messages.findLastIndex(({ from }) => from === end) + 1;
  return { account: uuidOf(end), joinedBehind: 0, delivered, read, singles };
}

function byPair(messages: readonly DatabaseMessage[]): readonly (readonly DatabaseMessage[])[] {
  const pairs = new Map<string, DatabaseMessage[]>();
  for (const message of messages) {
    const key = endsOf(message).join(' ');
    const own = pairs.get(key);
    if (own === undefined) pairs.set(key, [message]);
    else own.push(message);
  }
  return [...pairs.values()];
}

function endsOf(message: DatabaseMessage | undefined): readonly string[] {
  return message === undefined ? [] : [message.from, message.to].sort();
}

function keyOf(from: string, sent: number): string {
  return `${from} ${sent}`;
}

function uuidOf(name: string): string {
  return uuidFor('json database', name);
}

interface SavedConversation {
  readonly delivered: ReadonlyMap<string, (sequence: number) => boolean>;
}

/** What of an export such a database can hold. */
export class DatabaseWriter {
  readonly #database: JsonDatabase = { user_list: [], message_list: [], notification_list: [] };
  readonly #names = new Map<string, string>();
  readonly #conversations = new Map<string, SavedConversation>();
  /** What there is no place for, by kind. */
  readonly left = new Map<string, number>();

  add(line: Line): void {
    switch (line.kind) {
      case 'account':
        this.#addAccount(line);
        return;
      case 'deleted-account':
        this.#names.set(String(line.account), String(line.account));
        return;
      case 'direct':
        this.#conversations.set(String(line.ends), { delivered: reachedBy(line.places) });
        return;
      case 'message':
        this.#addMessage(line);
        return;
      case 'receipt':
        if (line.due === true) {
          const [from, to] = [this.#nameOf(line.from), this.#nameOf(line.to)];
          this.#database.notification_list.push({ from, to, number: Number(line.number) });
        }
        return;
      case 'conclave-export':
      case 'end':
        return;
      default:
        this.#leave(String(line.kind));
    }
  }

  get database(): JsonDatabase {
    return this.#database;
  }

  #addAccount(line: Line): void {
    this.#names.set(String(line.account), String(line.name));
    if (line.accountKind !== 'member') {
      this.#leave('account without a password');
      return;
    }
    this.#database.user_list.push({
      username: String(line.name),
      password: String(line.passwordHash),
      display_name: line.displayName === null ? '' : String(line.displayName),
    });
  }

  #addMessage(line: Line): void {
    const conversation = this.#conversations.get(String(line.conversation));
    const { body } = line;
    const text = typeof body === 'object' && body !== null && 'text' in body ? String(body.text) : null;
    if (conversation === undefined || text === null) {
      this.#leave(conversation === undefined ? 'message of a group' : 'file');
      return;
    }
    const reached = conversation.delivered.get(String(line.to));
    this.#database.message_list.push({
      number: Number(line.number),
      from: this.#nameOf(line.from),
      to: this.#nameOf(line.to),
      text,
      delivered: reached?.(Number(line.sequence)) ?? true,
    });
  }

  #nameOf(account: unknown): string {
    return this.#names.get(String(account)) ?? String(account);
  }

  #leave(what: string): void {
    this.left.set(what, (this.left.get(what) ?? 0) + 1);
  }
}

function reachedBy(places: unknown): ReadonlyMap<string, (sequence: number) => boolean> {
  const found = new Map<string, (sequence: number) => boolean>();
  for (const place of Array.isArray(places) ? places : []) {
    const { account, delivered, singles } = place as Line;
    const single = new Set(Array.isArray(singles) ? singles : []);
    found.set(String(account), (sequence) => sequence <= Number(delivered) || single.has(sequence));
  }
  return found;
}
