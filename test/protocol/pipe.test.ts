import fc from 'fast-check';
import t from 'tap';
import { type ErrorCode, errorTable } from '../../src/base/errors.ts';
import { detectDialect } from '../../src/protocol/detect.ts';
import { escapeLine } from '../../src/protocol/escape.ts';
import {
  formatPipePush,
  formatPipeReply,
  parsePipe,
  pipeGoodbye,
  pipeHelp,
} from '../../src/protocol/pipe.ts';
import { formatPipeError } from '../../src/protocol/pipe-errors.ts';
import {
  deletedAccountName,
  type MessageEntry,
  type Reply,
  type Success,
} from '../../src/protocol/requests.ts';

/** What the line asks for, or what it is answered at once. */
function parsed(line: string): unknown {
  const result = parsePipe(line);
  return result.kind === 'request' ? result.request : result.kind === 'invalid' ? result.text : result.kind;
}

/** The answer to a line as it goes over the wire, each line with its end shown as `⏎`. */
function answered(line: string, reply: Reply, options = {}): string {
  const result = parsePipe(line);
  if (result.kind !== 'request') throw new Error(`${line} is no request`);
  return formatPipeReply(result.request, reply, options)
    .map((text) => `${text}⏎`)
    .join('');
}

const receipt = (value: Success): Reply => ({ kind: 'receipt', value });
const rejection = (code: ErrorCode, text: string = errorTable[code].text): Reply => ({
  kind: 'rejection',
  code,
  text,
});

const sent = { op: 'send', conversation: 'd:1:2', sequence: 1, index: 9, number: 1, sentMs: 0 } as const;
const message: MessageEntry = {
  conversation: 'd:1:2',
  sequence: 1,
  index: 9,
  from: 'ann',
  to: 'bob',
  number: 1,
  text: 'hi',
  sentMs: 0,
};

t.test('pipe: every form of a line, and the last field is the rest of it', async (t) => {
  const forms: readonly [string, unknown][] = [
    ['1|ann|pw', { op: 'register', user: 'ann', password: 'pw' }],
    ['1|ann|p|w |', { op: 'register', user: 'ann', password: 'p|w |' }],
    ['1||', { op: 'register', user: '', password: '' }],
    ['2|ann|p w', { op: 'login', user: 'ann', password: 'p w' }],
    ['3|ann', { op: 'delete', user: 'ann' }],
    ['4', { op: 'users' }],
    ['5|a*', { op: 'search', pattern: 'a*' }],
    ['5|', { op: 'search', pattern: '' }],
    ['d|bob|hi | there ', { op: 'send', to: 'bob', text: 'hi | there ' }],
    ['d|bob|#1', { op: 'send', to: 'bob', text: '#1' }],
    ['6|bob', { op: 'history', with: 'bob', limit: 100 }],
    ['6|bob|7', { op: 'history', with: 'bob', limit: 7 }],
    ['6|bob|10000', { op: 'history', with: 'bob', limit: 10_000 }],
    ['q', 'quit'],
    ['h', 'help'],
  ];
  for (const [line, expected] of forms) t.same(parsed(line), expected, line);
});

t.test('pipe: a wrong number of fields is told the right form', async (t) => {
  const wrong: readonly [string, string][] = [
    ['1', '1|user|password'],
    ['1|ann', '1|user|password'],
    ['2|ann', '2|user|password'],
    ['3', '3|user'],
    ['3|ann|x', '3|user'],
    ['4|', '4'],
    ['4|x', '4'],
    ['5', '5|pattern'],
    ['d', 'd|to|message'],
    ['d|bob', 'd|to|message'],
    ['d|bob|', 'd|to|message'],
    ['6', '6|user or 6|user|N'],
    ['6|bob|', '6|user or 6|user|N'],
    ['6|bob|0', '6|user or 6|user|N'],
    ['6|bob|10001', '6|user or 6|user|N'],
    ['6|bob|-1', '6|user or 6|user|N'],
    ['6|bob|1e3', '6|user or 6|user|N'],
    ['6|bob|3|x', '6|user or 6|user|N'],
    ['q|x', 'q'],
    ['h|', 'h'],
    ['j', 'j|#group or j|#group|password'],
    ['j|team', 'j|#group or j|#group|password'],
  ];
  for (const [line, usage] of wrong) t.equal(parsed(line), `Invalid arguments! Usage: ${usage}`, line);
});

