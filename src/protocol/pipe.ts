/**
 * The pipe dialect: one line a command, its fields parted by `|`, the last field being the rest of the line. A reply is one line,
 * or a list that ends with an empty line. The terminal client's keyboard speaks it too, on its own side of the native protocol.
 * Both directions are pure; every text that a person of this dialect may look for is here or in `pipe-errors.ts`.
 */
import { groupNameIn, isGroupAddress } from '../base/addresses.ts';
import { unreachable } from '../base/assert.ts';
import { errorTable } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { escapeLine } from './escape.ts';
import type { GroupRequest } from './group-requests.ts';
import { formatPipeError, formatPipeRejection, joinedLine, type PipeOptions } from './pipe-errors.ts';
import {
  type ClientRequest,
  lineTextOf,
  type MessageEntry,
  type Profile,
  type Reply,
  type Success,
} from './requests.ts';

export type PipeLine =
  | { readonly kind: 'request'; readonly request: ClientRequest }
  /** Answered with `pipeHelp`, whatever the state of the cluster. */
  | { readonly kind: 'help' }
  /** Log out, answered with `pipeGoodbye`, whatever the state of the cluster. */
  | { readonly kind: 'quit' }
  /** The code of an invitation, for a registration that follows; answered with `pipeInvited`. */
  | { readonly kind: 'invite'; readonly code: string }
  /** Answered with `text`; nothing is to be done. */
  | { readonly kind: 'invalid'; readonly text: string };

export const pipeInvited = 'OK';

export const pipeGoodbye = 'Goodbye!';

/** Ends every list, also an empty one. */
export const pipeListEnd = '';

const invalidRequest = 'Invalid request, use "h" for usage help!';

interface Verb {
  /** The forms of the line, as help and usage show them. */
  readonly usage: string;
  readonly help: string;
  /** Fields after the verb; the last one takes the rest of the line. */
  readonly fields: { readonly min: number; readonly max: number };
  /** Null when the fields are as many as they should be and still wrong. */
  parse(first: string, second: string | undefined): PipeLine | null;
}

const verbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  [
    '1',
    {
      usage: '1|user|password',
      help: 'register a new account',
      fields: { min: 2, max: 2 },
      parse: (user, password = '') => asRequest({ op: 'register', user, password }),
    },
  ],
  [
    '2',
    {
      usage: '2|user|password',
      help: 'log in',
      fields: { min: 2, max: 2 },
      parse: (user, password = '') => asRequest({ op: 'login', user, password }),
    },
  ],
  [
    '3',
    {
      usage: '3|user',
      help: 'delete your account',
      fields: { min: 1, max: 1 },
      // No name holds a bar: this is a field too many.
      parse: (user) => (user.includes('|') ? null : asRequest({ op: 'delete', user })),
    },
  ],
  [
    '4',
    {
      usage: '4',
      help: 'list all users',
      fields: { min: 0, max: 0 },
      parse: () => asRequest({ op: 'users' }),
    },
  ],
  [
    '5',
    {
      usage: '5|pattern',
      help: 'search for users by the start of their names, or with * and ?',
      fields: { min: 1, max: 1 },
      parse: (pattern) => asRequest({ op: 'search', pattern }),
    },
  ],
  [
    'd',
    {
      usage: 'd|to|message',
      help: 'send a private message, or one to a group with d|#group|message',
      fields: { min: 2, max: 2 },
      parse: parseSend,
    },
  ],
  [
    'j',
    {
      usage: 'j|#group or j|#group|password',
      help: 'join a group, or create it',
      fields: { min: 1, max: 2 },
      parse: parseJoin,
    },
  ],
  [
    '6',
    {
      usage: `6|user or 6|user|N`,
      help: `show the last ${limits.historyDefaultMessages} messages with a user or a #group, or the last N (at most ${limits.historyMessages})`,
      fields: { min: 1, max: 2 },
      parse: parseHistory,
    },
  ],
  ['q', { usage: 'q', help: 'log out', fields: { min: 0, max: 0 }, parse: () => ({ kind: 'quit' }) }],
  ['h', { usage: 'h', help: 'show this help', fields: { min: 0, max: 0 }, parse: () => ({ kind: 'help' }) }],
]);

