/** Recorded answers as part of a session's row. Rejections are recorded too: the first answer is the answer. */

import type { Receipt, RejectionCode, Result } from '../vocabulary/types.ts';
import { readAccountReceipt, writeAccountReceipt } from './account-codec.ts';
import { readAdministrationReceipt, writeAdministrationReceipt } from './administration-codec.ts';
import { readAmendmentReceipt, writeAmendmentReceipt } from './amendment-codec.ts';
import { type ByteReader, type ByteWriter, MalformedBytes } from './bytes.ts';
import { readFileReceipt, writeFileReceipt } from './file-codec.ts';
import { readGroupReceipt, writeGroupReceipt } from './group-codec.ts';
import { readHookReceipt, writeHookReceipt } from './hook-codec.ts';
import { readImportReceipt, writeImportReceipt } from './import-codec.ts';
import { readRetentionReceipt, writeRetentionReceipt } from './retention-codec.ts';
import { readSessionReceipt, writeSessionReceipt } from './session-codec.ts';
import { readTokenReceipt, writeTokenReceipt } from './token-codec.ts';

/** Numbers of the receipts in a row: never reused, never changed. Rejections stand above them. */
const tag = {
  registered: 1,
  loggedIn: 2,
  loggedOut: 3,
  accountDeleted: 4,
  /** Of a version that did not number messages: read, not written. */
  sentUnnumbered: 5,
  cursorsAdvanced: 6,
  sent: 7,
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
  'UNKNOWN_GROUP',
  'BAD_GROUP_NAME',
  'GROUP_TAKEN',
  'GROUP_PASSWORD_WRONG',
  'ALREADY_MEMBER',
  'NOT_A_MEMBER',
  'GROUP_FULL',
  'TOO_MANY_GROUPS',
  'TOO_MANY_PENDING',
  'UNKNOWN_MESSAGE',
  'UNKNOWN_UPLOAD',
  'UPLOAD_INCOMPLETE',
  'UNKNOWN_TOKEN',
  'TOKEN_INVALID',
  'TOO_MANY_REACTIONS',
  'UNKNOWN_HOOK',
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
      writer.integer(receipt.to ?? 0);
      writer.integer(receipt.sentMs);
      writer.integer(receipt.number);
      return;
    case 'group-created':
    case 'group-announced':
    case 'group-joined':
    case 'group-left':
    case 'group-visited':
    case 'group-changed':
    case 'member-removed':
    case 'group-deleted':
      writeGroupReceipt(writer, receipt);
      return;
    case 'upload-leased':
    case 'upload-cancelled':
      writeFileReceipt(writer, receipt);
      return;
    case 'amended':
      writeAmendmentReceipt(writer, receipt);
      return;
    case 'retained':
      writeRetentionReceipt(writer, receipt);
      return;
    case 'imported':
      writeImportReceipt(writer, receipt);
      return;
    case 'token-created':
    case 'token-revoked':
    case 'token-entered':
      writeTokenReceipt(writer, receipt);
      return;
    case 'action-noted':
      writeAdministrationReceipt(writer, receipt);
      return;
    case 'session-derived':
      writeSessionReceipt(writer, receipt);
      return;
    case 'hook-created':
    case 'hook-removed':
    case 'hook-resumed':
      writeHookReceipt(writer, receipt);
      return;
    case 'cursors-advanced':
      writer.byte(tag.cursorsAdvanced);
      return;
    default:
      writeAccountReceipt(writer, receipt);
  }
}

function readSent(reader: ByteReader, numbered: boolean): Receipt {
  const [conversation, sequence, index] = [reader.text(), reader.integer(), reader.integer()];
  const [to, sentMs] = [reader.integer() || null, reader.integer()];
  const number = numbered ? reader.integer() : 0;
  return { kind: 'sent', conversation, sequence, index, to, number, sentMs };
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
    case tag.sentUnnumbered:
      return readSent(reader, false);
    case tag.sent:
      return readSent(reader, true);
    case tag.cursorsAdvanced:
      return { kind: 'cursors-advanced' };
    default:
      return (
        readGroupReceipt(reader, kind) ??
        readFileReceipt(reader, kind) ??
        readAmendmentReceipt(reader, kind) ??
        readRetentionReceipt(reader, kind) ??
        readImportReceipt(reader, kind) ??
        readTokenReceipt(reader, kind) ??
        readAdministrationReceipt(reader, kind) ??
        readSessionReceipt(reader, kind) ??
        readHookReceipt(reader, kind) ??
        readAccountReceipt(reader, kind)
      );
  }
}
