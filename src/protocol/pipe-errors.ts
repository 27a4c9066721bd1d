/** What the pipe dialect says when something is refused: its own sentence where the reference has one, else `Error CODE: text`. */
import { type ErrorCode, errorTable } from '../base/errors.ts';
import { escapeLine } from './escape.ts';
import type { ClientRequest } from './requests.ts';

export interface PipeOptions {
  /** Tell an unknown user from a wrong password, as the reference did; by default nobody can probe for names. */
  readonly revealUnknownUser?: boolean;
}

/** The form of errors that any command can meet. */
export function formatPipeError(code: ErrorCode, text: string = errorTable[code].text): string {
  return `Error ${code}: ${escapeLine(text)}`;
}

/** One line, for lists too: only their own "nothing found" is a list. */
export function formatPipeRejection(
  request: ClientRequest,
  code: ErrorCode,
  text: string,
  options: PipeOptions,
): string {
  return (
    ownSentence(request, code, options) ?? formatPipeError(code, exactTexts.has(code) ? undefined : text)
  );
}

/** Always the table's words, which people and scripts look for. */
const exactTexts: ReadonlySet<ErrorCode> = new Set(['UNAVAILABLE']);

function ownSentence(request: ClientRequest, code: ErrorCode, options: PipeOptions): string | undefined {
  switch (request.op) {
    case 'register':
      return registerSentence(request.user, code);
    case 'login':
      return loginSentence(request.user, code, options.revealUnknownUser === true);
    case 'delete':
      return code === 'DENIED' ? 'You can only delete your own account.' : loginFirst(code);
    case 'send':
      if (code === 'AUTH_REQUIRED') return 'Please log in to send a message!';
      return unsendable.has(code) ? 'Message failed to send! Verify recipient username.' : undefined;
    case 'change-password':
      return code === 'DENIED' ? 'The current password is wrong.' : loginFirst(code);
    case 'join-group':
      return joinSentence(request.group, code);
    default:
      return loginFirst(code);
  }
}

const unsendable: ReadonlySet<ErrorCode> = new Set(['UNKNOWN_USER', 'UNKNOWN_GROUP', 'NOT_A_MEMBER']);

/** Joining again is well: whoever asks is in it afterwards. */
function joinSentence(group: string, code: ErrorCode): string | undefined {
  if (code === 'ALREADY_MEMBER') return joinedLine(group);
  return code === 'GROUP_PASSWORD_WRONG' ? errorTable.GROUP_PASSWORD_WRONG.text : loginFirst(code);
}

export function joinedLine(group: string): string {
  return `Joined group #${group}.`;
}

function registerSentence(user: string, code: ErrorCode): string | undefined {
  if (code === 'NAME_TAKEN') return `Account ${escapeLine(user)} already exists!`;
  if (code === 'BAD_NAME') return errorTable.BAD_NAME.text;
  return code === 'ALREADY_LOGGED_IN' ? 'Please disconnect first!' : undefined;
}

function loginSentence(user: string, code: ErrorCode, reveal: boolean): string | undefined {
  if (code === 'UNKNOWN_USER' && reveal) {
    return `User ${escapeLine(user)} does not exist. Please create an account.`;
  }
  if (code === 'BAD_CREDENTIALS' && reveal) return 'Incorrect password. Please try again.';
  if (code === 'BAD_CREDENTIALS' || code === 'UNKNOWN_USER') {
    return 'Incorrect username or password. Please try again.';
  }
  if (code === 'ALREADY_LOGGED_IN') return 'Please log out first!';
  return code === 'LOGGED_IN_ELSEWHERE'
    ? `User ${escapeLine(user)} already logged in. Please try again.`
    : undefined;
}

function loginFirst(code: ErrorCode): string | undefined {
  return code === 'AUTH_REQUIRED' ? 'Please log in first!' : undefined;
}