/** Never throws; `line` is without its end. */
export function parsePipe(line: string): PipeLine {
  const invited = /^invite ([!-~]{1,128})$/.exec(line)?.[1];
  if (invited !== undefined) return { kind: 'invite', code: invited };
  const bar = line.indexOf('|');
  const name = bar < 0 ? line : line.slice(0, bar);
  const verb = verbs.get(name);
  if (verb === undefined) return { kind: 'invalid', text: invalidRequest };
  const fields = bar < 0 ? [] : splitFields(line.slice(bar + 1), verb.fields.max);
  if (fields.length < verb.fields.min || fields.length > verb.fields.max) return wrongArguments(verb);
  return verb.parse(fields[0] ?? '', fields[1]) ?? wrongArguments(verb);
}

/** At most `max` fields (at least one), the last one with whatever bars are left in it. */
function splitFields(text: string, max: number): readonly string[] {
  const bar = text.indexOf('|');
  if (bar < 0 || max < 2) return [text];
  return [text.slice(0, bar), text.slice(bar + 1)];
}

function parseSend(to: string, text = ''): PipeLine | null {
  return text === '' ? null : asRequest({ op: 'send', to, text });
}

function parseJoin(group: string, password: string | undefined): PipeLine | null {
  const name = groupNameIn(group);
  const secret = password === undefined ? {} : { password };
  return name === null ? null : asRequest({ op: 'join-group', group: name, create: true, ...secret });
}

function parseHistory(user: string, count: string | undefined): PipeLine | null {
  const limit = count === undefined ? limits.historyDefaultMessages : readCount(count);
  return limit === null ? null : asRequest({ op: 'history', with: user, limit });
}

function readCount(text: string): number | null {
  if (!/^[0-9]{1,6}$/.test(text)) return null;
  const count = Number(text);
  return count >= 1 && count <= limits.historyMessages ? count : null;
}

function asRequest(request: ClientRequest): PipeLine {
  return { kind: 'request', request };
}

function wrongArguments(verb: Verb): PipeLine {
  return { kind: 'invalid', text: `Invalid arguments! Usage: ${verb.usage}` };
}

/** Every command, one a line, as a list. */
export function pipeHelp(): readonly string[] {
  const lines = [...verbs.values()].map((verb) => `${verb.usage} - ${verb.help}`);
  return [...lines, 'invite CODE - show an invitation, before you register with it', pipeListEnd];
}

/** The lines of the answer, without their ends. */
export function formatPipeReply(
  request: ClientRequest,
  reply: Reply,
  options: PipeOptions,
): readonly string[] {
  switch (reply.kind) {
    case 'receipt':
      return formatSuccess(request, reply.value);
    case 'rejection':
      return [formatPipeRejection(request, reply.code, reply.text, options)];
    case 'unknown':
      return [formatPipeError('UNKNOWN_OUTCOME', reply.text || errorTable.UNKNOWN_OUTCOME.text)];
    default:
      unreachable(reply);
  }
}

