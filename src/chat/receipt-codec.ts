/** Recorded answers as part of a session's row. Rejections are recorded too: the first answer is the answer. */
import { readAccountReceipt, writeAccountReceipt } from './account-codec.ts';
import { type ByteReader, type ByteWriter, MalformedBytes } from './bytes.ts';
import type { Receipt, RejectionCode, Result } from './types.ts';

/** Numbers of the receipts in a row: never reused, never changed. Rejections stand above them. */
const tag = {
  registered: 1,
  loggedIn: 2,
  loggedOut: 3,
  accountDeleted: 4,
  sent: 5,
  cursorsAdvanced: 6,
  uploadLeased: 80,
  uploadCancelled: 81,
} as const;

/** Place in this list, from `firstRejection` on, is the number in a row: new codes go to the end. */
const rejections: readonly RejectionCode[] = [
  'BAD_REQUEST',
  'BAD_NAME',
  'TOO_LONG',
  'NAME_TAKEN',
  'BAD_CREDENTIALS',
  'AUTH_REQUIRED',
  'ALREADY_LOGGED_IN',
  'DENIED',
  'UNKNOWN_USER',
  'CONFLICT',
  'STALE_SEQUENCE',
  'SESSION_EXPIRED',
  'TOO_MANY_IN_FLIGHT',
  'TOO_LARGE',
  'QUOTA_EXCEEDED',
  'BAD_EMAIL',
  'EMAIL_TAKEN',
  'BAD_DISPLAY_NAME',
  'INVITATION_INVALID',
  'NAME_CONFUSABLE',
  'LIMIT_REACHED',
];
const firstRejection = 128;

export function writeResult(writer: ByteWriter, result: Result): void {
  if (result.ok) writeReceipt(writer, result.receipt);
  else writer.byte(firstRejection + rejections.indexOf(result.code));
}

export function readResult(reader: ByteReader): Result {
  const kind = reader.byte();
  if (kind < firstRejection) return { ok: true, receipt: readReceipt(reader, kind) };
  const code = rejections[kind - firstRejection];
  if (code === undefined) throw new MalformedBytes(`unknown rejection ${kind}`);
  return { ok: false, code };
}

function writeReceipt(writer: ByteWriter, receipt: Receipt): void {
  switch (receipt.kind) {
    case 'registered':
      writer.byte(tag.registered);
      writer.integer(receipt.account);
      writer.text(receipt.name);
      return;
    case 'logged-in':
      writer.byte(tag.loggedIn);
      writer.integer(receipt.account);
      writer.text(receipt.name);
      return;
    case 'logged-out':
      writer.byte(tag.loggedOut);
      return;
    case 'account-deleted':
      writer.byte(tag.accountDeleted);
      writer.integer(receipt.account);
      writer.text(receipt.name);
      return;
    case 'sent':
      writer.byte(tag.sent);
      writer.text(receipt.conversation);
      writer.integer(receipt.sequence);
      writer.integer(receipt.index);
      writer.integer(receipt.to);
      writer.integer(receipt.sentMs);
      return;
    case 'upload-leased':
      writer.byte(tag.uploadLeased);
      writer.text(receipt.manifest);
      writer.integer(receipt.bytes);
      return;
    case 'upload-cancelled':
      writer.byte(tag.uploadCancelled);
      writer.text(receipt.manifest);
      return;
    case 'cursors-advanced':
      writer.byte(tag.cursorsAdvanced);
      return;
    default:
      writeAccountReceipt(writer, receipt);
  }
}

function readReceipt(reader: ByteReader, kind: number): Receipt {
  switch (kind) {
    case tag.registered:
      return { kind: 'registered', account: reader.integer(), name: reader.text() };
    case tag.loggedIn:
      return { kind: 'logged-in', account: reader.integer(), name: reader.text() };
    case tag.loggedOut:
      return { kind: 'logged-out' };
    case tag.accountDeleted:
      return { kind: 'account-deleted', account: reader.integer(), name: reader.text() };
    case tag.sent:
      return {
        kind: 'sent',
        conversation: reader.text(),
        sequence: reader.integer(),
        index: reader.integer(),
        to: reader.integer(),
        sentMs: reader.integer(),
      };
    case tag.uploadLeased:
      return { kind: 'upload-leased', manifest: reader.text(), bytes: reader.integer() };
    case tag.uploadCancelled:
      return { kind: 'upload-cancelled', manifest: reader.text() };
    case tag.cursorsAdvanced:
      return { kind: 'cursors-advanced' };
    default:
      return readAccountReceipt(reader, kind);
  }
}
