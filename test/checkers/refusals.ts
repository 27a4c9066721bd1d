import type { ErrorCode } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import type { Violation } from './history.ts';

export type AskedOperation =
  | 'send'
  | 'file'
  | 'history'
  | 'users'
  | 'find'
  | 'register'
  | 'login'
  | 'join'
  | 'delete'
  | 'amend';

/** Whatever anybody asked, and what it was told. */
export interface Answer {
  readonly who: string;
  readonly op: AskedOperation;
  /** `line`: on a plain connection, without numbers, and without a library that asks again. */
  readonly by: 'library' | 'line';
  /** Whoever asked had another session when the answer came: the one it was asked in was over. */
  readonly inNextSession: boolean;
  readonly said: 'receipt' | 'unknown' | ErrorCode;
  readonly askedAtMs: number;
  readonly atMs: number;
}

export interface LostSession {
  readonly who: string;
  readonly atMs: number;
}

/** What can keep a cluster from answering. */
export interface Troubles {
  /** Since when anything went wrong that a client can notice; null: nothing did. */
  readonly sinceMs: number | null;
  /** Since when some disk was full; null: none was. */
  readonly fullSinceMs: number | null;
  /** So long a client repeats a change before it gives it up. */
  readonly giveUpMs: number;
}

/** What an answer may say of the request itself, however well the cluster is. Whether it is true, others judge. */
const ofContent: Readonly<Partial<Record<AskedOperation, readonly ErrorCode[]>>> = {
  register: ['NAME_TAKEN', 'ALREADY_LOGGED_IN'],
  login: ['BAD_CREDENTIALS', 'ALREADY_LOGGED_IN'],
  join: ['GROUP_TAKEN', 'ALREADY_MEMBER'],
  amend: ['UNKNOWN_MESSAGE'],
};

const reads: ReadonlySet<AskedOperation> = new Set(['history', 'users', 'find']);

/**
 * Every answer that is no receipt has a reason: the content of the request, or something that went wrong and lasted so long that whoever
 * asked gave up. So a program that refuses what it should take is seen, although nobody lost anything.
 */
export function checkRefusals(answers: readonly Answer[], troubles: Troubles): Violation[] {
  return answers
    .filter((answer) => !hasReason(answer, troubles))
    .map(({ who, op, said, askedAtMs, atMs }) => {
      const asked = `${op} of ${who}, asked at ${seconds(askedAtMs)}`;
      return { kind: 'refused', text: `${asked}, was told ${said} at ${seconds(atMs)} without a reason` };
    });
}

function hasReason(answer: Answer, troubles: Troubles): boolean {
  const { op, said, atMs } = answer;
  switch (said) {
    case 'receipt':
      return true;
    case 'unknown':
    case 'UNAVAILABLE':
    case 'BUSY':
      return isSince(troubles.sinceMs, atMs) && isGivenUp(answer, troubles);
    case 'LOW_SPACE':
      return isSince(troubles.fullSinceMs, atMs);
    case 'AUTH_REQUIRED':
      return answer.inNextSession;
    default:
      return ofContent[op]?.includes(said) ?? false;
  }
}

function isSince(sinceMs: number | null, atMs: number): boolean {
  return sinceMs !== null && sinceMs <= atMs;
}

/** What a client of the library is told only when its patience is over, or its session. */
function isGivenUp(answer: Answer, { giveUpMs }: Troubles): boolean {
  const { op, by, said, inNextSession, askedAtMs, atMs } = answer;
  // A file takes several requests, of which each has its time.
  if (by === 'line' || op === 'file' || (said === 'unknown' && inNextSession)) return true;
  return atMs - askedAtMs >= (reads.has(op) ? limits.operationMs : giveUpMs);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(3)} s`;
}