function formatSuccess(request: ClientRequest, value: Success): readonly string[] {
  switch (value.op) {
    case 'register':
      return [`New account created! User ID: ${value.user}. Please log in.`];
    case 'login':
      return [`Login successful - welcome back ${value.user}!`];
    case 'logout':
      return [pipeGoodbye];
    case 'delete':
      return [`Account ${value.user} has been deleted.`];
    case 'change-password':
      return ['Password changed.'];
    case 'set-profile':
      return ['Profile saved.'];
    case 'profile':
      return [...profileLines(value), pipeListEnd];
    case 'send':
    case 'send-file':
      return [
        value.online || isGroupAddress(value.to)
          ? `Message sent to ${value.to}.`
          : `Message will be delivered to ${value.to} after the account is online.`,
      ];
    case 'join-group':
      return [joinedLine(value.group)];
    case 'users':
      if (value.users.length === 0) return ['No existing users!', pipeListEnd];
      return [...value.users.map((user) => (user.online ? `${user.name} ✅` : user.name)), pipeListEnd];
    case 'search':
      if (value.users.length === 0) return [noneFound(request), pipeListEnd];
      return [...value.users.map((user) => (user.online ? `${user.name} (live)` : user.name)), pipeListEnd];
    case 'history':
    case 'find':
      return [...value.messages.map(formatPipePush), pipeListEnd];
    case 'create-group':
    case 'leave-group':
    case 'visit-group':
    case 'rename-group':
    case 'set-group-password':
    case 'set-group-retention':
    case 'remove-member':
    case 'transfer-group':
    case 'delete-group':
    case 'announce-group':
      return [groupSentence(value.op, value.group)];
    case 'edit':
    case 'delete-message':
    case 'react':
    case 'amendments':
    case 'watch':
    case 'typing':
      return ['OK'];
    case 'online':
      return [...value.online.map(({ name }) => name), pipeListEnd];
    case 'groups':
      return [...value.groups.map(({ name }) => name), pipeListEnd];
    case 'members':
      return [...value.members.map(({ name }) => name), pipeListEnd];
    case 'conversations':
      return [...value.conversations.map(({ name }) => name), pipeListEnd];
    case 'create-token':
    case 'revoke-token':
      return [`Token ${value.id} ${value.op === 'create-token' ? 'created' : 'revoked'}.`];
    case 'create-hook':
    case 'remove-hook':
    case 'resume-hook':
      return [`Webhook ${value.id}.`];
    case 'hooks':
      return [...value.hooks.map(({ id, name }) => `${id} ${escapeLine(name)}`), pipeListEnd];
    case 'tokens':
      return [...value.tokens.map(({ id, name }) => `${id} ${escapeLine(name)}`), pipeListEnd];
    default:
      unreachable(value);
  }
}

function profileLines(profile: Profile): readonly string[] {
  const { user, displayName, email, uuid } = profile;
  return [
    `Name: ${user}`,
    `Display name: ${escapeLine(displayName ?? '-')}`,
    `E-mail: ${email ?? '-'}`,
    `UUID: ${uuid}`,
  ];
}

/** No line of this dialect asks for these; the terminal client's own commands do. */
function groupSentence(op: Exclude<GroupRequest['op'], 'join-group'>, group: string): string {
  switch (op) {
    case 'create-group':
      return `Created group #${group}.`;
    case 'leave-group':
      return `Left group #${group}.`;
    case 'visit-group':
      return `In group #${group}.`;
    case 'rename-group':
      return `The group is called #${group}.`;
    case 'set-group-password':
      return `Changed the password of group #${group}.`;
    case 'set-group-retention':
      return `Changed how long messages of group #${group} are kept.`;
    case 'remove-member':
      return `Removed from group #${group}.`;
    case 'transfer-group':
      return `Handed over group #${group}.`;
    case 'delete-group':
      return `Deleted group #${group}.`;
    case 'announce-group':
      return `Announced group #${group}.`;
    default:
      unreachable(op);
  }
}

function noneFound(request: ClientRequest): string {
  const pattern = request.op === 'search' ? request.pattern : '';
  return `No usernames starting with ${escapeLine(pattern)}`;
}

/** A message as it arrives, and as a line of a conversation's history (a page of which goes without the list's end). */
export function formatPipePush({
  from,
  to,
  ...said
}: Pick<MessageEntry, 'from' | 'to' | 'text' | 'via'>): string {
  const sender = isGroupAddress(to) ? `${to} ${from}` : from;
  return `[${sender}] ${escapeLine(lineTextOf(said))}`;
}
