/**
 * The messenger dialect: fields parted by `|`, store and forward, numbered receipts. Requests and acknowledgements of pushes share the
 * connection: what begins with `0|` acknowledges. Pure; the texts are those that people of this dialect look for.
 */
import { isGroupAddress } from '../base/addresses.ts';
import { failureCode, failureText } from './common-errors.ts';
import { escapeLine } from './escape.ts';
import type { ClientRequest, Reply } from './requests.ts';

export type MessengerLine =
  | {
      readonly kind: 'register';
      readonly user: string;
      readonly password: string;
      /** The third field: a display name, or an e-mail address where it was `ADD`. */
      readonly displayName?: string;
      readonly email?: string;
    }
  | { readonly kind: 'login'; readonly user: string; readonly password: string }
  | { readonly kind: 'port'; readonly port: number | null }
  | { readonly kind: 'send'; readonly from: string; readonly to: string; readonly text: string }
  | { readonly kind: 'join'; readonly group: string; readonly password: string | null }
  | { readonly kind: 'invite'; readonly code: string }
  | { readonly kind: 'out' }
  /** The push with this number has arrived. */
  | { readonly kind: 'acknowledge'; readonly number: number }
  /** The oldest receipt has arrived. */
  | { readonly kind: 'confirm' }
  | { readonly kind: 'unknown' };

export const messengerAccepted = '0|OK';
export const messengerPortAccepted = 'OK';
export const messengerPortRefused = '1|Port not allowed';
export const messengerUnknown = 'ERR|Unknown Command.';
/** Nobody by that name, or somebody else than who is logged in. */
export const messengerSenderUnknown = "1|Sender doesn't exist";

const unknown: MessengerLine = { kind: 'unknown' };

/** Never throws; `line` is without its end. */
export function parseMessenger(line: string): MessengerLine {
  const [verb = '', ...rest] = line.split('|');
  switch (verb) {
    case 'USR':
    case 'ADD':
      return parseRegister(verb, fields(line, 3));
    case 'LOG':
    case 'LOGIN': {
      const [user, password] = fields(line, 2) ?? [];
      return password === undefined || user === undefined ? unknown : { kind: 'login', user, password };
    }
    case 'PORT':
      return rest.length === 1 ? { kind: 'port', port: readPort(rest[0] ?? '') } : unknown;
    case 'MSG': {
      const [from, to, text] = fields(line, 3) ?? [];
      const isWhole = from !== undefined && to !== undefined && text !== undefined && text !== '';
      return isWhole ? { kind: 'send', from, to, text } : unknown;
    }
    case 'JOIN':
      return parseJoin(line);
    case 'INVITE':
      return rest.length === 1 && rest[0] ? { kind: 'invite', code: rest[0] } : unknown;
    case 'OUT':
      return line === 'OUT|OK' ? { kind: 'out' } : unknown;
    case 'QUIT':
      return line === 'QUIT|DISCONNECT' ? { kind: 'out' } : unknown;
    case '0':
      return parseAcknowledgement(rest);
    default:
      return unknown;
  }
}

/** Exactly `count` fields behind the verb, the last one being the rest of the line; null when they are fewer. */
function fields(line: string, count: number): readonly string[] | null {
  const parts = line.split('|').slice(1);
  if (parts.length < count) return null;
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join('|')];
}

function parseRegister(verb: 'USR' | 'ADD', parts: readonly string[] | null): MessengerLine {
  const [user, password, third] = parts ?? [];
  if (user === undefined || password === undefined || third === undefined) return unknown;
  const account = { kind: 'register', user, password } as const;
  return verb === 'USR' ? { ...account, displayName: third } : { ...account, email: third };
}

function parseJoin(line: string): MessengerLine {
  const [, group = '', ...rest] = line.split('|');
  if (!isGroupAddress(group) || group.length < 2) return unknown;
  return { kind: 'join', group: group.slice(1), password: rest.length === 0 ? null : rest.join('|') };
}

function parseAcknowledgement(rest: readonly string[]): MessengerLine {
  const [what = ''] = rest;
  if (rest.length !== 1) return unknown;
  if (what === 'OK') return { kind: 'confirm' };
  return /^[0-9]{6,15}$/.test(what) ? { kind: 'acknowledge', number: Number(what) } : unknown;
}

function readPort(text: string): number | null {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1_024 && port <= 65_535 ? port : null;
}

/** What the line asks of the cluster; null when it asks nothing. */
export function messengerRequest(line: MessengerLine): ClientRequest | null {
  switch (line.kind) {
    case 'register': {
      const { user, password, displayName, email } = line;
      const name = displayName === undefined || displayName === '' ? {} : { displayName };
      return { op: 'register', user, password, ...name, ...(email === undefined ? {} : { email }) };
    }
    case 'login':
      return { op: 'login', user: line.user, password: line.password };
    case 'send': {
      const { to, text } = line;
      return { op: 'send', to, text, ...(isGroupAddress(to) ? {} : { receipt: true }) };
    }
    case 'join': {
      const password = line.password === null ? {} : { password: line.password };
      return { op: 'join-group', group: line.group, ...password, create: true };
    }
    default:
      return null;
  }
}

/** The one line of the answer. */
export function formatMessengerReply(line: MessengerLine, reply: Reply): string {
  if (reply.kind === 'receipt') {
    return reply.value.op === 'send' ? `0|${messengerNumber(reply.value.number)}` : messengerAccepted;
  }
  const code = failureCode(reply);
  // Who is in it already has what was asked for.
  if (line.kind === 'join' && code === 'ALREADY_MEMBER') return messengerAccepted;
  return (code === null ? null : ownSentence(line, code)) ?? messengerError(failureText(reply));
}

/** The form of errors that any command can meet. */
export function messengerError(text: string): string {
  return `9|${text}`;
}

function ownSentence(line: MessengerLine, code: string): string | null {
  switch (line.kind) {
    case 'register':
      return code === 'NAME_TAKEN' ? '1|user already exists' : null;
    case 'login':
      if (code === 'BAD_CREDENTIALS' || code === 'UNKNOWN_USER') return '1|Invalid Credentials';
      return code === 'ALREADY_LOGGED_IN' || code === 'LOGGED_IN_ELSEWHERE' ? '2|Already signed in.' : null;
    case 'send':
      if (code === 'AUTH_REQUIRED') return messengerSenderUnknown;
      return ['UNKNOWN_USER', 'UNKNOWN_GROUP', 'NOT_A_MEMBER'].includes(code)
        ? "2|Receiver doesn't exist"
        : null;
    default:
      return null;
  }
}

/** At least six digits. */
export function messengerNumber(number: number): string {
  return String(number).padStart(6, '0');
}

/** A message on its way to a reader, who acknowledges it with `0|` and its number. */
export function formatMessengerPush(from: string, number: number, text: string): string {
  return `R|${from}|${messengerNumber(number)}|${escapeLine(text)}`;
}

/** For the sender, once the receiver has acknowledged; confirmed with `0|OK`. */
export function formatMessengerReceipt(from: string, to: string, number: number): string {
  return `OK|${from}|${to}|${messengerNumber(number)}`;
}
