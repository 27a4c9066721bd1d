/** Reads stored rows back into plain data. Rows of one kind may need those of another, so all are read before any is used. */
import { CodedError } from '../base/errors.ts';
import { decodeToken, type TokenData } from './accounts/tokens.ts';
import { decodeTombstone, type TombstoneData } from './accounts/tombstones.ts';
import { decodeAction, decodeGrant } from './codecs/administration-codec.ts';
import {
  type AmendedMessageData,
  decodeAmendedMessage,
  decodeAmendmentHead,
} from './codecs/amendment-codec.ts';
import { decodeRetention } from './codecs/retention-codec.ts';
import { lobbyId } from './conversations/conversation.ts';
import { decodeHook } from './conversations/hooks.ts';
import { decodeAccount, decodeLease, type LeaseData } from './rows/account-rows.ts';
import { type AttemptData, decodeAttempt } from './rows/attempt-rows.ts';
import { decodeFileReference, decodeUploadLease } from './rows/file-rows.ts';
import { decodeInvitation, type InvitationData } from './rows/invitation-rows.ts';
import {
  type ConversationData,
  decodeConversation,
  decodeCounter,
  decodeGroup,
  decodeMembership,
  decodeReceipt,
  decodeSession,
  type GroupData,
  type MemberData,
  rowPrefix,
  type SessionData,
} from './rows/row-codec.ts';
import { decodeKeyedAnswer, type KeyedAnswerData } from './sessions/keyed-answers.ts';
import type { ActionRecord } from './vocabulary/administration-types.ts';
import type { AmendmentHead } from './vocabulary/amendment-types.ts';
import type { FileReference, UploadLease } from './vocabulary/file-types.ts';
import type { HookView } from './vocabulary/hook-types.ts';
import type { RetentionData } from './vocabulary/retention-types.ts';
import type { Account, AccountId, ReceiptData } from './vocabulary/types.ts';

export class RowLoader {
  readonly accounts: Account[] = [];
  readonly conversations: ConversationData[] = [];
  readonly groups: GroupData[] = [];
  readonly members: MemberData[] = [];
  readonly counters: (readonly [AccountId, number])[] = [];
  readonly receipts: ReceiptData[] = [];
  readonly sessions: SessionData[] = [];
  readonly fileReferences: FileReference[] = [];
  readonly uploadLeases: UploadLease[] = [];
  readonly leases: LeaseData[] = [];
  readonly attempts: AttemptData[] = [];
  readonly invitations: InvitationData[] = [];
  readonly keyedAnswers: KeyedAnswerData[] = [];
  readonly tombstones: TombstoneData[] = [];
  readonly tokens: TokenData[] = [];
  readonly administrators: AccountId[] = [];
  readonly actions: ActionRecord[] = [];
  readonly amendmentHeads: AmendmentHead[] = [];
  readonly amendedMessages: AmendedMessageData[] = [];
  readonly hooks: HookView[] = [];
  readonly retention: RetentionData[] = [];

  /** Throws `CodedError` DATA_DAMAGED naming the key. */
  take(key: string, value: Uint8Array): void {
    const id = key.slice(2);
    switch (key.slice(0, 2)) {
      case rowPrefix.account:
        keep(this.accounts, key, decodeAccount(Number(id), value));
        return;
      case rowPrefix.conversation:
        keep(this.conversations, key, decodeConversation(id, value));
        return;
      case rowPrefix.attempt:
        keep(this.attempts, key, decodeAttempt(id, value));
        return;
      case rowPrefix.invitation:
        keep(this.invitations, key, decodeInvitation(id, value));
        return;
      case rowPrefix.keyedAnswer:
        keep(this.keyedAnswers, key, decodeKeyedAnswer(id, value));
        return;
      case rowPrefix.tombstone:
        keep(this.tombstones, key, decodeTombstone(id, value));
        return;
      case rowPrefix.token:
        keep(this.tokens, key, decodeToken(Number(id), value));
        return;
      case rowPrefix.administrator:
        keep(this.administrators, key, decodeGrant(Number(id), value));
        return;
      case rowPrefix.action:
        keep(this.actions, key, decodeAction(Number(id), value));
        return;
      case rowPrefix.retention:
        keep(this.retention, key, decodeRetention(id, value));
        return;
      case rowPrefix.amended:
        keep(this.amendedMessages, key, decodeAmendedMessage(id, value));
        return;
      case rowPrefix.amendments:
        keep(this.amendmentHeads, key, decodeAmendmentHead(id, value));
        return;
      case rowPrefix.hook:
        keep(this.hooks, key, decodeHook(Number(id), value));
        return;
      case rowPrefix.guestLease:
        keep(this.leases, key, decodeLease(Number(id), value));
        return;
      case rowPrefix.group:
        keep(this.groups, key, decodeGroup(id, value));
        return;
      case rowPrefix.member:
        keep(this.members, key, decodeMembership(id, value));
        return;
      case rowPrefix.counter:
        keep(this.counters, key, decodeCounter(Number(id), value));
        return;
      case rowPrefix.receipt:
        keep(this.receipts, key, decodeReceipt(id, value));
        return;
      case rowPrefix.session:
        keep(this.sessions, key, decodeSession(id, value));
        return;
      case rowPrefix.file:
        keep(this.fileReferences, key, decodeFileReference(Number(id), value));
        return;
      case rowPrefix.lease:
        keep(this.uploadLeases, key, decodeUploadLease(id, value));
        return;
      default:
        keep([], key, null);
    }
  }

  /** To be called behind the last row. Throws `CodedError` DATA_DAMAGED naming a row that has lost the one it belongs to. */
  end(): void {
    const groups = new Set(this.groups.map(({ id }) => id));
    for (const { conversation, account } of this.members) {
      if (conversation === lobbyId || groups.has(conversation)) continue;
      throw damaged(`${rowPrefix.member}${conversation}/${account}`, 'is of a group that is missing');
    }
    const amended = new Set(this.amendmentHeads.map(({ conversation }) => conversation));
    for (const { conversation, sequence } of this.amendedMessages) {
      if (amended.has(conversation)) continue;
      throw damaged(`${rowPrefix.amended}${conversation}/${sequence}`, 'is of amendments that are missing');
    }
  }
}

function damaged(key: string, what: string): CodedError {
  return new CodedError('DATA_DAMAGED', `Row ${key} ${what}.`);
}

function keep<T>(rows: T[], key: string, row: T | null): void {
  if (row === null) {
    throw damaged(key, 'cannot be read: damaged, or of a newer version');
  }
  rows.push(row);
}
