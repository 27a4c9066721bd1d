import { NO_BYTES } from './entries.ts';
import {
  type ConfChange,
  type ConfChangeSingle,
  type ConfChangeTransition,
  type ConfChangeType,
  type Entry,
  type MemberId,
  RaftError,
} from './types.ts';

/**
 * A change of configuration as bytes: format version (1), conf-change version and transition in one byte, the number of
 * changes, each as its type and id, then the driver's context to the end. Numbers are variable-length, seven bits a byte, low
 * bits first. No bytes at all is the empty change by which a leader leaves a joint configuration by itself.
 */
const FORMAT = 1;
const types: readonly ConfChangeType[] = ['add-voter', 'add-learner', 'remove', 'update'];
const transitions: readonly ConfChangeTransition[] = ['auto', 'joint-implicit', 'joint-explicit'];
/** A change names few members; anything above is damage. */
const MAX_CHANGES = 1024;

export const leaveJointChange: ConfChange = {
  version: 2,
  transition: 'auto',
  changes: [],
  context: NO_BYTES,
};

/** The data of the entry that carries the change. Throws `RaftError` invalid-conf-change for ids that are none. */
export function encodeConfChange(change: ConfChange): Uint8Array {
  if (change.changes.length > MAX_CHANGES) throw malformed('too many changes');
  const bytes: number[] = [FORMAT, change.version | (transitions.indexOf(change.transition) << 4)];
  pushNumber(bytes, change.changes.length);
  for (const { type, id } of change.changes) {
    bytes.push(types.indexOf(type));
    pushNumber(bytes, id);
  }
  const encoded = new Uint8Array(bytes.length + change.context.length);
  encoded.set(bytes);
  encoded.set(change.context, bytes.length);
  return encoded;
}

/** Throws `RaftError` invalid-conf-change for anything that `encodeConfChange` does not make. */
export function decodeConfChange(bytes: Uint8Array): ConfChange {
  if (bytes.length === 0) return leaveJointChange;
  const reader = new Reader(bytes);
  if (reader.byte() !== FORMAT) throw malformed('unknown format');
  const head = reader.byte();
  const version = head & 15;
  const transition = transitions[head >> 4];
  if ((version !== 1 && version !== 2) || transition === undefined) throw malformed('unknown version');
  const count = reader.number();
  if (count > MAX_CHANGES) throw malformed('too many changes');
  const changes: ConfChangeSingle[] = [];
  for (let position = 0; position < count; position++) {
    const type = types[reader.byte()];
    if (type === undefined) throw malformed('unknown type');
    changes.push({ type, id: reader.number() });
  }
  return { version, transition, changes, context: reader.rest() };
}

/** The change that an entry carries; null for a normal entry. Throws as `decodeConfChange`. */
export function confChangeOf(entry: Entry): ConfChange | null {
  return entry.type === 'normal' ? null : decodeConfChange(entry.data);
}

/** How a change is carried out: by itself, by entering a joint configuration, or by leaving one. */
export type ConfChangeStep =
  | { readonly kind: 'simple' }
  | { readonly kind: 'enter-joint'; readonly autoLeave: boolean }
  | { readonly kind: 'leave-joint' };

export function stepOf(change: ConfChange): ConfChangeStep {
  if (change.changes.length === 0) return { kind: 'leave-joint' };
  if (change.transition === 'auto' && change.changes.length === 1) return { kind: 'simple' };
  return { kind: 'enter-joint', autoLeave: change.transition !== 'joint-explicit' };
}

function pushNumber(bytes: number[], value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw malformed('not a member id');
  let rest = value;
  // Division, not shifts: ids have up to 53 bits.
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

class Reader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    const byte = this.#bytes[this.#position++];
    if (byte === undefined) throw malformed('cut short');
    return byte;
  }

  number(): MemberId {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte % 128) * scale;
      if (!Number.isSafeInteger(value)) throw malformed('number too large');
      if (byte < 128) return value;
      scale *= 128;
      if (scale > Number.MAX_SAFE_INTEGER) throw malformed('number too long');
    }
  }

  rest(): Uint8Array {
    return this.#bytes.slice(this.#position);
  }
}

function malformed(text: string): RaftError {
  return new RaftError('invalid-conf-change', `malformed configuration change: ${text}`);
}