t.test('pipe: anything else is no request', async (t) => {
  for (const line of [
    '',
    ' ',
    '7',
    '7|x',
    'hello',
    '1 |a|b',
    ' 4',
    '4 ',
    'D|bob|hi',
    'Q',
    '|',
    'd bob hi',
    '__proto__|a|b',
  ]) {
    t.equal(parsed(line), 'Invalid request, use "h" for usage help!', JSON.stringify(line));
  }
});

t.test('pipe: transcript of everything that goes well', async (t) => {
  const users = [
    { name: 'ann', online: true },
    { name: 'bob', online: false },
  ];
  const history = [message, { ...message, from: deletedAccountName, text: 'bye\r\n[bob] forged' }];
  const transcript: readonly [string, Success, string][] = [
    ['1|ann|pw', { op: 'register', user: 'ann' }, 'New account created! User ID: ann. Please log in.⏎'],
    ['2|ann|pw', { op: 'login', user: 'ann' }, 'Login successful - welcome back ann!⏎'],
    ['3|ann', { op: 'delete', user: 'ann' }, 'Account ann has been deleted.⏎'],
    ['4', { op: 'users', users }, 'ann ✅⏎bob⏎⏎'],
    ['4', { op: 'users', users: [] }, 'No existing users!⏎⏎'],
    ['5|b', { op: 'search', users }, 'ann (live)⏎bob⏎⏎'],
    ['5|zed', { op: 'search', users: [] }, 'No usernames starting with zed⏎⏎'],
    ['5|\u001b[2J', { op: 'search', users: [] }, 'No usernames starting with \\x1b[2J⏎⏎'],
    ['d|bob|hi', { ...sent, to: 'bob', online: true }, 'Message sent to bob.⏎'],
    [
      'd|bob|hi',
      { ...sent, to: 'bob', online: false },
      'Message will be delivered to bob after the account is online.⏎',
    ],
    ['6|bob', { op: 'history', messages: history }, '[ann] hi⏎[deleted account] bye\\x0d\\n[bob] forged⏎⏎'],
    ['6|bob', { op: 'history', messages: [] }, '⏎'],
    ['j|#team', { op: 'join-group', group: 'team', conversation: 'g:5' }, 'Joined group #team.⏎'],
    ['d|#team|hi', { ...sent, to: '#team', online: true }, 'Message sent to #team.⏎'],
    ['d|#team|hi', { ...sent, to: '#team', online: false }, 'Message sent to #team.⏎'],
    ['6|#team', { op: 'history', messages: [{ ...message, to: '#team' }] }, '[#team ann] hi⏎⏎'],
  ];
  for (const [line, value, expected] of transcript) t.equal(answered(line, receipt(value)), expected, line);
  t.equal(pipeGoodbye, 'Goodbye!');
  t.same(formatPipeReply({ op: 'logout' }, receipt({ op: 'logout' }), {}), ['Goodbye!']);
  t.equal(formatPipePush(message), '[ann] hi');
});

t.test('pipe: transcript of every refusal', async (t) => {
  const transcript: readonly [string, ErrorCode, string][] = [
    ['1|ann|pw', 'NAME_TAKEN', 'Account ann already exists!'],
    ['1|a|pw', 'BAD_NAME', 'Username must be alphanumeric and 2-20 characters!'],
    ['1|ann|pw', 'ALREADY_LOGGED_IN', 'Please disconnect first!'],
    ['1|ann|', 'WEAK_PASSWORD', 'Error WEAK_PASSWORD: The password is too weak.'],
    ['2|ann|pw', 'BAD_CREDENTIALS', 'Incorrect username or password. Please try again.'],
    ['2|ann|pw', 'UNKNOWN_USER', 'Incorrect username or password. Please try again.'],
    ['2|ann|pw', 'ALREADY_LOGGED_IN', 'Please log out first!'],
    ['2|ann|pw', 'LOGGED_IN_ELSEWHERE', 'User ann already logged in. Please try again.'],
    ['3|bob', 'DENIED', 'You can only delete your own account.'],
    ['3|ann', 'AUTH_REQUIRED', 'Please log in first!'],
    ['4', 'AUTH_REQUIRED', 'Please log in first!'],
    ['5|a', 'AUTH_REQUIRED', 'Please log in first!'],
    ['6|bob', 'AUTH_REQUIRED', 'Please log in first!'],
    ['6|nobody', 'UNKNOWN_USER', 'Error UNKNOWN_USER: There is no such user.'],
    ['d|bob|hi', 'AUTH_REQUIRED', 'Please log in to send a message!'],
    ['d|nobody|hi', 'UNKNOWN_USER', 'Message failed to send! Verify recipient username.'],
    ['d|bob|hi', 'TOO_LONG', 'Error TOO_LONG: The field is too long.'],
    ['d|bob|hi', 'BUSY', 'Error BUSY: The service is busy, try again.'],
  ];
  for (const [line, code, expected] of transcript)
    t.equal(answered(line, rejection(code)), `${expected}⏎`, `${line} ${code}`);
});

