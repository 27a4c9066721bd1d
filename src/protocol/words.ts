/**
 * The words dialect: commands are words, and whoever is in a group's room says what no command is. What is said is answered only when it
 * is refused. Pure; the texts, their spelling included, are those that people of this dialect look for.
 */
import { groupMark, groupNameIn } from '../base/addresses.ts';
import { failureCode, failureText } from './common-errors.ts';
import { escapeLine } from './escape.ts';
import type { GroupNotice } from './group-requests.ts';
import { type ClientRequest, lineTextOf, type MessageEntry, type Reply } from './requests.ts';

export type WordsLine =
  | {
      readonly kind: 'register';
      readonly user: string;
      readonly email: string;
      readonly password: string;
    }
  | { readonly kind: 'login'; readonly user: string; readonly password: string }
  | { readonly kind: 'create' | 'join'; readonly group: string; readonly password: string }
  | { readonly kind: 'say'; readonly group: string; readonly text: string }
  | { readonly kind: 'whisper'; readonly user: string; readonly text: string }
  | { readonly kind: 'members'; readonly group: string }
  | { readonly kind: 'exit-chat'; readonly group: string }
  | { readonly kind: 'exit-server' }
  | { readonly kind: 'invite'; readonly code: string }
  | { readonly kind: 'wrong' };

export const wordsWrongInput = 'Wrong input';
export const wordsExitServer = 'exit server!';
export const wordsExitChat: readonly string[] = ['exit chat!', 'return to menu...'];
/** Shorter ones this dialect refuses, whatever the cluster's least length. */
export const wordsPasswordChars = 6;

const illegalPassword = 'Illegal password, please try again...';
const wrongGroup = 'Wrong group id or password please try again...';

const wrong: WordsLine = { kind: 'wrong' };

/** Never throws; `room` is the group whose room the connection is in. */
export function parseWords(line: string, room: string | null): WordsLine {
  if (line === wordsExitServer) return { kind: 'exit-server' };
  return parseCommand(line) ?? (room === null ? wrong : parseInRoom(line, room));
}

function parseCommand(line: string): WordsLine | null {
  const [verb, rest] = cut(line);
  const [first, second] = cut(rest);
  const isComplete = first !== '' && second !== '';
  switch (verb) {
    case 'register': {
      const [email, password] = cut(second);
      return password === '' ? null : { kind: 'register', user: first, email, password };
    }
    case 'login':
      return isComplete ? { kind: 'login', user: first, password: second } : null;
    case 'create-group':
      return isComplete ? { kind: 'create', group: first, password: second } : null;
    case 'join-group':
      return isComplete ? { kind: 'join', group: first, password: second } : null;
    case 'send-to-group':
      return isComplete ? { kind: 'say', group: first, text: second } : null;
    case 'invite':
      return rest === '' ? null : { kind: 'invite', code: rest };
    default:
      return null;
  }
}

function parseInRoom(line: string, group: string): WordsLine {
  if (line === wordsExitChat[0]) return { kind: 'exit-chat', group };
  if (line === '/chat members') return { kind: 'members', group };
  if (!line.startsWith('/')) return line === '' ? wrong : { kind: 'say', group, text: line };
  const colon = line.indexOf(':');
  const [user, text] = [line.slice(1, colon), line.slice(colon + 1)];
  return colon > 1 && text !== '' ? { kind: 'whisper', user, text } : wrong;
}

/** The first word, and what follows one space. */
function cut(text: string): readonly [string, string] {
  const space = text.indexOf(' ');
  return space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space + 1)];
}

/** What the line asks of the cluster; null when it asks nothing. */
export function wordsRequest(line: WordsLine): ClientRequest | null {
  switch (line.kind) {
    case 'register': {
      const { user, email, password } = line;
      return { op: 'register', user, email, password };
    }
    case 'login':
      return { op: 'login', user: line.user, password: line.password };
    case 'create':
    case 'join':
      return { op: `${line.kind}-group`, group: line.group, password: line.password };
    case 'say':
      return { op: 'send', to: groupMark + line.group, text: line.text };
    case 'whisper':
      // No user's name begins with the mark of a group: what does is nobody.
      return { op: 'send', to: groupNameIn(line.user) === null ? line.user : '', text: line.text };
    case 'members':
      return { op: 'members', group: line.group };
    default:
      return null;
  }
}

/** What is refused before anything is asked; null: nothing is. */
export function wordsRefusal(line: WordsLine): string | null {
  return line.kind === 'register' && [...line.password].length < wordsPasswordChars ? illegalPassword : null;
}

/** The lines of the answer, without their ends. `user` is who asks, once logged in. */
export function formatWordsReply(line: WordsLine, reply: Reply, user: string): readonly string[] {
  if (reply.kind !== 'receipt') {
    const code = failureCode(reply);
    return [(code === null ? null : ownSentence(line, code)) ?? failureText(reply)];
  }
  const { value } = reply;
  switch (value.op) {
    case 'register':
      return ['signed up successfully.'];
    case 'login':
      return ['log in successfully.'];
    case 'create-group':
      return [`hey ${user}, group created, group id:${value.group}`];
    case 'join-group':
      return [wordsWelcome(value.group)];
    case 'members':
      return ['chat member:', ...value.members.map(({ name }) => name), ''];
    default:
      return [];
  }
}

/** The same for a member who comes back into the room. */
function wordsWelcome(group: string): string {
  return `Welcome to the chat room number ${group} !`;
}

function ownSentence(line: WordsLine, code: string): string | null {
  switch (line.kind) {
    case 'register':
      return registerSentence(code);
    case 'login':
      return code === 'BAD_CREDENTIALS' || code === 'UNKNOWN_USER'
        ? 'Wrong name or password, please try again...'
        : null;
    case 'create':
      return code === 'GROUP_TAKEN' ? 'This group is already exist, please try again...' : null;
    case 'whisper':
      return code === 'UNKNOWN_USER' ? wordsWrongInput : null;
    default:
      return ['UNKNOWN_GROUP', 'NOT_A_MEMBER', 'GROUP_PASSWORD_WRONG'].includes(code) ? wrongGroup : null;
  }
}

function registerSentence(code: string): string | null {
  switch (code) {
    case 'BAD_EMAIL':
      return 'Illegal e-mail, please try again...';
    case 'WEAK_PASSWORD':
      return illegalPassword;
    case 'EMAIL_TAKEN':
      return 'This e-mail is already exist, please try again...';
    case 'NAME_TAKEN':
      return 'This name is already exist, please try again...';
    default:
      return null;
  }
}

/** A message as it arrives. */
export function formatWordsPush({
  from,
  to,
  ...said
}: Pick<MessageEntry, 'from' | 'to' | 'text' | 'via'>): string {
  const shown = escapeLine(lineTextOf(said));
  return groupNameIn(to) === null ? `(Private massage)${from}:${shown}` : `${from}: ${shown}`;
}

/** What the others in a group see of somebody's coming and going; null: nothing. */
export function formatWordsNotice(notice: GroupNotice): string | null {
  switch (notice.kind) {
    case 'joined':
    case 'entered':
      return `user ${notice.user} join the chat!`;
    case 'left':
    case 'removed':
    case 'exited':
      return `user ${notice.user} disconnect!`;
    default:
      return null;
  }
}
