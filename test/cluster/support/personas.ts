/** People of the five line dialects, who say and hear things in the words of their own dialect, to the letter. */
import { LineClient } from './line-client.ts';

export type DialectName = 'pipe' | 'messenger' | 'slash' | 'words' | 'registry';

/** Whoever says something, in whatever protocol. */
export type Speaker = Pick<Persona, 'name'>;

export interface Persona {
  readonly dialect: DialectName;
  /** As everyone else sees it. */
  readonly name: string;
  /** Registers, and comes in. */
  enter(): Promise<void>;
  join(group: string): Promise<void>;
  /** Says it, and rejects unless the answer is the right one. */
  say(to: Persona, text: string): Promise<void>;
  sayToGroup(group: string, text: string): Promise<void>;
  /** The next thing that is heard is this, or it rejects. */
  hear(from: Speaker, text: string): Promise<void>;
  hearInGroup(group: string, from: Speaker, text: string): Promise<void>;
  /** Where a dialect tells of those who join. */
  hearJoin?(who: Persona): Promise<void>;
  /** Leaves, having heard nothing else. */
  leave(): Promise<void>;
}

export async function createPersona(dialect: DialectName, name: string, port: number): Promise<Persona> {
  const line = await LineClient.open(port);
  switch (dialect) {
    case 'pipe':
      return new PipePersona(line, name);
    case 'messenger':
      return new MessengerPersona(line, name);
    case 'slash':
      return new SlashPersona(line, name);
    case 'words':
      return new WordsPersona(line, name);
    case 'registry':
      return new RegistryPersona(line);
  }
}

function same(found: string, wanted: string, who: string): void {
  if (found !== wanted)
    throw new Error(`${who} read ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
}

abstract class LinePersona {
  abstract readonly dialect: DialectName;
  readonly line: LineClient;
  name: string;

  constructor(line: LineClient, name: string) {
    this.line = line;
    this.name = name;
  }

  async expect(wanted: string): Promise<void> {
    same(await this.line.next(), wanted, this.name);
  }

  async ask(line: string, wanted: string): Promise<void> {
    this.line.send(line);
    await this.expect(wanted);
  }
}

class PipePersona extends LinePersona implements Persona {
  readonly dialect = 'pipe';

  async enter(): Promise<void> {
    await this.ask(`1|${this.name}|password`, `New account created! User ID: ${this.name}. Please log in.`);
    await this.ask(`2|${this.name}|password`, `Login successful - welcome back ${this.name}!`);
  }

  async join(group: string): Promise<void> {
    await this.ask(`j|#${group}`, `Joined group #${group}.`);
  }

  async say({ name, dialect }: Persona, text: string): Promise<void> {
    // Nothing is pushed in the registry dialect: nobody is online there.
    const later = `Message will be delivered to ${name} after the account is online.`;
    await this.ask(`d|${name}|${text}`, dialect === 'registry' ? later : `Message sent to ${name}.`);
  }

  async sayToGroup(group: string, text: string): Promise<void> {
    await this.ask(`d|#${group}|${text}`, `Message sent to #${group}.`);
  }

  async hear({ name }: Speaker, text: string): Promise<void> {
    await this.expect(`[${name}] ${text}`);
  }

  async hearInGroup(group: string, { name }: Speaker, text: string): Promise<void> {
    await this.expect(`[#${group} ${name}] ${text}`);
  }

  async leave(): Promise<void> {
    await this.ask('q', 'Goodbye!');
  }
}

class MessengerPersona extends LinePersona implements Persona {
  readonly dialect = 'messenger';
  #sent = 0;
  /** Receipts that must come: in any order, since readers acknowledge in theirs. */
  readonly #due = new Set<string>();

  async enter(): Promise<void> {
    await this.ask(`USR|${this.name}|password|${this.name}`, '0|OK');
    await this.ask(`LOG|${this.name}|password`, '0|OK');
  }

  async join(group: string): Promise<void> {
    this.line.send(`JOIN|#${group}`);
    same(await this.#next(), '0|OK', this.name);
  }

  async say({ name, dialect }: Persona, text: string): Promise<void> {
    await this.#send(name, text);
    if (dialect !== 'registry') this.#due.add(`OK|${this.name}|${name}|${this.#number}`);
  }

  async sayToGroup(group: string, text: string): Promise<void> {
    await this.#send(`#${group}`, text);
  }

  async hear({ name }: Speaker, text: string): Promise<void> {
    const push = await this.#next();
    const [, number = ''] = /^R\|[^|]*\|(\d{6})\|/.exec(push) ?? [];
    same(push, `R|${name}|${number}|${text}`, this.name);
    this.line.send(`0|${number}`);
  }

  hearInGroup(_group: string, from: Speaker, text: string): Promise<void> {
    return this.hear(from, text);
  }

  async leave(): Promise<void> {
    while (this.#due.size > 0) this.#confirm(await this.line.next());
    await this.ask('OUT|OK', '0|OK');
  }

  get #number(): string {
    return String(this.#sent).padStart(6, '0');
  }

  async #send(to: string, text: string): Promise<void> {
    this.#sent += 1;
    this.line.send(`MSG|${this.name}|${to}|${text}`);
    same(await this.#next(), `0|${this.#number}`, this.name);
  }

  /** The next line that is no receipt. */
  async #next(): Promise<string> {
    for (;;) {
      const line = await this.line.next();
      if (!line.startsWith('OK|')) return line;
      this.#confirm(line);
    }
  }

  #confirm(receipt: string): void {
    if (!this.#due.delete(receipt))
      throw new Error(`${this.name} read ${receipt}, and is owed no such receipt`);
    this.line.send('0|OK');
  }
}

class SlashPersona extends LinePersona implements Persona {
  readonly dialect = 'slash';

