/** Frames of presence between nodes. JSON: small, and read with suspicion, since another version may have written them. */
import type { AccountId, ConversationId } from '../chat/vocabulary/types.ts';

const version = 1;

export type PresenceFrame =
  /** One part of all accounts of a node, as of `sequence`. */
  | {
      readonly kind: 'list';
      readonly epoch: number;
      readonly sequence: number;
      readonly part: number;
      readonly parts: number;
      readonly accounts: readonly AccountId[];
      /** When each of them connected, in milliseconds since 1970-01-01 UTC by the clock of its node. */
      readonly since: readonly number[];
    }
  /** The change that leads from `sequence` - 1 to `sequence`. */
  | {
      readonly kind: 'delta';
      readonly epoch: number;
      readonly sequence: number;
      readonly up: readonly AccountId[];
      readonly since: readonly number[];
      readonly down: readonly AccountId[];
    }
  | {
      readonly kind: 'digest';
      readonly epoch: number;
      readonly sequence: number;
      readonly count: number;
      readonly checksum: number;
    }
  /** Please send the list. */
  | { readonly kind: 'ask' }
  /** An account of the sending node is typing there. */
  | { readonly kind: 'typing'; readonly account: AccountId; readonly conversation: ConversationId };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodePresence(frame: PresenceFrame): Uint8Array {
  return encoder.encode(JSON.stringify({ v: version, ...frame }));
}

/** Null when the bytes are no frame of this version. */
export function decodePresence(bytes: Uint8Array): PresenceFrame | null {
  const value = parse(bytes);
  if (typeof value !== 'object' || value === null) return null;
  const field = new Map<string, unknown>(Object.entries(value));
  if (field.get('v') !== version) return null;
  if (field.get('kind') === 'ask') return { kind: 'ask' };
  if (field.get('kind') === 'typing') return decodeTyping(field);
  const [epoch, sequence] = [field.get('epoch'), field.get('sequence')];
  if (!isCount(epoch) || !isCount(sequence)) return null;
  return decodeNumbered(field, epoch, sequence);
}

/** Ids are short; an unbounded one is nobody's. */
const idChars = 64;

function decodeTyping(field: ReadonlyMap<string, unknown>): PresenceFrame | null {
  const [account, conversation] = [field.get('account'), field.get('conversation')];
  const isSound = isCount(account) && typeof conversation === 'string' && conversation.length <= idChars;
  return isSound ? { kind: 'typing', account, conversation } : null;
}

function decodeNumbered(
  field: ReadonlyMap<string, unknown>,
  epoch: number,
  sequence: number,
): PresenceFrame | null {
  switch (field.get('kind')) {
    case 'list': {
      const [part, parts, accounts] = [field.get('part'), field.get('parts'), field.get('accounts')];
      if (!isCount(part) || !isCount(parts) || !isCounts(accounts)) return null;
      const since = timesOf(field, accounts.length);
      return since === null ? null : { kind: 'list', epoch, sequence, part, parts, accounts, since };
    }
    case 'delta': {
      const [up, down] = [field.get('up'), field.get('down')];
      if (!isCounts(up) || !isCounts(down)) return null;
      const since = timesOf(field, up.length);
      return since === null ? null : { kind: 'delta', epoch, sequence, up, down, since };
    }
    case 'digest': {
      const [count, checksum] = [field.get('count'), field.get('checksum')];
      if (!isCount(count) || !isCount(checksum)) return null;
      return { kind: 'digest', epoch, sequence, count, checksum };
    }
    default:
      return null;
  }
}

/** One for each account; a node of an earlier version does not tell them. */
function timesOf(field: ReadonlyMap<string, unknown>, count: number): readonly number[] | null {
  const since = field.get('since') ?? Array.from({ length: count }, () => 0);
  return isCounts(since) && since.length === count ? since : null;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return null;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && typeof value === 'number' && value >= 0;
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isCount);
}
