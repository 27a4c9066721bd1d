/**
 * Whether a numbered request runs. Everything that makes a retry harmless is decided here, before any handler: a request
 * that was answered gets that answer, one that could be a late echo of a forgotten one is refused.
 */
import { fingerprintCommand } from '../codecs/fingerprint.ts';
import type { Moment } from '../vocabulary/moment.ts';
import type {
  AccountId,
  Actor,
  Command,
  Numbering,
  RejectionCode,
  Result,
  SessionId,
} from '../vocabulary/types.ts';
import type { KeyedAnswers } from './keyed-answers.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

export type Admission =
  /** To be recorded under this fingerprint, whatever the outcome. */
  | { readonly kind: 'run'; readonly session: Session; readonly fingerprint: number }
  /** No effect and no event; a refusal is not recorded, since its number may still be used well. */
  | { readonly kind: 'answer'; readonly result: Result };

export function admit(sessions: Sessions, numbering: Numbering, command: Command, moment: Moment): Admission {
  const { sequence, lowest } = numbering;
  if (lowest < 1 || sequence < lowest) return refuse('BAD_REQUEST');
  const session = living(sessions, numbering.session, moment) ?? opened(sessions, numbering, command, moment);
  if (session === null) return refuse('SESSION_EXPIRED');
  if (typeof session === 'string') return refuse(session);
  // The same answer as for no session: its existence is nobody's business.
  if (session.secretHash !== numbering.secretHash) return refuse('SESSION_EXPIRED');

  const fingerprint = fingerprintCommand(command);
  const recorded = session.answers.get(sequence);
  if (recorded !== undefined) {
    return recorded.fingerprint === fingerprint
      ? { kind: 'answer', result: recorded.result }
      : refuse('CONFLICT');
  }
  if (session.ended) return refuse('SESSION_EXPIRED');
  sessions.use(session, moment);
  sessions.raiseFloor(session, lowest);
  if (sequence < session.floor) return refuse('STALE_SEQUENCE');
  if (sequence - session.floor >= sessions.bounds.inFlightPerSession) return refuse('TOO_MANY_IN_FLIGHT');
  return { kind: 'run', session, fingerprint };
}

/** The living session of a request without a number; null when it has none, also no more. */
export function admitAsked(
  sessions: Sessions,
  { account, session: id }: Actor,
  moment: Moment,
): Session | null {
  const session = id === null ? null : living(sessions, id, moment);
  if (session === null || session.ended || session.account !== account) return null;
  sessions.use(session, moment);
  return session;
}

type KeyAdmission =
  | { readonly kind: 'run'; readonly fingerprint: number }
  | { readonly kind: 'answer'; readonly result: Result };

/** As for a number, but of the account: also another session of it, after a new login, gets the first answer. */
export function admitKey(
  answers: KeyedAnswers,
  account: AccountId,
  key: string,
  command: Command,
  moment: Moment,
): KeyAdmission {
  const fingerprint = fingerprintCommand(command);
  const recorded = answers.answer(account, key, moment.clusterMs);
  if (recorded !== undefined) {
    const result: Result =
      recorded.fingerprint === fingerprint ? recorded.result : { ok: false, code: 'CONFLICT' };
    return { kind: 'answer', result };
  }
  const fault = answers.fault(account);
  return fault === null
    ? { kind: 'run', fingerprint }
    : { kind: 'answer', result: { ok: false, code: fault } };
}

function refuse(code: RejectionCode): Admission {
  return { kind: 'answer', result: { ok: false, code } };
}

/** One that is due but not yet cleared away is not used: expiry does not depend on how much else has to go. */
function living(sessions: Sessions, id: SessionId, moment: Moment): Session | null {
  const session = sessions.byId(id);
  return session === undefined || sessions.isDue(session, moment.clusterMs) ? null : session;
}

/** Request 1 opens a session, if it is one that needs no account. */
function opened(
  sessions: Sessions,
  numbering: Numbering,
  command: Command,
  moment: Moment,
): Session | RejectionCode | null {
  if (numbering.sequence !== 1 || sessions.byId(numbering.session) !== undefined) return null;
  if (!openers.has(command.kind)) return null;
  if (!isSessionId(numbering.session) || !isSecretHash(numbering.secretHash)) return 'BAD_REQUEST';
  return sessions.open(numbering.session, numbering.secretHash, moment);
}

const openers: ReadonlySet<Command['kind']> = new Set(['register', 'login', 'enter-guest', 'enter-token']);

const sessionIdChars = 32;
const secretHashChars = 64;

export function isSessionId(id: string): boolean {
  return isHex(id, sessionIdChars);
}

export function isSecretHash(hash: string): boolean {
  return isHex(hash, secretHashChars);
}

function isHex(text: string, chars: number): boolean {
  return text.length === chars && /^[0-9a-f]+$/.test(text);
}
