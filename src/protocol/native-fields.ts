/**
 * The fields of each native request: what must be there, what may be, and what it must be. Written out as tables instead of compiled
 * from a schema: a name like `__proto__` has no entry and is refused like any unknown key.
 */
import { limits } from '../base/limits.ts';
import { isAddress } from './manifest.ts';
import type { NativeRequest } from './native.ts';

export type Operation = NativeRequest['op'];

export interface Field {
  readonly required: boolean;
  readonly test: (value: unknown) => boolean;
  /** Completes "<key> must be …". */
  readonly is: string;
}

/** Key → field, `op` left out. */
export type Fields = ReadonlyMap<string, Field>;

const clientTextChars = 128;
const sessionPattern = /^[0-9a-f]{32}$/;
const secretPattern = /^[0-9a-f]{64}$/;

const text: Field = { required: true, test: (value) => typeof value === 'string', is: 'a text' };
const textOrNull: Field = {
  required: true,
  test: (value) => typeof value === 'string' || value === null,
  is: 'a text or null',
};
const positive: Field = { required: true, test: (value) => isInteger(value, 1), is: 'a positive integer' };
const natural: Field = { required: true, test: (value) => isInteger(value, 0), is: 'an integer, 0 or more' };
const session: Field = {
  required: true,
  test: (value) => typeof value === 'string' && sessionPattern.test(value),
  is: '32 hexadecimal digits',
};
const secret: Field = {
  required: true,
  test: (value) => typeof value === 'string' && secretPattern.test(value),
  is: '64 hexadecimal digits',
};
const manifest: Field = {
  required: true,
  test: (value) => typeof value === 'string' && isAddress(value),
  is: '64 hexadecimal digits',
};
const client: Field = {
  required: false,
  test: (value) => typeof value === 'string' && value.length <= clientTextChars,
  is: `a text of at most ${clientTextChars} characters`,
};
const flag: Field = { required: true, test: (value) => typeof value === 'boolean', is: 'true or false' };
const historyLimit: Field = {
  required: true,
  test: (value) => isInteger(value, 1) && Number(value) <= limits.historyMessages,
  is: `an integer from 1 to ${limits.historyMessages}`,
};

const findLimit: Field = {
  required: false,
  test: (value) => isInteger(value, 1) && Number(value) <= limits.findMessages,
  is: `an integer from 1 to ${limits.findMessages}`,
};

const keepDays: Field = {
  required: true,
  test: (value) => isInteger(value, 0) && Number(value) <= limits.keepDays,
  is: `an integer from 0 to ${limits.keepDays}`,
};

const numbered = { n: positive, low: positive };
const query = { q: natural, stale: optional(flag) };
const namePage = { limit: optional(positive), after: optional(text) };

const table: { readonly [Op in Operation]: Readonly<Record<string, Field>> } = {
  hello: { v: positive, session, secret, after: optional(natural), client },
  register: {
    ...numbered,
    user: text,
    password: text,
    displayName: optional(text),
    email: optional(text),
    invitation: optional(text),
  },
  login: {
    ...numbered,
    user: text,
    password: text,
    previous: optional(session),
    previousSecret: optional(secret),
  },
  'enter-guest': { ...numbered, user: text },
  'enter-bearer': { ...numbered, secret: text, invitation: optional(text) },
  'enter-token': { ...numbered, token: text },
  'create-token': { ...numbered, name: text, hash: manifest, scopes: text, lifetimeMs: optional(positive) },
  'revoke-token': { ...numbered, id: positive },
  tokens: query,
  'create-hook': { ...numbered, to: text, name: text, url: optional(text) },
  'remove-hook': { ...numbered, id: positive },
  'resume-hook': { ...numbered, id: positive },
  hooks: query,
  'change-password': { ...numbered, current: optional(text), password: text },
  'set-profile': { ...numbered, displayName: optional(textOrNull), email: optional(textOrNull) },
  profile: query,
  logout: numbered,
  delete: { ...numbered, user: text },
  send: { ...numbered, to: text, text, replyTo: optional(positive) },
  'send-file': {
    ...numbered,
    to: text,
    name: text,
    type: text,
    bytes: natural,
    manifest,
    replyTo: optional(positive),
  },
  edit: { ...numbered, conversation: text, sequence: positive, text },
  'delete-message': { ...numbered, conversation: text, sequence: positive },
  react: {
    ...numbered,
    conversation: text,
    sequence: positive,
    reaction: text,
    remove: optional(flag),
  },
  'create-group': { ...numbered, group: text, password: optional(text) },
  'join-group': { ...numbered, group: text, password: optional(text), create: optional(flag) },
  'leave-group': { ...numbered, group: text },
  'visit-group': { ...numbered, group: text, entering: flag },
  'rename-group': { ...numbered, group: text, name: text },
  'set-group-password': { ...numbered, group: text, password: optional(text) },
  'set-group-retention': { ...numbered, group: text, days: optional(keepDays) },
  'remove-member': { ...numbered, group: text, user: text },
  'transfer-group': { ...numbered, group: text, user: text },
  'delete-group': { ...numbered, group: text },
  users: query,
  search: { ...query, pattern: text },
  online: query,
  groups: { ...query, ...namePage },
  members: { ...query, group: text, ...namePage },
  conversations: query,
  history: {
    ...query,
    with: text,
    limit: historyLimit,
    before: optional(positive),
    after: optional(natural),
    since: optional(natural),
  },
  find: {
    ...query,
    text,
    with: optional(text),
    from: optional(text),
    limit: findLimit,
    before: optional(positive),
  },
  watch: { ...query, on: optional(flag) },
  typing: { ...query, with: text },
  amendments: { ...query, conversation: text, limit: historyLimit, after: optional(natural) },
  ack: { index: natural },
  read: { conversation: text, sequence: positive },
  ping: {},
};

export const fieldsOf: ReadonlyMap<unknown, Fields> = new Map(
  Object.entries(table).map(([op, fields]) => [op, new Map(Object.entries(fields))]),
);

function optional(field: Field): Field {
  return { ...field, required: false };
}

function isInteger(value: unknown, min: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min;
}