  async enter(): Promise<void> {
    await this.ask(`/register ${this.name} password`, `SUCCESS: Logged in as ${this.name}.`);
  }

  async join(group: string): Promise<void> {
    await this.ask(`/join ${group}`, `Joined group ${group}`);
  }

  async say({ name }: Persona, text: string): Promise<void> {
    await this.ask(`/msg ${name} ${text}`, `Private message to ${name}: ${text}`);
  }

  async sayToGroup(group: string, text: string): Promise<void> {
    await this.ask(`/group ${group} ${text}`, `Group message to ${group}: ${text}`);
  }

  async hear({ name }: Speaker, text: string): Promise<void> {
    await this.expect(`Private message from ${name}: ${text}`);
  }

  async hearInGroup(group: string, { name }: Speaker, text: string): Promise<void> {
    await this.expect(`[Receive group ${group} message from ${name}]: ${text}`);
  }

  async leave(): Promise<void> {
    await this.ask('/quit', 'SUCCESS: You have left the ChatSystem:)');
  }
}

class WordsPersona extends LinePersona implements Persona {
  readonly dialect = 'words';

  async enter(): Promise<void> {
    const email = `${this.name}@example.org`;
    await this.ask(`register ${this.name} ${email} password`, 'signed up successfully.');
    await this.ask(`login ${email} password`, 'log in successfully.');
    // Only in a room there is a way to speak to one user.
    await this.ask(
      `create-group ${this.name} secret`,
      `hey ${this.name}, group created, group id:${this.name}`,
    );
  }

  async join(group: string): Promise<void> {
    await this.ask(`join-group ${group} open`, `Welcome to the chat room number ${group} !`);
  }

  /** Answered only when it is refused. */
  async say({ name }: Persona, text: string): Promise<void> {
    this.line.send(`/${name}:${text}`);
  }

  async sayToGroup(group: string, text: string): Promise<void> {
    this.line.send(`send-to-group ${group} ${text}`);
  }

  async hear({ name }: Speaker, text: string): Promise<void> {
    await this.expect(`(Private massage)${name}:${text}`);
  }

  async hearInGroup(_group: string, { name }: Speaker, text: string): Promise<void> {
    await this.expect(`${name}: ${text}`);
  }

  async hearJoin({ name }: Persona): Promise<void> {
    await this.expect(`user ${name} join the chat!`);
  }

  async leave(): Promise<void> {
    this.line.send('exit server!');
    let next = await this.line.next();
    // Others may have left before.
    while (/^user \w+ disconnect!$/.test(next)) next = await this.line.next();
    same(next, 'exit server!', this.name);
  }
}

class RegistryPersona extends LinePersona implements Persona {
  readonly dialect = 'registry';
  #uid = '';
  readonly #read = new Map<string, number>();

  constructor(line: LineClient) {
    super(line, '');
  }

  async enter(): Promise<void> {
    this.#uid = await this.line.ask('NEW_USER');
    const digest = await crypto.subtle.digest('SHA-256', Buffer.from(this.#uid));
    this.name = `user-${Buffer.from(digest).toString('hex').slice(0, 8)}`;
  }

  async join(group: string): Promise<void> {
    await this.ask(`JOIN_GROUP ${this.#uid} ${group}`, 'SUCCESS');
  }

  async say({ name }: Persona, text: string): Promise<void> {
    await this.ask(`SEND_MESSAGE ${this.#uid} @${name} ${text}`, 'SUCCESS');
  }

  async sayToGroup(group: string, text: string): Promise<void> {
    await this.ask(`SEND_MESSAGE ${this.#uid} ${group} ${text}`, 'SUCCESS');
  }

  hear(from: Speaker, text: string): Promise<void> {
    return this.#fetch(`@${from.name}`, from, text);
  }

  hearInGroup(group: string, from: Speaker, text: string): Promise<void> {
    return this.#fetch(group, from, text);
  }

  async leave(): Promise<void> {
    this.line.close();
  }

  /** The list again until the message that is awaited stands in it, as the next one of its conversation. */
  async #fetch(address: string, { name }: Speaker, text: string): Promise<void> {
    const at = this.#read.get(address) ?? 0;
    for (;;) {
      const lines = await this.line.list(`GET_MESSAGES ${this.#uid} ${address}`);
      const others = lines.filter((line) => !line.includes(` - ${this.name} - `));
      const line = others[at];
      // A sender of the words dialect is not told when its message is there.
      if (line === undefined) continue;
      this.#read.set(address, at + 1);
      same(line.slice('YYYY-MM-DD HH:MM:SS'.length), ` - ${name} - ${text}`, this.name);
      return;
    }
  }
}
