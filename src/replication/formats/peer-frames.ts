/**
 * What nodes say to each other: one frame is a version, a kind and a body. A frame comes from an authenticated peer and is
 * validated all the same: what does not follow its format is dropped and counted by the caller, never thrown further.
 */
import { unreachable } from '../../base/assert.ts';
import { CodedError } from '../../base/errors.ts';
import { KIB, limits, MIB } from '../../base/limits.ts';
import type { Message } from '../../raft/types.ts';
import type { AppliedMark } from '../../store/state-store.ts';
import { ByteReader, ByteWriter, MalformedError } from './bytes.ts';
import { type MemberAnswer, type MemberAsk, readAnswer, readAsk } from './member-asks.ts';
import {
  decodeAddress,
  decodeMembers,
  encodeAddress,
  encodeMembers,
  type Member,
  type NodeAddress,
} from './members.ts';
import { MESSAGE_BYTES, messageSize, readMessage, writeMessage } from './message-codec.ts';

const VERSION = 1;
/** A frame takes no further message or proposal once it has reached it; one of them may be as large as a command. */
export const FRAME_TARGET_BYTES = 1 * MIB;
const PROPOSAL_BYTES = 12;
const DIGEST_CHARS = 256;

export interface ForwardedProposal {
  readonly counter: number;
  readonly command: Uint8Array;
}

export type PeerFrame =
  | { readonly kind: 'raft'; readonly messages: readonly Message[] }
  /** To the leader of `term`, and to nobody else: in ascending order of the counters, over all frames of one life. */
  | {
      readonly kind: 'propose';
      readonly term: number;
      readonly life: number;
      readonly proposals: readonly ForwardedProposal[];
    }
  /** These were not appended. */
  | { readonly kind: 'refused'; readonly life: number; readonly counters: readonly number[] }
  /** First on each link, and at each change. `founding` is null while the sender belongs to no cluster. */
  | {
      readonly kind: 'status';
      readonly founding: readonly Member[] | null;
      /** The sender is no member and wants to be brought up to date. */
      readonly observing: boolean;
    }
  | { readonly kind: 'gossip'; readonly payload: Uint8Array }
  /** Where the sender is, by its own configuration. First on each link, beside the status. */
  | { readonly kind: 'place'; readonly address: NodeAddress }
  /** To a member that was removed, instead of everything else. */
  | { readonly kind: 'removed' }
  /** To the leader: a change of members, or of who leads. */
  | { readonly kind: 'ask'; readonly ask: MemberAsk }
  | { readonly kind: 'answer'; readonly answer: MemberAnswer }
  | ({ readonly kind: 'storage' } & StorageReport);

/** What a node tells of its disk: first on each link, and at each change. */
export interface StorageReport {
  /** Little is left: it should not lead. */
  readonly lacksRoom: boolean;
  /** Of its state, at the newest position where states are compared. Null: it has another state than what was told before was of. */
  readonly digest: { readonly index: number; readonly digest: string } | null;
}

const kinds = [
  'raft',
  'propose',
  'refused',
  'status',
  'gossip',
  'place',
  'removed',
  'ask',
  'answer',
  'storage',
] as const;

export function encodeFrame(frame: PeerFrame): Uint8Array {
  const writer = new ByteWriter(expectedSize(frame));
  writer.u8(VERSION);
  writer.u8(kinds.indexOf(frame.kind));
  switch (frame.kind) {
    case 'raft':
      writer.u32(frame.messages.length);
      for (const message of frame.messages) writeMessage(writer, message);
      break;
    case 'propose':
      writer.u64(frame.term);
      writer.u32(frame.life);
      writer.u32(frame.proposals.length);
      for (const { counter, command } of frame.proposals) {
        writer.u64(counter);
        writer.block(command);
      }
      break;
    case 'refused':
      writer.u32(frame.life);
      writer.u32(frame.counters.length);
      for (const counter of frame.counters) writer.u64(counter);
      break;
    case 'status':
      writer.u8((frame.founding === null ? 0 : 1) | (frame.observing ? 2 : 0));
      if (frame.founding !== null) writer.block(encodeMembers(frame.founding));
      break;
    case 'gossip':
      writer.raw(frame.payload);
      break;
    case 'place':
      writer.block(encodeAddress(frame.address));
      break;
    case 'removed':
      break;
    case 'ask':
      writer.block(encodeText(frame.ask));
      break;
    case 'answer':
      writer.block(encodeText(frame.answer));
      break;
    case 'storage':
      writer.u8(frame.lacksRoom ? 1 : 0);
      writer.u64(frame.digest?.index ?? 0);
      writer.block(Buffer.from(frame.digest?.digest ?? '', 'latin1'));
      break;
    default:
      unreachable(frame);
  }
  return writer.finish();
}