t.test('pipe: without a majority every command says so in the same words', async (t) => {
  for (const line of ['1|ann|pw', '2|ann|pw', '3|ann', '4', '5|a', '6|bob', 'd|bob|hi']) {
    t.equal(
      answered(line, rejection('UNAVAILABLE', 'some detail')),
      'Error UNAVAILABLE: Service unavailable: no leader, try again.⏎',
      line,
    );
    t.equal(
      answered(line, { kind: 'unknown', text: '' }),
      'Error UNKNOWN_OUTCOME: The outcome is unknown; ask again before you repeat it.⏎',
    );
  }
  t.equal(formatPipeError('LINE_TOO_LONG'), 'Error LINE_TOO_LONG: The line is longer than 8192 bytes.');
});

t.test('pipe: unknown users are revealed only where that is configured', async (t) => {
  const reveal = { revealUnknownUser: true };
  t.equal(
    answered('2|zed|pw', rejection('UNKNOWN_USER'), reveal),
    'User zed does not exist. Please create an account.⏎',
  );
  t.equal(
    answered('2|ann|pw', rejection('BAD_CREDENTIALS'), reveal),
    'Incorrect password. Please try again.⏎',
  );
});

t.test('pipe: help names every command, one a line, and ends like a list', async (t) => {
  const help = pipeHelp();
  t.equal(help.at(-1), '');
  t.same(
    help.slice(0, -1).map((line) => line.split(/[ |]/)[0]),
    ['1', '2', '3', '4', '5', 'd', 'j', '6', 'q', 'h', 'invite'],
  );
});

t.test('escape: no text ends its line, commands a terminal, or reorders what is seen', async (t) => {
  t.equal(escapeLine('plain ✅ é \\n |'), 'plain ✅ é \\n |');
  t.equal(escapeLine('a\nb\r\tc'), 'a\\nb\\x0d\\x09c');
  t.equal(escapeLine('\u001b[31m\u009b\u007f\u0000'), '\\x1b[31m\\x9b\\x7f\\x00');
  t.equal(escapeLine('\u202eevil\u2066\u2028'), '\\u202eevil\\u2066\\u2028');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const line = formatPipePush({ from: 'ann', to: 'bob', text });
      return !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(line);
    }),
    { numRuns: 500 },
  );
});

t.test('pipe: whatever the line, there is one parse and it does not throw', async () => {
  const field = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('1', '6', 'd', 'h', '#g', '999999999999'),
  );
  fc.assert(
    fc.property(fc.array(field, { maxLength: 5 }), (fields) => {
      const result = parsePipe(fields.join('|'));
      return result.kind !== 'invalid' || !/[\r\n]/.test(result.text);
    }),
    { numRuns: 1_000 },
  );
});

t.test('detect: the first line decides, by its first word or field', async (t) => {
  const lines: Readonly<Record<string, readonly string[]>> = {
    messenger: [
      'USR|a|b|c',
      'ADD|a',
      'LOG|a|b',
      'LOGIN|a|b',
      'PORT|1',
      'MSG|a|b|c',
      'OUT|OK',
      'QUIT|DISCONNECT',
    ],
    registry: [
      'REGISTER_GROUP a 1.2.3.4 5',
      'GET_GROUP_LIST',
      'NEW_USER',
      'JOIN_GROUP u g',
      'LEAVE_GROUP u g',
      'SEND_MESSAGE u g t',
      'GET_MESSAGES u g',
    ],
    slash: ['/', '/name bob', '/register a b'],
    words: [
      'register a b c',
      'login a b',
      'create-group g p',
      'join-group g p',
      'send-to-group g t',
      'exit server!',
      '',
    ],
    pipe: [
      '1|a|b',
      '4',
      'd|a|b',
      'j|#g',
      'h',
      'q',
      'login',
      'USR',
      'NEW_USERS',
      'usr|a',
      'hello there',
      ' ',
      'exit',
      'registerx ',
    ],
  };
  for (const [dialect, firsts] of Object.entries(lines)) {
    for (const line of firsts) t.equal(detectDialect(line), dialect, JSON.stringify(line));
  }
});
