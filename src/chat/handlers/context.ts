import type { Accounts } from '../accounts/accounts.ts';
import type { ActionLog } from '../accounts/action-log.ts';
import type { Administrators } from '../accounts/administrators.ts';
import type { Attempts } from '../accounts/attempts.ts';
import type { Invitations } from '../accounts/invitations.ts';
import type { Leases } from '../accounts/leases.ts';
import type { Tokens } from '../accounts/tokens.ts';
import type { Tombstones } from '../accounts/tombstones.ts';
import type { Amendments } from '../conversations/amendments.ts';
import type { Conversations } from '../conversations/conversations.ts';
import type { Files } from '../conversations/files.ts';
import type { Hooks } from '../conversations/hooks.ts';
import type { Retention } from '../conversations/retention.ts';
import type { Senders } from '../conversations/senders.ts';
import type { KeyedAnswers } from '../sessions/keyed-answers.ts';
import type { Session } from '../sessions/session.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Moment } from '../vocabulary/moment.ts';
import type { Account, ChatEvent, Receipt, RejectionCode, Result } from '../vocabulary/types.ts';

/** The state's tables. Handlers change it through their methods only, which note what changed. */
export interface Tables {
  readonly accounts: Accounts;
  readonly conversations: Conversations;
  readonly senders: Senders;
  readonly sessions: Sessions;
  readonly files: Files;
  readonly leases: Leases;
  readonly attempts: Attempts;
  readonly invitations: Invitations;
  readonly tombstones: Tombstones;
  readonly tokens: Tokens;
  readonly administrators: Administrators;
  readonly actions: ActionLog;
  readonly keyedAnswers: KeyedAnswers;
  readonly amendments: Amendments;
  readonly hooks: Hooks;
  readonly retention: Retention;
}

/** What a handler may know and do. It decides everything before it changes anything: a rejection leaves no trace. */
export interface Context {
  readonly moment: Moment;
  readonly tables: Tables;
  /** The session of a request that is numbered or asked over HTTP; null on a raw line connection. */
  readonly session: Session | null;
  /** Who asks, if logged in: the session's account, or whom the gateway vouches for. It exists. */
  readonly actor: Account | null;
  emit(event: ChatEvent): void;
}

export function accept(receipt: Receipt): Result {
  return { ok: true, receipt };
}

export function reject(code: RejectionCode): Result {
  return { ok: false, code };
}
