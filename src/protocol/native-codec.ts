/**
 * Frames of the native protocol on the node's side: text of a client → checked requests, objects for a client → texts of at most
 * `limits.frameBytes`. docs/protocol.md tells what they mean.
 */
import type { ErrorCode } from '../base/errors.ts';
import { CodedError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { repeatedKey, scanJson } from './json-scan.ts';
import type { NativeFrame, NativeReply, NativeRequest } from './native.ts';
import { fieldsOf } from './native-fields.ts';
import type { Success } from './requests.ts';

export type NativeInput =
  | { readonly kind: 'request'; readonly request: NativeRequest }
  /**
   * `reply` says which request to refuse. Without it nobody can be told by number: the connection is to be closed with this
   * code, since an answer that the client waits for would never come.
   */
  | {
      readonly kind: 'invalid';
      readonly reply: { readonly n: number } | { readonly q: number } | null;
      readonly code: ErrorCode;
      readonly text: string;
    };

/** A frame may hold as many requests as a session may have in flight. */
const requestsPerFrame = limits.inFlightPerSession;
/** An array of flat objects: nothing in a request nests. */
const frameDepth = 2;

/** In the order of the frame. Never throws; a frame that is no JSON, nests, or repeats a key is one `invalid` as a whole. */
export function parseNative(frame: string): readonly NativeInput[] {
  if (frame.length > limits.frameBytes) return [invalidFrame('FRAME_TOO_LARGE', 'The frame is too large.')];
  const scan = scanJson(frame);
  if (scan.depth > frameDepth) return [invalidFrame('BAD_REQUEST', 'The frame nests too deep.')];
  const parsed = parseJson(frame);
  if (parsed === undefined) return [invalidFrame('BAD_REQUEST', 'The frame is not JSON.')];
  const values: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  if (values.length > requestsPerFrame) {
    return [invalidFrame('BAD_REQUEST', `The frame holds more than ${requestsPerFrame} requests.`)];
  }
  // What a frame holds came as valid UTF-8: only escapes can smuggle in a NUL or half a character.
  const mayHideUnits = frame.includes('\\u');
  let keys = 0;
  const inputs = values.map((value) => {
    keys += isObject(value) ? Object.keys(value).length : 0;
    return readRequest(value, mayHideUnits);
  });
  const repeated = keys === scan.keys ? null : repeatedKey(frame);
  return repeated === null ? inputs : [invalidFrame('BAD_REQUEST', `Repeated key ${shown(repeated)}.`)];
}

function parseJson(frame: string): unknown {
  try {
    return JSON.parse(frame);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function readRequest(value: unknown, mayHideUnits: boolean): NativeInput {
  if (!isObject(value)) return invalidFrame('BAD_REQUEST', 'A request is an object.');
  const fault = findFault(value, mayHideUnits);
  if (fault !== null) return { kind: 'invalid', reply: replyTo(value), ...fault };
  // The table of fields is this type, checked key by key.
  return { kind: 'request', request: value as unknown as NativeRequest };
}

interface Fault {
  readonly code: ErrorCode;
  readonly text: string;
}

function findFault(value: Readonly<Record<string, unknown>>, mayHideUnits: boolean): Fault | null {
  const fields = fieldsOf.get(value.op);
  if (fields === undefined) return fault('Unknown op.');
  for (const key of Object.keys(value)) {
    if (key === 'op') continue;
    const field = fields.get(key);
    if (field === undefined) return fault(`Unknown key ${shown(key)}.`);
    const given = value[key];
    if (!field.test(given)) return fault(`${key} must be ${field.is}.`);
    if (mayHideUnits && typeof given === 'string' && hidesUnits(given)) {
      return { code: 'BAD_ENCODING', text: `${key} holds a NUL or half a character.` };
    }
  }
  for (const [key, field] of fields) {
    if (field.required && value[key] === undefined) return fault(`${key} is missing.`);
  }
  if (typeof value.low === 'number' && Number(value.n) < value.low) return fault('low is above n.');
  return null;
}

function fault(text: string): Fault {
  return { code: 'BAD_REQUEST', text };
}

/** A NUL, or a surrogate without its other half. */
function hidesUnits(text: string): boolean {
  return text.includes('\0') || /\p{Surrogate}/u.test(text);
}

function replyTo(value: Readonly<Record<string, unknown>>): { n: number } | { q: number } | null {
  if (typeof value.n === 'number' && Number.isSafeInteger(value.n)) return { n: value.n };
  return typeof value.q === 'number' && Number.isSafeInteger(value.q) ? { q: value.q } : null;
}

function invalidFrame(code: ErrorCode, text: string): NativeInput {
  return { kind: 'invalid', reply: null, code, text };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const shownKeyChars = 32;

/** Part of an error text: bounded, since it comes from a stranger. */
function shown(key: string): string {
  return JSON.stringify(key.slice(0, shownKeyChars));
}

/**
 * One object as JSON: one part, or several for a reply whose list fits no frame. An event is encoded once for all its readers;
 * `packNative` makes frames of the parts.
 */
export function encodeNative(frame: NativeFrame): readonly string[] {
  const part = JSON.stringify(frame);
  if (fitsFrame(part)) return [part];
  const lists = 'ok' in frame && frame.ok ? splitReply(frame, frame.value) : null;
  if (lists === null) throw new CodedError('FRAME_TOO_LARGE');
  return lists;
}

/** Parts in their order, as few frames as a safe estimate of their bytes allows. */
export function packNative(parts: readonly string[]): readonly string[] {
  const frames: string[] = [];
  let from = 0;
  let bytes = bracketBytes;
  for (const [at, part] of parts.entries()) {
    const more = mostBytes(part) + 1;
    if (at > from && bytes + more > limits.frameBytes) {
      frames.push(packFrame(parts, from, at));
      from = at;
      bytes = bracketBytes;
    }
    bytes += more;
  }
  if (from < parts.length) frames.push(packFrame(parts, from, parts.length));
  return frames;
}

const bracketBytes = 2;

function packFrame(parts: readonly string[], from: number, to: number): string {
  return to - from === 1 ? (parts[from] ?? '') : `[${parts.slice(from, to).join(',')}]`;
}

/** Counting takes a pass over the text; one UTF-16 unit takes at most three bytes. */
function mostBytes(part: string): number {
  return part.length * 3;
}

const encoder = new TextEncoder();

function fitsFrame(part: string): boolean {
  return mostBytes(part) <= limits.frameBytes || encoder.encode(part).length <= limits.frameBytes;
}

/** The reply with a share of its list each time, all but the last one marked `more`; null when it has no list. */
function splitReply(reply: NativeReply, value: Success): readonly string[] | null {
  const split = <T>(list: readonly T[], part: (share: readonly T[]) => Success): readonly string[] =>
    shares(list).map((share, at, all) =>
      JSON.stringify({ ...reply, value: part(share), ...more(at, all.length) }),
    );
  switch (value.op) {
    case 'users':
    case 'search':
      return split(value.users, (users) => ({ ...value, users }));
    case 'online':
      return split(value.online, (online) => ({ ...value, online }));
    case 'groups':
      return split(value.groups, (groups) => ({ ...value, groups }));
    case 'members':
      return split(value.members, (members) => ({ ...value, members }));
    case 'conversations':
      return split(value.conversations, (conversations) => ({ ...value, conversations }));
    case 'amendments':
      return split(value.amendments, (amendments) => ({ ...value, amendments }));
    case 'tokens':
      return split(value.tokens, (tokens) => ({ ...value, tokens }));
    case 'hooks':
      return split(value.hooks, (hooks) => ({ ...value, hooks }));
    case 'history':
      return split(value.messages, (messages) => ({ ...value, messages }));
    default:
      return null;
  }
}

function more(at: number, count: number): { more?: true } {
  return at < count - 1 ? { more: true } : {};
}

/** Room for what surrounds a share of a list. */
const replyFrameBytes = 512;

function shares<T>(entries: readonly T[]): readonly (readonly T[])[] {
  const all: T[][] = [];
  let share: T[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const needed = encoder.encode(JSON.stringify(entry)).length + 1;
    if (share.length > 0 && bytes + needed > limits.frameBytes - replyFrameBytes) {
      all.push(share);
      share = [];
      bytes = 0;
    }
    share.push(entry);
    bytes += needed;
  }
  all.push(share);
  return all;
}