function encodeText(value: MemberAsk | MemberAnswer): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function expectedSize(frame: PeerFrame): number {
  switch (frame.kind) {
    case 'raft':
      return frame.messages.reduce((sum, message) => sum + messageSize(message), 8);
    case 'propose':
      return frame.proposals.reduce((sum, { command }) => sum + PROPOSAL_BYTES + command.length, 32);
    case 'refused':
      return 16 + 8 * frame.counters.length;
    case 'status':
    case 'place':
    case 'removed':
    case 'ask':
    case 'answer':
    case 'storage':
      return KIB;
    case 'gossip':
      return 2 + frame.payload.length;
    default:
      return unreachable(frame);
  }
}

/** Null when it is malformed, of another version or of an unknown kind. Blocks are views of `bytes`. */
export function decodeFrame(bytes: Uint8Array): PeerFrame | null {
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== VERSION) return null;
    const kind = kinds[reader.u8()];
    if (kind === undefined) return null;
    if (kind === 'gossip') return { kind, payload: bytes.subarray(2) };
    const frame = readBody(kind, reader);
    reader.end();
    return frame;
  } catch (error) {
    if (error instanceof MalformedError || error instanceof CodedError) return null;
    throw error;
  }
}

function readBody(kind: Exclude<PeerFrame['kind'], 'gossip'>, reader: ByteReader): PeerFrame {
  switch (kind) {
    case 'raft':
      return { kind, messages: readList(reader, MESSAGE_BYTES, () => readMessage(reader)) };
    case 'propose': {
      const term = reader.u64();
      const life = reader.u32();
      return { kind, term, life, proposals: readList(reader, PROPOSAL_BYTES, () => readProposal(reader)) };
    }
    case 'refused':
      return { kind, life: reader.u32(), counters: readList(reader, 8, () => reader.u64()) };
    case 'status': {
      const flags = reader.u8();
      const founding = flags & 1 ? decodeMembers(reader.block()) : null;
      return { kind, founding, observing: (flags & 2) !== 0 };
    }
    case 'place':
      return { kind, address: decodeAddress(reader.block()) };
    case 'removed':
      return { kind };
    case 'ask':
      return { kind, ask: readAsk(reader.block()) };
    case 'answer':
      return { kind, answer: readAnswer(reader.block()) };
    case 'storage': {
      const lacksRoom = reader.u8() !== 0;
      const index = reader.u64();
      const digest = Buffer.from(reader.block()).toString('latin1');
      if (digest.length > DIGEST_CHARS) throw new MalformedError('a digest is too long');
      return { kind, lacksRoom, digest: index === 0 ? null : { index, digest } };
    }
    default:
      return unreachable(kind);
  }
}

function readProposal(reader: ByteReader): ForwardedProposal {
  const counter = reader.u64();
  const command = reader.block();
  if (command.length > limits.commandBytes) throw new MalformedError('a command is too long');
  return { counter, command };
}

function readList<Item>(reader: ByteReader, leastBytes: number, read: () => Item): readonly Item[] {
  const count = reader.count(leastBytes);
  const items: Item[] = [];
  for (let i = 0; i < count; i++) items.push(read());
  return items;
}

/** Asks for a copy of the state, which follows on the stream: the mark first, then the store's own chunks. */
export const snapshotRequest: Uint8Array = Uint8Array.of(VERSION, 0x53);

export function isSnapshotRequest(request: Uint8Array): boolean {
  return request.length === 2 && request[0] === snapshotRequest[0] && request[1] === snapshotRequest[1];
}

/** A stream that is not the engine's own: what follows is between the rooms above it on both nodes. */
const ROOM = 0x46;

export function roomRequest(request: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + request.length);
  bytes[0] = VERSION;
  bytes[1] = ROOM;
  bytes.set(request, 2);
  return bytes;
}

/** Null when it is something else. */
export function readRoomRequest(request: Uint8Array): Uint8Array | null {
  return request[0] === VERSION && request[1] === ROOM ? request.subarray(2) : null;
}

export function encodeMark(mark: AppliedMark): Uint8Array {
  const writer = new ByteWriter(40 + mark.engine.length);
  writer.u8(VERSION);
  writer.u64(mark.index);
  writer.u64(mark.term);
  writer.u64(mark.wallMs);
  writer.u64(mark.clusterMs);
  writer.block(mark.engine);
  return writer.finish();
}

/** Throws MalformedError. */
export function decodeMark(bytes: Uint8Array): AppliedMark {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== VERSION) throw new MalformedError('unknown version of a snapshot');
  const index = reader.u64();
  const term = reader.u64();
  const wallMs = reader.u64();
  const clusterMs = reader.u64();
  const engine = reader.block();
  reader.end();
  return { index, term, wallMs, clusterMs, engine };
}
