/**
 * The registry dialect: upper-case words, every line complete in itself, whoever asks named by a secret in it. Nothing is pushed: messages are
 * fetched. On a port of one group the group's argument is left out. Pure; the texts are those that scripts of this dialect look for.
 */
import { groupMark, isGroupAddress } from '../base/addresses.ts';
import { failureCode } from './common-errors.ts';
import { escapeLine } from './escape.ts';
import { type GroupEntry, lineTextOf, type MessageEntry, type Reply } from './requests.ts';

export type RegistryLine =
  | { readonly kind: 'register-group'; readonly group: string; readonly host: string; readonly port: number }
  | { readonly kind: 'list' | 'new-user' | 'invalid' | 'failed' }
  | { readonly kind: 'join' | 'leave'; readonly uid: string; readonly group: string }
  /** `to`: an address, of a group or a user. */
  | { readonly kind: 'send'; readonly uid: string; readonly to: string; readonly text: string }
  | {
      readonly kind: 'messages';
      readonly uid: string;
      readonly with: string;
      /** Null: from the beginning. */
      readonly sinceMs: number | null;
    }
  | { readonly kind: 'invite'; readonly code: string };

const registryDone = 'SUCCESS';
export const registryFailed = 'FAILED';
export const registryInvalid = 'Invalid command';

const invalid: RegistryLine = { kind: 'invalid' };
const failed: RegistryLine = { kind: 'failed' };

/** Never throws; `group` is the one that the port belongs to, or null. */
export function parseRegistry(line: string, group: string | null = null): RegistryLine {
  const [verb, rest] = cut(line);
  switch (verb) {
    case 'REGISTER_GROUP':
      return parseAddress(rest);
    case 'GET_GROUP_LIST':
      return rest === '' ? { kind: 'list' } : invalid;
    case 'NEW_USER':
      return rest === '' ? { kind: 'new-user' } : invalid;
    case 'JOIN_GROUP':
    case 'LEAVE_GROUP': {
      const [uid, named] = target(rest, group);
      const kind = verb === 'JOIN_GROUP' ? 'join' : 'leave';
      return uid === '' || named === '' || named.includes(' ') ? failed : { kind, uid, group: named };
    }
    case 'SEND_MESSAGE':
      return parseSend(rest, group);
    case 'GET_MESSAGES':
      return parseMessages(rest, group);
    case 'invite':
      return rest === '' ? failed : { kind: 'invite', code: rest };
    default:
      return invalid;
  }
}

function cut(text: string): readonly [string, string] {
  const space = text.indexOf(' ');
  return space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space + 1)];
}

/** Who asks, and the group with all that follows it. */
function target(rest: string, group: string | null): readonly [string, string] {
  const [uid, tail] = cut(rest);
  if (group === null) return [uid, tail];
  return [uid, tail === '' ? group : `${group} ${tail}`];
}

function parseAddress(rest: string): RegistryLine {
  const [group = '', host = '', portText = '', ...more] = rest.split(' ');
  const port = /^[0-9]{1,5}$/.test(portText) ? Number(portText) : 0;
  const isWhole = group !== '' && host !== '' && port >= 1 && port <= 65_535 && more.length === 0;
  return isWhole ? { kind: 'register-group', group, host, port } : failed;
}

function parseSend(rest: string, group: string | null): RegistryLine {
  const [uid, tail] = target(rest, group);
  const [named, text] = cut(tail);
  const to = addressOf(named);
  return to === null || text === '' ? failed : { kind: 'send', uid, to, text };
}

function parseMessages(rest: string, group: string | null): RegistryLine {
  const [uid, tail] = target(rest, group);
  const [named, timeText] = cut(tail);
  const address = addressOf(named);
  const sinceMs = timeText === '' ? null : parseTime(timeText);
  return address === null || Number.isNaN(sinceMs)
    ? failed
    : { kind: 'messages', uid, with: address, sinceMs };
}

/** `@user` is a user, anything else a group; null for nothing. */
function addressOf(named: string): string | null {
  if (named === '' || named === '@' || isGroupAddress(named)) return null;
  return named.startsWith('@') ? named.slice(1) : groupMark + named;
}

const timePattern = /^(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})$/;

/** `YYYY-MM-DD HH:MM:SS` (UTC) as milliseconds; NaN when it is no such time. */
function parseTime(text: string): number {
  const parts = timePattern.exec(text)?.slice(1).map(Number);
  if (parts === undefined) return Number.NaN;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  const isReal = month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month);
  if (!isReal || hour > 23 || minute > 59 || second > 59) return Number.NaN;
  return ((daysBefore(year, month, day) * 24 + hour) * 60 + minute) * 60_000 + second * 1_000;
}

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function daysOf(year: number, month: number): number {
  return (monthDays[month - 1] ?? 0) + (month === 2 && isLeap(year) ? 1 : 0);
}

/** Days from 1970-01-01 to the given one; negative before it. */
function daysBefore(year: number, month: number, day: number): number {
  const upTo = (end: number): number =>
    end * 365 + Math.floor((end + 3) / 4) - Math.floor((end + 99) / 100) + Math.floor((end + 399) / 400);
  let days = upTo(year) - upTo(1970) + day - 1;
  for (let before = 1; before < month; before++) days += daysOf(year, before);
  return days;
}

/** `YYYY-MM-DD HH:MM:SS` (UTC) of milliseconds since 1970. */
function formatTime(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const clock = [Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  let days = Math.floor(seconds / 86_400);
  let year = 1970;
  for (let length = 365; ; year++) {
    length = isLeap(year) ? 366 : 365;
    if (days < length) break;
    days -= length;
  }
  let month = 1;
  for (; days >= daysOf(year, month); month++) days -= daysOf(year, month);
  const date = [String(year).padStart(4, '0'), two(month), two(days + 1)].join('-');
  return `${date} ${clock.map(two).join(':')}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** The one line of an answer that is no list. */
export function formatRegistryReply(line: RegistryLine, reply: Reply): string {
  if (reply.kind === 'receipt') return registryDone;
  const code = failureCode(reply);
  if (line.kind === 'join' && code === 'ALREADY_MEMBER') return registryDone;
  const isStranger = code === 'NOT_A_MEMBER' || code === 'UNKNOWN_GROUP';
  return line.kind === 'leave' && isStranger ? 'User not a part of group.' : registryFailed;
}

/** Groups by name, as a list; those without an address of their own are found at `home`, on their own port where they have one. */
export function formatRegistryGroups(
  groups: readonly Pick<GroupEntry, 'name' | 'address' | 'port'>[],
  home: { readonly host: string; readonly port: number },
): readonly string[] {
  const lines = groups.map(({ name, address, port: own }) => {
    const { host, port } = address ?? { ...home, ...(own === undefined ? {} : { port: own }) };
    return `${name} - ${host} ${port}`;
  });
  return [...lines, ''];
}

export function formatRegistryMessage({
  from,
  sentMs,
  ...said
}: Pick<MessageEntry, 'from' | 'text' | 'sentMs' | 'via'>): string {
  return `${formatTime(sentMs)} - ${from} - ${escapeLine(lineTextOf(said))}`;
}
