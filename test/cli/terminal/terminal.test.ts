/** The keyboard mode on a screen of paper: what a person sees after every key. */
import { PassThrough, Writable } from 'node:stream';
import t from 'tap';
import { holdsPassword } from '../../../src/cli/dialogues/account-lines.ts';
import type { Verdict } from '../../../src/cli/dialogues/dialogue.ts';
import { PipeDialogue } from '../../../src/cli/dialogues/pipe-dialogue.ts';
import { Terminal } from '../../../src/cli/terminal/terminal.ts';
import { settle } from '../../support/virtual-clock.ts';

const columns = 40;

/** As much of a terminal as the line editor uses: text, line ends, cursor moves, erasure. */
class Paper extends Writable {
  readonly isTTY = true;
  readonly columns = columns;
  readonly rows = 24;
  #lines: string[] = [''];
  #row = 0;
  #column = 0;
  raw = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const text = chunk.toString();
    this.raw += text;
    for (const [at, part] of text.split('\u001b[').entries()) {
      const sequence = at === 0 ? null : /^([0-9;]*)([A-Za-z])/.exec(part);
      if (sequence !== null) this.#control(sequence[1] ?? '', sequence[2] ?? '');
      for (const character of part.slice(sequence?.[0].length ?? 0)) this.#put(character);
    }
    done();
  }

  /** What is to be seen, without empty lines at the end. */
  get text(): string {
    return this.#lines
      .map((line) => line.trimEnd())
      .join('\n')
      .trimEnd();
  }

  get cursor(): [row: number, column: number] {
    return [this.#row, this.#column];
  }

  #put(character: string): void {
    if (character === '\r') this.#column = 0;
    else if (character === '\n') this.#down();
    else {
      if (this.#column === columns) this.#down();
      const line = (this.#lines[this.#row] ?? '').padEnd(this.#column);
      this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
      this.#column += 1;
    }
  }

  /** A terminal in its usual mode returns to the first column too. */
  #down(): void {
    this.#row += 1;
    this.#column = 0;
    while (this.#lines.length <= this.#row) this.#lines.push('');
  }

  #control(count: string, command: string): void {
    const by = Number(count || 1);
    if (command === 'A') this.#row = Math.max(0, this.#row - by);
    else if (command === 'B') this.#row += by;
    else if (command === 'C') this.#column = Math.min(columns, this.#column + by);
    else if (command === 'D') this.#column = Math.max(0, this.#column - by);
    else if (command === 'G') this.#column = by - 1;
    else if (command === 'J') {
      this.#lines = this.#lines.slice(0, this.#row + 1);
      this.#lines[this.#row] = (this.#lines[this.#row] ?? '').slice(0, this.#column);
    } else if (command === 'K')
      this.#lines[this.#row] = (this.#lines[this.#row] ?? '').slice(0, this.#column);
  }
}

interface Desk {
  /** What is typed next is a password. */
  secret: boolean;
  readonly terminal: Terminal;
  readonly paper: Paper;
  /** What Tab offers for all that follows a verb. */
  candidates: readonly string[];
  /** How often the person was taken to have read the screen. */
  seen: number;
  /** Lines that reached the dialogue. */
  readonly asked: string[];
  /** Answers what is asked; by default at once. */
  answer(line: string): Promise<Verdict>;
  press(keys: string): Promise<void>;
}

const up = '\u001b[A';
const left = '\u001b[D';

async function desk(colour = false): Promise<Desk> {
  const input = new PassThrough();
  const paper = new Paper();
  const onSeen = (): void => {
    made.seen += 1;
  };
  const terminal = new Terminal({ input, output: paper, colour, onSeen });
  const made: Desk = {
    candidates: [],
    secret: false,
    seen: 0,
    terminal,
    paper,
    asked: [],
    answer: async (line) => {
      terminal.show([`done: ${line}`], 'reply');
      return 'accepted';
    },
    press: async (keys) => {
      input.write(keys);
      for (let turn = 0; turn < 4; turn++) await settle();
    },
  };
  terminal.start({
    opening: PipeDialogue.help(true),
    get prompt() {
      return made.secret ? 'Password: ' : '> ';
    },
    get isSecret() {
      return made.secret;
    },
    execute: (line) => {
      made.asked.push(line);
      return line === 'q' && !made.secret ? Promise.resolve('quit') : made.answer(line);
    },
    isImmediate: (line) => line === 'h' || line === 'q',
    holdsPassword: (line) => made.secret || holdsPassword(line),
    refusal: (code) => `Error ${code}: …`,
    question: (line) => (line.startsWith('3|') ? 'Are you sure? (y/n) ' : null),
    answerTo: (address, text) => `d|${address}|${text}`,
    complete: async (line) => ({ fragment: line.slice(2), candidates: made.candidates }),
  });
  await settle();
  return made;
}

