/** How people of the line dialects come in, say something and know that it was taken, and hear: as a script of theirs would do it. */
import type { LineClient } from '../../../../test/cluster/support/line-client.ts';
import { type SendOutcome, type Token, tokenIn } from './journal.ts';

export type Target =
  | { readonly kind: 'user'; readonly name: string }
  | { readonly kind: 'group' }
  | { readonly kind: 'lobby' };

export const groupName = 'mixall';

export interface Speech {
  readonly dialect: string;
  /** Its readers acknowledge, and know a message that comes again. */
  readonly acknowledges: boolean;
  /** Once, on any connection. */
  signUp(line: LineClient): Promise<void>;
  /** On each connection. Rejects when it is not let in. */
  logIn(line: LineClient): Promise<void>;
  /** On each connection of somebody who speaks, logged in. */
  getReady?(line: LineClient): Promise<void>;
  /** Once, logged in. */
  joinGroup(line: LineClient): Promise<void>;
  say(line: LineClient, to: Target, token: Token): Promise<SendOutcome>;
  /** What a line that was pushed tells, acknowledged where the dialect does that; null: it is none. */
  heard(line: LineClient, text: string): Token | null;
  /** Its public name. */
  readonly name: string;
}

const password = 'password';
const answerMs = 12_000;
const unknownOutcome = /unknown|UNKNOWN_OUTCOME/i;

/** Skips what is pushed meanwhile. */
async function answer(
  speech: Speech,
  line: LineClient,
  isAnswer: (text: string) => boolean,
): Promise<string> {
  for (;;) {
    const text = await line.next(answerMs);
    if (isAnswer(text)) return text;
    speech.heard(line, text);
  }
}

async function must(speech: Speech, line: LineClient, request: string, wanted: string): Promise<void> {
  line.send(request);
  // Whatever else comes first is a refusal, or a push, which a line of text cannot be told from before a login.
  const text = await answer(speech, line, (next) => next === wanted || tokenIn(next) === null);
  if (text !== wanted) throw new Error(`${speech.name}: ${request} was answered ${text}`);
}

/** A refusal says whether it is certain that nothing was done. */
function outcomeOf(text: string, accepted: RegExp): SendOutcome {
  if (accepted.test(text)) return 'acknowledged';
  return unknownOutcome.test(text) ? 'unknown' : 'rejected';
}

export function pipeSpeech(name: string): Speech {
  const speech: Speech = {
    dialect: 'pipe',
    acknowledges: false,
    name,
    signUp: (line) =>
      must(speech, line, `1|${name}|${password}`, `New account created! User ID: ${name}. Please log in.`),
    logIn: (line) => must(speech, line, `2|${name}|${password}`, `Login successful - welcome back ${name}!`),
    joinGroup: (line) => must(speech, line, `j|#${groupName}`, `Joined group #${groupName}.`),
    async say(line, to, token) {
      line.send(`d|${address(to)}|${token}`);
      const text = await answer(speech, line, (next) => !next.startsWith('['));
      return outcomeOf(text, /^Message (sent|will be delivered) to /);
    },
    heard: (_line, text) => (text.startsWith('[') ? tokenIn(text) : null),
  };
  return speech;
}

function address(to: Target): string {
  if (to.kind === 'user') return to.name;
  return to.kind === 'group' ? `#${groupName}` : '#lobby';
}

export function messengerSpeech(name: string): Speech {
  const known = new Set<string>();
  const speech: Speech = {
    dialect: 'messenger',
    acknowledges: true,
    name,
    signUp: (line) => must(speech, line, `USR|${name}|${password}|${name}`, '0|OK'),
    logIn: (line) => must(speech, line, `LOG|${name}|${password}`, '0|OK'),
    async joinGroup(line) {
      await must(speech, line, `JOIN|#${groupName}`, '0|OK');
    },
    async say(line, to, token) {
      line.send(`MSG|${name}|${address(to)}|${token}`);
      const text = await answer(speech, line, (next) => !/^(R|OK)\|/.test(next));
      return outcomeOf(text, /^0\|\d{6}/);
    },
    heard(line, text) {
      const [kind, from, number] = text.split('|');
      if (kind === 'OK') line.send('0|OK');
      if (kind !== 'R') return null;
      line.send(`0|${number}`);
      const isNew = !known.has(`${from} ${number}`);
      known.add(`${from} ${number}`);
      return isNew ? tokenIn(text) : null;
    },
  };
  return speech;
}

