/** The row of an invitation: see `row-codec.ts` for what all rows have in common. */
import { ByteWriter, MalformedBytes, readAll } from '../codecs/bytes.ts';

const version = 1;

export interface InvitationData {
  /** SHA-256 in hexadecimal. */
  readonly codeHash: string;
  /** At least 1. */
  readonly usesLeft: number;
  /** Cluster time. */
  readonly untilMs: number;
}

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

export function encodeInvitation(invitation: InvitationData): Uint8Array {
  writer.begin(version);
  writer.integer(invitation.usesLeft);
  writer.integer(invitation.untilMs);
  return writer.take();
}

export function decodeInvitation(codeHash: string, value: Uint8Array): InvitationData | null {
  return readAll(value, (reader) => {
    if (reader.byte() !== version) throw new MalformedBytes('unknown version');
    return { codeHash, usesLeft: reader.integer(), untilMs: reader.integer() };
  });
}
