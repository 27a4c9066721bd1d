/** Commands and receipts of `session-types.ts` as bytes: the share of sessions in `codec.ts` and `receipt-codec.ts`. */

import type { SessionCommand, SessionReceipt } from '../vocabulary/session-types.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

/** Numbers of the kinds in the log, from 110 to 113: never reused, never changed. */
export const askedTag = 110;
const commandTag = { 'derive-session': 111 } as const satisfies Record<SessionCommand['kind'], number>;
/** The same in a row. */
const receiptTag = { 'session-derived': 111 } as const satisfies Record<SessionReceipt['kind'], number>;

export function writeSessionCommand(writer: ByteWriter, command: SessionCommand): void {
  writer.byte(commandTag[command.kind]);
  writer.text(command.session);
  writer.text(command.secretHash);
}

export function readSessionCommand(reader: ByteReader, kind: number): SessionCommand | null {
  if (kind !== commandTag['derive-session']) return null;
  return { kind: 'derive-session', session: reader.text(), secretHash: reader.text() };
}

export function writeSessionReceipt(writer: ByteWriter, receipt: SessionReceipt): void {
  writer.byte(receiptTag[receipt.kind]);
  writer.text(receipt.session);
}

export function readSessionReceipt(reader: ByteReader, kind: number): SessionReceipt | null {
  if (kind !== receiptTag['session-derived']) return null;
  return { kind: 'session-derived', session: reader.text() };
}
