/**
 * The slash dialect: a line that begins with `/` is a command, any other is said to everyone. One reply line a command; what is said to
 * everyone is answered only when it is refused. Pure; the texts are those that people of this dialect look for.
 */
import { groupMark, groupNameIn, lobbyName } from '../base/addresses.ts';
import { failureCode, failureText } from './common-errors.ts';
import { escapeLine } from './escape.ts';
import { type ClientRequest, lineTextOf, type MessageEntry, type Reply, type Success } from './requests.ts';

export type SlashLine =
  | { readonly kind: 'broadcast'; readonly text: string }
  | { readonly kind: 'private'; readonly user: string; readonly text: string }
  | { readonly kind: 'group-message'; readonly group: string; readonly text: string }
  | { readonly kind: 'create' | 'join'; readonly group: string; readonly password: string | null }
  | { readonly kind: 'leave'; readonly group: string }
  | { readonly kind: 'list' | 'groups' | 'help' | 'quit' }
  /** Null: of the group that was last joined or used. */
  | { readonly kind: 'members'; readonly group: string | null }
  | { readonly kind: 'file'; readonly user: string; readonly path: string }
  | { readonly kind: 'group-file'; readonly group: string; readonly path: string }
  /** A guest's name. */
  | { readonly kind: 'name'; readonly user: string }
  | { readonly kind: 'register' | 'login'; readonly user: string; readonly password: string }
  | { readonly kind: 'invite'; readonly code: string }
  /** Answered with `text`; nothing is to be done. */
  | { readonly kind: 'invalid'; readonly text: string };

export const slashGoodbye = 'SUCCESS: You have left the ChatSystem:)';
export const slashRegistered = 'SUCCESS: Username registered.';
export const slashNameTaken = 'ERROR: Username already taken. Please choose another one.';
export const slashToOneself = 'ERROR: You cannot send a message to yourself.';
export const slashFileNeedsClient = 'ERROR: File transfer needs the client.';
export const slashWhichGroup = usage('group members', '/showgroupmembers <groupname>');

function usage(what: string, form: string): string {
  return `ERROR: Invalid ${what} format. Use ${form}`;
}

interface Verb {
  readonly form: string;
  readonly help: string;
  /** What the refusal of a wrong form calls it. */
  readonly what: string;
  /** `rest` is what follows the verb; null: a wrong form. */
  parse(rest: string): SlashLine | null;
}

const verbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  [
    '/public',
    {
      form: '/public <message>',
      help: 'say something to everyone, as a line without a command does',
      what: 'public message',
      parse: (text) => (text === '' ? null : { kind: 'broadcast', text }),
    },
  ],
  [
    '/msg',
    {
      form: '/msg <username> <message>',
      help: 'send a private message',
      what: 'private message',
      parse: (rest) => withText(rest, (user, text) => ({ kind: 'private', user, text })),
    },
  ],
  ['/list', plain('/list', 'show who is online', { kind: 'list' })],
  [
    '/create',
    {
      form: '/create <groupname> [password]',
      help: 'create a group',
      what: 'group',
      parse: (rest) => door('create', rest),
    },
  ],
  [
    '/join',
    {
      form: '/join <groupname> [password]',
      help: 'join a group',
      what: 'group',
      parse: (rest) => door('join', rest),
    },
  ],
  [
    '/leave',
    {
      form: '/leave <groupname>',
      help: 'leave a group',
      what: 'group',
      parse: (rest) => oneWord(rest, (group) => ({ kind: 'leave', group: bare(group) })),
    },
  ],
  ['/showgroups', plain('/showgroups', 'show the groups', { kind: 'groups' })],
  [
    '/showgroupmembers',
    {
      form: '/showgroupmembers [groupname]',
      help: 'show who is in a group',
      what: 'group members',
      parse: (rest) =>
        rest === ''
          ? { kind: 'members', group: null }
          : oneWord(rest, (group) => ({ kind: 'members', group: bare(group) })),
    },
  ],
  [
    '/group',
    {
      form: '/group <groupname> <message>',
      help: 'send a message to a group',
      what: 'group message',
      parse: (rest) => withText(rest, (group, text) => ({ kind: 'group-message', group: bare(group), text })),
    },
  ],
  [
    '/file',
    {
      form: '/file <username> <filename>',
      help: 'send a file',
      what: 'file',
      parse: (rest) => withText(rest, (user, path) => ({ kind: 'file', user, path })),
    },
  ],
  [
    '/groupfile',
    {
      form: '/groupfile <groupname> <filename>',
      help: 'send a file to a group',
      what: 'file',
      parse: (rest) => withText(rest, (group, path) => ({ kind: 'group-file', group: bare(group), path })),
    },
  ],
  [
    '/name',
    {
      form: '/name <username>',
      help: 'come in as a guest',
      what: 'username',
      parse: (rest) => oneWord(rest, (user) => ({ kind: 'name', user })),
    },
  ],
  [
    '/register',
    {
      form: '/register <username> <password>',
      help: 'make an account',
      what: 'registration',
      parse: (rest) => withText(rest, (user, password) => ({ kind: 'register', user, password })),
    },
  ],
  [
    '/login',
    {
      form: '/login <username> <password>',
      help: 'come in with an account',
      what: 'login',
      parse: (rest) => withText(rest, (user, password) => ({ kind: 'login', user, password })),
    },
  ],
  [
    '/invite',
    {
      form: '/invite <code>',
      help: 'show an invitation before /register',
      what: 'invitation',
      parse: (rest) => oneWord(rest, (code) => ({ kind: 'invite', code })),
    },
  ],
  ['/help', plain('/help', 'show this help', { kind: 'help' })],
  ['/quit', plain('/quit', 'leave', { kind: 'quit' })],
]);

function plain(form: string, help: string, line: SlashLine): Verb {
  return { form, help, what: 'command', parse: (rest) => (rest === '' ? line : null) };
}

/** Never throws; `line` is without its end. */
export function parseSlash(line: string): SlashLine {
  if (!line.startsWith('/')) return { kind: 'broadcast', text: line };
  const [name, rest] = split(line);
  const verb = verbs.get(name);
  if (verb === undefined) return { kind: 'invalid', text: 'ERROR: Unknown command. Use /help.' };
  return verb.parse(rest) ?? { kind: 'invalid', text: usage(verb.what, verb.form) };
}

/** The first word, and what follows the spaces behind it. */
function split(text: string): readonly [string, string] {
  const space = text.indexOf(' ');
  return space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space).trimStart()];
}

function withText(rest: string, make: (word: string, text: string) => SlashLine): SlashLine | null {
  const [word, text] = split(rest);
  return word === '' || text === '' ? null : make(word, text);
}

function oneWord(rest: string, make: (word: string) => SlashLine): SlashLine | null {
  const word = rest.trimEnd();
  return word === '' || word.includes(' ') ? null : make(word);
}

function door(kind: 'create' | 'join', rest: string): SlashLine | null {
  const [group, password] = split(rest);
  return group === '' ? null : { kind, group: bare(group), password: password === '' ? null : password };
}

/** A group's name, also where somebody wrote it as the other dialects do. */
function bare(group: string): string {
  return groupNameIn(group) ?? group;
}

/** What the line asks of the cluster; null when it asks nothing that one request answers. */
export function slashRequest(line: SlashLine): ClientRequest | null {
  switch (line.kind) {
    case 'broadcast':
      return { op: 'send', to: groupMark + lobbyName, text: line.text };
    case 'private':
      // No user's name begins with the mark of a group: what does is nobody.
      return { op: 'send', to: groupNameIn(line.user) === null ? line.user : '', text: line.text };
    case 'group-message':
      return { op: 'send', to: groupMark + line.group, text: line.text };
    case 'create':
    case 'join': {
      const password = line.password === null ? {} : { password: line.password };
      return { op: `${line.kind}-group`, group: line.group, ...password };
    }
    case 'leave':
      return { op: 'leave-group', group: line.group };
    case 'list':
      return { op: 'online' };
    case 'groups':
      return { op: 'groups' };
    case 'members':
      return line.group === null ? null : { op: 'members', group: line.group };
    case 'register':
    case 'login':
      return { op: line.kind, user: line.user, password: line.password };
    default:
      return null;
  }
}