t.test('terminal: shows the options at launch, then a prompt', async (t) => {
  const { paper, terminal } = await desk();
  t.match(paper.text, /1\|user\|password - register[\s\S]*h - show this help[\s\S]*\n>$/);
  terminal.quit();
});

t.test('terminal: a message that arrives stands above the line being typed, which stays whole', async (t) => {
  const { paper, terminal, press, asked } = await desk();
  await press(`d|bob|hello${left}${left}`);
  const [, column] = paper.cursor;
  terminal.show(['[ann] hi there'], 'message');
  t.ok(paper.text.endsWith('[ann] hi there\n> d|bob|hello'), paper.text);
  t.equal(paper.cursor[1], column, 'the cursor is where it was');
  await press('X');
  await press('\r');
  t.strictSame(asked, ['d|bob|helXlo']);
  terminal.quit();
});

t.test('terminal: the same holds for a typed line of several rows', async (t) => {
  const { paper, terminal, press, asked } = await desk();
  const long = `d|bob|${'abcdefghij'.repeat(9)}`;
  await press(long);
  await press(left.repeat(30));
  const before = paper.text;
  const [row, column] = paper.cursor;
  terminal.show(['[ann] one'], 'message');
  terminal.show(['[ann] two'], 'message');
  const typedRows = Math.ceil((long.length + 2) / columns);
  const lines = paper.text.split('\n');
  t.strictSame(lines.slice(-typedRows).join(''), `> ${long}`);
  t.strictSame(lines.slice(-typedRows - 2, -typedRows), ['[ann] one', '[ann] two']);
  t.equal(lines.length, before.split('\n').length + 2, 'nothing was torn or left behind');
  t.strictSame(paper.cursor, [row + 2, column]);
  await press('!');
  await press('\r');
  t.equal(asked[0], `${long.slice(0, -30)}!${long.slice(-30)}`);
  terminal.quit();
});

t.test('terminal: lines typed while one is under way are kept and executed in order', async (t) => {
  const made = await desk();
  const { terminal, press, asked } = made;
  const releases: (() => void)[] = [];
  made.answer = () => new Promise((resolve) => releases.push(() => resolve('accepted')));
  await press('d|bob|1\rd|bob|2\rd|bob|3\r');
  t.strictSame(asked, ['d|bob|1']);
  for (let i = 0; i < 3; i++) {
    releases.shift()?.();
    await settle();
  }
  t.strictSame(asked, ['d|bob|1', 'd|bob|2', 'd|bob|3']);
  terminal.quit();
});

t.test('terminal: offers to reply, once a sender, and r answers the last one', async (t) => {
  const { paper, terminal, press, asked } = await desk();
  await press('r hello\r');
  t.match(paper.text, /Nobody has written to you yet/);
  const from = (name: string, to = 'me'): void => terminal.received({ from: name, to });
  from('ann');
  from('ann');
  from('deleted account');
  from('bob');
  t.equal(paper.text.split('(to answer').length - 1, 2);
  await press('r hello | you\r');
  t.strictSame(asked, ['d|bob|hello | you']);
  from('ann', '#team');
  from('bob', '#team');
  await press('r hello\r');
  t.strictSame(asked, ['d|bob|hello | you', 'd|#team|hello'], 'what was said in a group is answered there');
  terminal.quit();
});

t.test('terminal: an account is deleted only after a yes', async (t) => {
  const { paper, terminal, press, asked } = await desk();
  await press('3|ann\r');
  t.match(paper.text, /Are you sure\? \(y\/n\)$/);
  await press('n\r');
  t.match(paper.text, /Nothing was deleted/);
  await press('3|ann\r\r');
  t.strictSame(asked, [], 'no answer is no');
  await press('3|ann\ry\r');
  t.strictSame(asked, ['3|ann']);
  terminal.quit();
});

t.test('terminal: the history brings lines back, never one with a password', async (t) => {
  const { terminal, press, asked } = await desk();
  await press('4\r2|ann|secret\r1|eve|secret\r');
  asked.length = 0;
  await press(`${up}\r`);
  t.strictSame(asked, ['4']);
  terminal.quit();
});

t.test(
  'terminal: help and q work while a line has no answer, and q says what it leaves behind',
  async (t) => {
    const made = await desk();
    const { paper, terminal, press, asked } = made;
    made.answer = (line) => (line === 'h' ? Promise.resolve('accepted') : new Promise(() => undefined));
    await press('4\rd|bob|x\rh\r');
    t.strictSame(asked, ['4', 'h']);
    await press('q\r');
    await terminal.ended;
    t.match(paper.text, /2 of your lines had no answer yet[^>]*unknown\.$/, 'and no prompt');
  },
);

t.test('terminal: Ctrl-C and the end of input leave like q', async (t) => {
  for (const key of ['\u0003', '\u0004']) {
    const { terminal, press } = await desk();
    await press(key);
    await terminal.ended;
  }
  t.pass('both ended');
});

