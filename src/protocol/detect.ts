/** Which dialect a connection speaks: its first line decides. */

export type Dialect = 'messenger' | 'registry' | 'slash' | 'words' | 'pipe';

const messengerFields = new Set(['USR', 'ADD', 'LOG', 'LOGIN', 'PORT', 'MSG', 'OUT', 'QUIT']);

const registryWords = new Set([
  'REGISTER_GROUP',
  'GET_GROUP_LIST',
  'NEW_USER',
  'JOIN_GROUP',
  'LEAVE_GROUP',
  'SEND_MESSAGE',
  'GET_MESSAGES',
]);

/** These only with a word behind them: a bare `login` is no one's first line. */
const wordsVerbs = new Set(['register', 'login', 'create-group', 'join-group', 'send-to-group', 'exit']);

export function detectDialect(firstLine: string): Dialect {
  const bar = firstLine.indexOf('|');
  if (bar >= 0 && messengerFields.has(firstLine.slice(0, bar))) return 'messenger';
  const space = firstLine.indexOf(' ');
  const word = space < 0 ? firstLine : firstLine.slice(0, space);
  if (registryWords.has(word)) return 'registry';
  if (firstLine.startsWith('/')) return 'slash';
  // An empty line opens the menu dialogue of the words dialect.
  if (firstLine === '' || (space >= 0 && wordsVerbs.has(word))) return 'words';
  return 'pipe';
}

/** The answer to an invitation in every dialect. */
export const invitationTaken = 'OK';

/** The code of a first line that shows an invitation, in the form of whichever dialect will follow; null when it is another line. */
export function readInvitation(firstLine: string): string | null {
  return /^(?:invite |INVITE\|)([!-~]{1,128})$/.exec(firstLine)?.[1] ?? null;
}
