/** The menu dialogue of the words dialect: numbered choices and questions instead of commands. Pure: lines in, lines and commands out. */
import { parseWords, type WordsLine, wordsWrongInput } from './words.ts';

export type MenuStep =
  | { readonly kind: 'say'; readonly lines: readonly string[] }
  /** To be done as if it had been typed; its outcome goes to `answered`. */
  | { readonly kind: 'do'; readonly line: WordsLine };

type Question = 'name' | 'email' | 'password' | 'group' | 'group-password';
type Task = 'log-in' | 'sign-up' | 'create' | 'connect';

const prompts: Readonly<Record<Question, string>> = {
  name: 'Enter your name:',
  email: 'Enter your e-mail:',
  password: 'Enter your password:',
  group: 'Enter group id:',
  'group-password': 'Enter group password:',
};

const questionsOf: Readonly<Record<Task, readonly Question[]>> = {
  'log-in': ['email', 'password'],
  'sign-up': ['name', 'email', 'password'],
  create: ['group', 'group-password'],
  connect: ['group', 'group-password'],
};

const entrance = ['1.log in', '2.sign up', '3.disconect server'] as const;
const lobby = ['1.create', '2.connect', '3.disconnect'] as const;

export class WordsMenu {
  #loggedIn = false;
  #task: Task | null = null;
  #answers: string[] = [];

  static readonly greeting: readonly string[] = ['Welcome to the server!', ...entrance];

  /** A line that was typed while no group's room is open. */
  input(line: string): MenuStep {
    if (this.#task === null) return this.#choose(line);
    this.#answers.push(line);
    const next = questionsOf[this.#task][this.#answers.length];
    return next === undefined ? this.#finish(this.#task) : { kind: 'say', lines: [prompts[next]] };
  }

  /** What stands below the answer to a command: nothing in a room, else the choices. */
  answered(line: WordsLine, accepted: boolean): readonly string[] {
    if (accepted && line.kind === 'login') this.#loggedIn = true;
    const inRoom = accepted && (line.kind === 'create' || line.kind === 'join');
    return inRoom ? [] : this.choices;
  }

  /** The next line answers the question for a password. */
  get asksPassword(): boolean {
    const question = this.#task === null ? undefined : questionsOf[this.#task][this.#answers.length];
    return question === 'password' || question === 'group-password';
  }

  get choices(): readonly string[] {
    return this.#loggedIn ? lobby : entrance;
  }

  #choose(line: string): MenuStep {
    const choices: Readonly<Record<string, Task>> = this.#loggedIn
      ? { '1': 'create', '2': 'connect' }
      : { '1': 'log-in', '2': 'sign-up' };
    const invitation = parseWords(line, null);
    if (invitation.kind === 'invite') return { kind: 'do', line: invitation };
    if (line === '3') return { kind: 'do', line: { kind: 'exit-server' } };
    const task = Object.hasOwn(choices, line) ? choices[line] : undefined;
    if (task === undefined) return { kind: 'say', lines: [wordsWrongInput, ...this.choices] };
    this.#task = task;
    this.#answers = [];
    const [first] = questionsOf[task];
    return { kind: 'say', lines: first === undefined ? [] : [prompts[first]] };
  }

  #finish(task: Task): MenuStep {
    const [first = '', second = '', third = ''] = this.#answers;
    this.#task = null;
    this.#answers = [];
    switch (task) {
      case 'log-in':
        return { kind: 'do', line: { kind: 'login', user: first, password: second } };
      case 'sign-up':
        return { kind: 'do', line: { kind: 'register', user: first, email: second, password: third } };
      case 'create':
        return { kind: 'do', line: { kind: 'create', group: first, password: second } };
      case 'connect':
        return { kind: 'do', line: { kind: 'join', group: first, password: second } };
    }
  }
}
