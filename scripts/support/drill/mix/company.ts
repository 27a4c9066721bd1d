/** A writer and a reader of each dialect and of the native protocol, all in one group, each on its own rounds. */
import { setTimeout as delay } from 'node:timers/promises';
import type { RealCluster } from '../../real-cluster.ts';
import { type Journal, type SendOutcome, type Token, tokenOf } from './journal.ts';
import { LinePerson, type Repeats } from './line-people.ts';
import { NativePerson } from './native-people.ts';
import {
  messengerSpeech,
  pipeSpeech,
  type RegistrySpeech,
  registrySpeech,
  type Speech,
  slashSpeech,
  type Target,
  wordsSpeech,
} from './speech.ts';

export interface Writer {
  readonly name: string;
  readonly dialect: string;
  say(to: Target, token: Token): Promise<SendOutcome>;
  /** Absent: this dialect sends none. */
  sendFile?(to: Target, token: Token): Promise<SendOutcome>;
}

export interface Reader {
  readonly name: string;
  readonly dialect: string;
}

const speeches: readonly ((name: string) => Speech)[] = [
  pipeSpeech,
  messengerSpeech,
  slashSpeech,
  wordsSpeech,
];
/** Whoever can say something to everyone. */
const broadcasters = new Set(['native', 'slash', 'pipe', 'messenger']);
/** Of so many messages of a writer one goes to the group, one to everyone, and one is a file. */
const groupEvery = 4;
const lobbyEvery = 9;
const fileEvery = 10;
/** Between two messages of a writer. */
const pauseMs = 20;

export class Company {
  readonly writers: Writer[] = [];
  readonly readers: Reader[] = [];
  readonly repeats: Repeats = { afterReconnection: 0, faults: [] };
  readonly #lines: LinePerson[] = [];
  readonly #natives: NativePerson[] = [];
  readonly #listening: Promise<void>[] = [];
  readonly #journal: Journal;
  readonly #cluster: RealCluster;
  readonly registry: RegistrySpeech = registrySpeech();
  registryReader: LinePerson | null = null;
  nativeReader: NativePerson | null = null;
  #stopped = false;

  private constructor(cluster: RealCluster, journal: Journal) {
    this.#cluster = cluster;
    this.#journal = journal;
  }

  static async gather(cluster: RealCluster, journal: Journal): Promise<Company> {
    const company = new Company(cluster, journal);
    await company.#gatherNatives();
    for (const [at, speak] of speeches.entries()) {
      const { dialect } = speak('');
      const writer = await company.#line(speak(`mix${dialect}w`), at, true);
      company.writers.push({ name: `mix${dialect}w`, dialect, say: (to, token) => writer.say(to, token) });
      const reader = await company.#line(speak(`mix${dialect}r`), at + 1, false);
      const name = `mix${dialect}r`;
      company.readers.push({ name, dialect });
      company.#listening.push(reader.listen(journal, name, company.repeats));
    }
    const writer = await company.#line(registrySpeech(), 4, true);
    company.writers.push({
      name: writer.speech.name,
      dialect: 'registry',
      say: (to, token) => writer.say(to, token),
    });
    company.registryReader = await company.#line(company.registry, 5, false);
    company.readers.push({ name: company.registry.name, dialect: 'registry' });
    return company;
  }

  get reconnections(): number {
    return this.#lines.reduce((sum, { reconnections }) => sum + Math.max(0, reconnections), 0);
  }

  /** Every writer says one thing after the other, until it is told to stop. */
  async talk(): Promise<void> {
    await Promise.all(this.writers.map((writer) => this.#talk(writer)));
  }

  stop(): void {
    this.#stopped = true;
  }

  async close(): Promise<void> {
    this.stop();
    for (const line of this.#lines) line.close();
    await Promise.all([...this.#listening, ...this.#natives.map(({ client }) => client.close())]);
  }

  async #talk(writer: Writer): Promise<void> {
    for (let n = 1; !this.#stopped; n++) {
      const to = this.#targetOf(writer, n);
      const token = tokenOf(writer.dialect, n);
      const address = to.kind === 'user' ? to.name : to.kind;
      const isFile = writer.sendFile !== undefined && n % fileEvery === 0 && to.kind !== 'lobby';
      await this.#journal.send({ client: writer.name, n, to: address, token }, () =>
        isFile && writer.sendFile !== undefined ? writer.sendFile(to, token) : writer.say(to, token),
      );
      await delay(pauseMs);
    }
  }

  #targetOf({ dialect }: Writer, n: number): Target {
    if (n % lobbyEvery === 0 && broadcasters.has(dialect)) return { kind: 'lobby' };
    if (n % groupEvery === 0) return { kind: 'group' };
    // Nobody else could read in the end what two bearers say to each other.
    const others = this.readers.filter((reader) => dialect !== 'registry' || reader.dialect !== 'registry');
    return { kind: 'user', name: others[n % others.length]?.name ?? '' };
  }

  async #gatherNatives(): Promise<void> {
    const writer = new NativePerson(this.#cluster, 'mixnativew');
    const reader = new NativePerson(this.#cluster, 'mixnativer');
    this.#natives.push(writer, reader);
    this.nativeReader = reader;
    writer.client.onMessage(() => undefined);
    reader.listen(this.#journal, reader.name, (token) =>
      this.repeats.faults.push(`${reader.name} got ${token} twice`),
    );
    for (const person of this.#natives) await person.enter();
    this.writers.push({
      name: writer.name,
      dialect: 'native',
      say: (to, token) => writer.say(to, token),
      sendFile: (to, token) => writer.sendFile(to, token),
    });
    this.readers.push({ name: reader.name, dialect: 'native' });
  }

  async #line(speech: Speech, node: number, speaks: boolean): Promise<LinePerson> {
    const person = new LinePerson(this.#cluster, speech, node, speaks);
    this.#lines.push(person);
    await person.enter();
    return person;
  }
}
