/** Tables of the words dialect's reference as lines of an export. Who wrote in a group becomes a member of it: its tables do not say who is. */

import { uuidFor } from '../../gateway/secrets/identifiers.ts';
import type { Line } from './lines.ts';
import type { DumpTable } from './mysql-dump.ts';

type Row = Readonly<Record<string, string | null>>;

interface DumpMessage {
  readonly sender: string;
  readonly group: string;
  readonly text: string;
  readonly sentMs: number;
}

/** `problem` hears of rows that mean nothing. */
export function* linesOfDump(
  tables: readonly DumpTable[],
  nowMs: number,
  problem: (text: string) => void,
): Generator<Line, void, void> {
  const users = rowsOf(tables.find(({ name }) => name === 'users'));
  const groups = rowsOf(tables.find(({ name }) => name === 'groupchat'));
  const messages = messagesOf(tables, nowMs);
  const names = new Map<string, string>();
  for (const user of users) {
    for (const key of [user.id, user.name, user.email]) if (key != null) names.set(key, user.name ?? '');
  }
  const counts = new Map<string, number>();
  for (const { sender } of messages) {
    const name = names.get(sender);
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const user of users) yield accountLine(user, counts.get(user.name ?? '') ?? 0, nowMs);
  const known = new Map<string, string>();
  for (const group of groups) {
    const id = group.id ?? '';
    for (const key of [group.name, group.id]) if (key != null) known.set(key, id);
    const secret = group.password ? { password: group.password } : { passwordHash: null };
    yield { kind: 'group', name: id, owner: null, ...secret, createdMs: nowMs, address: null };
  }
  yield* groupLines(messages, names, known, problem);
}

function accountLine(user: Row, sent: number, nowMs: number): Line {
  const { name, email, password } = user;
  const secret = password?.startsWith('$argon2') ? { passwordHash: password } : { password: password ?? '' };
  return {
    kind: 'account',
    account: uuidOf(name ?? ''),
    accountKind: 'member',
    name: name ?? '',
    displayName: null,
    email: email ?? null,
    ...secret,
    createdMs: nowMs,
    sent,
  };
}

function* groupLines(
  messages: readonly DumpMessage[],
  names: ReadonlyMap<string, string>,
  groups: ReadonlyMap<string, string>,
  problem: (text: string) => void,
): Generator<Line, void, void> {
  const byGroup = new Map<string, DumpMessage[]>();
  for (const message of messages) {
    const group = groups.get(message.group);
    if (group === undefined || !names.has(message.sender)) {
      problem(`message of ${message.sender} to ${message.group}: no such user or group`);
      continue;
    }
    const own = byGroup.get(group);
    if (own === undefined) byGroup.set(group, [message]);
    else own.push(message);
  }
  const numbers = new Map<string, number>();
  for (const [group, own] of byGroup) {
    own.sort((a, b) => a.sentMs - b.sentMs);
    const writers = [...new Set(own.map(({ sender }) => names.get(sender) ?? ''))];
    for (const writer of writers) {
      const place = { joinedBehind: 0, delivered: own.length, read: own.length, singles: [] };
      yield { kind: 'member', conversation: `#${group}`, account: uuidOf(writer), ...place };
    }
    for (const [at, { sender, text, sentMs }] of own.entries()) {
      const name = names.get(sender) ?? '';
      const number = (numbers.get(name) ?? 0) + 1;
      numbers.set(name, number);
      const common = {
        kind: 'message',
        conversation: `#${group}`,
        sequence: at + 1,
        from: uuidOf(name),
        to: null,
      };
      yield { ...common, number, replyTo: null, body: { kind: 'text', text }, sentMs };
    }
  }
}

function rowsOf(table: DumpTable | undefined): readonly Row[] {
  if (table === undefined) return [];
  return table.rows.map((row) =>
    Object.fromEntries(table.columns.map((column, at) => [column.toLowerCase(), row[at] ?? null])),
  );
}

/** The first other table whose columns are named for a sender, a group and a text. */
function messagesOf(tables: readonly DumpTable[], nowMs: number): readonly DumpMessage[] {
  for (const table of tables) {
    if (table.name === 'users' || table.name === 'groupchat') continue;
    const free = new Set(table.columns.map((name) => name.toLowerCase()));
    const sender = takeColumn(free, [/sender|author/, /from|user/]);
    const group = takeColumn(free, [/group/, /room/, /chat/]);
    const text = takeColumn(free, [/^(?!.*id$).*(?:text|content|body)/, /^(?!.*id$).*(?:message|msg)/]);
    if (sender === undefined || group === undefined || text === undefined) continue;
    const time = takeColumn(free, [/time|date|created/, /sent/]);
    return rowsOf(table).map((row) => ({
      sender: row[sender] ?? '',
      group: row[group] ?? '',
      text: row[text] ?? '',
      sentMs: timeOf(time === undefined ? null : (row[time] ?? null), nowMs),
    }));
  }
  return [];
}

/** The first column of the first pattern that fits any, for this use alone. A `message_id` is no text. */
function takeColumn(free: Set<string>, patterns: readonly RegExp[]): string | undefined {
  for (const pattern of patterns) {
    const found = [...free].find((name) => pattern.test(name));
    if (found === undefined) continue;
    free.delete(found);
    return found;
  }
  return undefined;
}

/** `YYYY-MM-DD HH:MM:SS` taken as UTC. */
function timeOf(text: string | null, nowMs: number): number {
  const ms = text === null ? Number.NaN : Date.parse(`${text.replace(' ', 'T')}Z`);
  return Number.isNaN(ms) || ms < 0 ? nowMs : ms;
}

function uuidOf(name: string): string {
  return uuidFor('mysql dump', name);
}