/** Every command, one a line, as a list. */
export function slashHelp(): readonly string[] {
  return [...[...verbs.values()].map(({ form, help }) => `${form} - ${help}`), ''];
}

/** The lines of the answer, without their ends. */
export function formatSlashReply(line: SlashLine, reply: Reply): readonly string[] {
  if (reply.kind === 'receipt') return formatSuccess(line, reply.value);
  const code = failureCode(reply);
  return [(code === null ? null : ownSentence(line, code)) ?? slashError(failureText(reply))];
}

/** The form of errors that any command can meet. */
export function slashError(text: string): string {
  return `ERROR: ${text}`;
}

function formatSuccess(line: SlashLine, value: Success): readonly string[] {
  switch (value.op) {
    case 'login':
      return [`SUCCESS: Logged in as ${value.user}.`];
    case 'send':
      return sentLines(line, value.to);
    case 'create-group':
      return [`Group ${value.group} created and joined.`];
    case 'join-group':
      return [`Joined group ${value.group}`];
    case 'leave-group':
      return [`Left group ${value.group}`];
    case 'online':
      return [value.online.map(({ name }) => name).join(', ')];
    case 'groups':
      return [
        value.groups.length === 0 ? 'No groups available.' : value.groups.map(({ name }) => name).join(', '),
      ];
    case 'members':
      return [value.members.map(({ name }) => name).join(' ')];
    default:
      return [];
  }
}

function sentLines(line: SlashLine, to: string): readonly string[] {
  const group = groupNameIn(to);
  if (line.kind === 'broadcast') return [];
  const text = 'text' in line ? escapeLine(line.text) : '';
  return [group === null ? `Private message to ${to}: ${text}` : `Group message to ${group}: ${text}`];
}

function ownSentence(line: SlashLine, code: string): string | null {
  if ((line.kind === 'private' || line.kind === 'file') && code === 'UNKNOWN_USER') {
    return `ERROR: User '${escapeLine(line.user)}' does not exist.`;
  }
  if ((line.kind === 'register' || line.kind === 'name') && code === 'NAME_TAKEN') return slashNameTaken;
  if (!('group' in line) || line.group === null) return null;
  const group = escapeLine(line.group);
  switch (code) {
    case 'UNKNOWN_GROUP':
      return `Group '${group}' does not exist.`;
    case 'GROUP_TAKEN':
      return `Group '${group}' already exists.`;
    case 'ALREADY_MEMBER':
      return `ERROR: You are already in group '${group}'.`;
    case 'NOT_A_MEMBER':
      return `ERROR: You have not join group '${group}'.`;
    case 'GROUP_PASSWORD_WRONG':
      return 'ERROR: Wrong group password.';
    default:
      return null;
  }
}

/** A message as it arrives; of a file, that it is there. */
export function formatSlashPush({
  from,
  to,
  file,
  ...said
}: Pick<MessageEntry, 'from' | 'to' | 'text' | 'file' | 'via'>): string {
  const group = groupNameIn(to);
  if (file !== undefined) {
    const name = escapeLine(file.name);
    return group === null
      ? `You received file '${name}' from ${from}.`
      : `[Receive ${name} from Group ${group} ${from}]`;
  }
  const shown = escapeLine(lineTextOf(said));
  if (group === null) return `Private message from ${from}: ${shown}`;
  return group === lobbyName
    ? `[Broadcast from ${from}]: ${shown}`
    : `[Receive group ${group} message from ${from}]: ${shown}`;
}

/** What a sender reads who speaks to everyone too often. */
export function slashTooSoon(waitMs: number): string {
  return `Please wait ${(Math.ceil(waitMs / 100) / 10).toFixed(1)} seconds before sending another message.`;
}