/** Says what cannot be done, and is always answered in the same words: so far everything was taken. */
const slashFence = { line: '/fence', answer: 'ERROR: Unknown command. Use /help.' };
const wordsFence = { line: '/fence', answer: 'Wrong input' };

export function slashSpeech(name: string): Speech {
  const speech: Speech = {
    dialect: 'slash',
    acknowledges: false,
    name,
    signUp: (line) => must(speech, line, `/register ${name} ${password}`, `SUCCESS: Logged in as ${name}.`),
    logIn: (line) => must(speech, line, `/login ${name} ${password}`, `SUCCESS: Logged in as ${name}.`),
    joinGroup: (line) => must(speech, line, `/join ${groupName}`, `Joined group ${groupName}`),
    async say(line, to, token) {
      const command = {
        user: to.kind === 'user' ? `/msg ${to.name}` : '',
        group: `/group ${groupName}`,
        lobby: '/public',
      };
      line.send(`${command[to.kind]} ${token}`, slashFence.line);
      const text = await answer(speech, line, (next) => next.startsWith('ERROR: '));
      if (text === slashFence.answer) return 'acknowledged';
      await answer(speech, line, (next) => next === slashFence.answer);
      return outcomeOf(text, /^$/);
    },
    // What it says itself is told to it, too.
    heard: (_line, text) =>
      /^(Private message from|\[Broadcast|\[Receive|You received)/.test(text) ? tokenIn(text) : null,
  };
  return speech;
}

/** Neither a message nor a notice. */
function isWordsAnswer(text: string): boolean {
  return tokenIn(text) === null && !/^user \S+ (join the chat|disconnect)!$/.test(text);
}

export function wordsSpeech(name: string): Speech {
  const email = `${name}@example.org`;
  const speech: Speech = {
    dialect: 'words',
    acknowledges: false,
    name,
    signUp: (line) => must(speech, line, `register ${name} ${email} ${password}`, 'signed up successfully.'),
    logIn: (line) => must(speech, line, `login ${email} ${password}`, 'log in successfully.'),
    // Only in a room there is a way to speak to one user.
    getReady: (line) => speech.joinGroup(line),
    async joinGroup(line) {
      line.send(`join-group ${groupName} open`);
      const text = await answer(speech, line, isWordsAnswer);
      if (!text.startsWith('Welcome')) throw new Error(`${name}: ${text}`);
    },
    async say(line, to, token) {
      const command = to.kind === 'user' ? `/${to.name}:` : `send-to-group ${groupName} `;
      line.send(`${command}${token}`, wordsFence.line);
      const text = await answer(speech, line, (next) => isWordsAnswer(next));
      if (text === wordsFence.answer) return 'acknowledged';
      await answer(speech, line, (next) => next === wordsFence.answer);
      return outcomeOf(text, /^$/);
    },
    heard: (_line, text) => tokenIn(text),
  };
  return speech;
}

export interface RegistrySpeech extends Speech {
  /** All that stands in the group, or between a user and this one. */
  fetch(line: LineClient, from: Target): Promise<readonly Token[]>;
}

export function registrySpeech(): RegistrySpeech {
  let uid = '';
  let name = '';
  const named = (to: Target): string => (to.kind === 'user' ? `@${to.name}` : groupName);
  const speech: RegistrySpeech = {
    dialect: 'registry',
    acknowledges: false,
    get name() {
      return name;
    },
    async signUp(line) {
      uid = await line.ask('NEW_USER', answerMs);
      if (uid === 'FAILED') throw new Error('NEW_USER was refused');
      const digest = await crypto.subtle.digest('SHA-256', Buffer.from(uid));
      name = `user-${Buffer.from(digest).toString('hex').slice(0, 8)}`;
    },
    logIn: async () => undefined,
    joinGroup: (line) => must(speech, line, `JOIN_GROUP ${uid} ${groupName}`, 'SUCCESS'),
    async say(line, to, token) {
      const text = await line.ask(`SEND_MESSAGE ${uid} ${named(to)} ${token}`, answerMs);
      // One word for every failure: what it means for the message cannot be told.
      return text === 'SUCCESS' ? 'acknowledged' : 'unknown';
    },
    heard: () => null,
    async fetch(line, from) {
      const lines = await line.list(`GET_MESSAGES ${uid} ${named(from)}`);
      return lines.flatMap((text) => tokenIn(text) ?? []);
    },
  };
  return speech;
}