t.test('terminal: colours only when asked for', async (t) => {
  const [plain, coloured] = [await desk(false), await desk(true)];
  for (const { terminal } of [plain, coloured]) terminal.show(['[ann] hi'], 'message');
  t.notMatch(plain.paper.raw, '\u001b[36m');
  t.match(coloured.paper.raw, '\u001b[36m[ann] hi\u001b[0m\n');
  for (const { terminal } of [plain, coloured]) terminal.quit();
});

t.test('terminal: a line over the limit is refused here', async (t) => {
  const { paper, terminal, press, asked } = await desk();
  await press(`d|bob|${'x'.repeat(9_000)}\r`);
  t.match(paper.text, /Error LINE_TOO_LONG/);
  t.strictSame(asked, []);
  terminal.quit();
});

t.test('terminal: what stands above the prompt moves with it and stays behind nowhere', async (t) => {
  const { paper, terminal, press, asked } = await desk();
  await press('d|bob|hel');
  terminal.status('marks', 'to bob: hi (sent)');
  t.ok(paper.text.endsWith('\nto bob: hi (sent)\n> d|bob|hel'), paper.text);
  terminal.show(['[ann] hi'], 'message');
  terminal.status('file', 'a.bin [###---] 50%');
  t.ok(paper.text.endsWith('\n[ann] hi\nto bob: hi (sent)\na.bin [###---] 50%\n> d|bob|hel'), paper.text);
  await press('lo\r');
  t.strictSame(asked, ['d|bob|hello']);
  t.ok(
    paper.text.endsWith(
      '\n[ann] hi\n> d|bob|hello\ndone: d|bob|hello\nto bob: hi (sent)\na.bin [###---] 50%\n>',
    ),
    paper.text,
  );
  terminal.status('file', null);
  terminal.status('marks', null);
  t.ok(paper.text.endsWith('> d|bob|hello\ndone: d|bob|hello\n>'), paper.text);
  terminal.quit();
});

t.test('terminal: Tab completes what the dialogue knows', async (t) => {
  const made = await desk();
  made.candidates = ['bobby'];
  await made.press('d|bo');
  await made.press('\t');
  await made.press('|hi\r');
  t.strictSame(made.asked, ['d|bobby|hi']);
  made.terminal.quit();
});

t.test('terminal: a line that is typed tells that the screen was read', async (t) => {
  const made = await desk();
  t.equal(made.seen, 0);
  await made.press('4\r');
  t.equal(made.seen, 1);
  made.terminal.quit();
});

t.test(
  'terminal: a line that ends the program leaves nothing unanswered but what is behind it',
  async (t) => {
    for (const [typed, said] of [
      ['bye\r', /done: bye$/],
      ['bye\r4\r', /1 of your lines had no answer yet[^>]*unknown\.$/],
    ] as const) {
      const made = await desk();
      const { paper, terminal, press } = made;
      let release: () => void = () => undefined;
      made.answer = async (line) => {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        terminal.show([`done: ${line}`], 'reply');
        return 'quit';
      };
      await press(typed);
      release();
      await terminal.ended;
      t.match(paper.text, said);
    }
  },
);

t.test(
  'terminal: what is typed at a prompt for a password is not seen, whatever happens meanwhile',
  async (t) => {
    const made = await desk();
    const { paper, terminal, press } = made;
    await press('before');
    made.secret = true;
    made.answer = async () => {
      made.secret = false;
      return 'accepted';
    };
    terminal.status('marks', 'to bob: hi (held by the cluster)');
    await press('\u0015');
    terminal.refresh();
    t.match(paper.text, /\nto bob: hi \(held by the cluster\)\nPassword:$/);
    const drawn = paper.raw.length;
    await press('hunt');
    await press('\t');
    await press('er2 ');
    t.equal(paper.raw.slice(drawn), '', 'not a character, nor how many they are');
    terminal.show(['[bob] are you there?'], 'message');
    terminal.status('marks', 'to bob: hi (read)');
    t.match(paper.text, /\n\[bob\] are you there\?\nto bob: hi \(read\)\nPassword:$/);
    terminal.status('marks', null);
    t.match(paper.text, /\n\[bob\] are you there\?\nPassword:$/);
    await press('\r');
    t.same(made.asked, ['hunter2 '], 'as it was typed');
    t.match(paper.text, /\nPassword:\n>$/);
    await press('after');
    t.match(paper.text, /\nPassword:\n> after$/, 'seen again');
    t.notMatch(paper.raw, /hunt|er2/);
    await press('\u001b[A');
    t.match(paper.text, /> after$/, 'nor is it offered again');
    terminal.quit();
  },
);

t.test('terminal: at a prompt for a password nothing is a command', async (t) => {
  const made = await desk();
  for (const password of ['q', '3|ann', 'r text', '']) {
    made.secret = true;
    made.terminal.refresh();
    made.answer = async () => {
      made.secret = false;
      return 'accepted';
    };
    await made.press(`${password}\r`);
  }
  t.same(made.asked, ['q', '3|ann', 'r text', '']);
  made.terminal.quit();
});
