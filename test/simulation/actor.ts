/** One person with the client library: an account of its own, or a contender for names that several want. Writes down what it sees. */

import type { ErrorCode } from '../../src/base/errors.ts';
import type { Random } from '../../src/base/prng.ts';
import { Client } from '../../src/client/client.ts';
import type { Digest } from '../../src/client/ports.ts';
import type { Session } from '../../src/client/types.ts';
import { addressOf } from '../../src/files/digest.ts';
import type { FileEntry, MessageEntry, Reply, SentValue } from '../../src/protocol/requests.ts';
import type { AskedOperation } from '../checkers/refusals.ts';
import type { ClientNetwork } from './client-network.ts';
import { hashText, mixed } from './digest.ts';
import { Host } from './host.ts';
import type { Amendment } from './plan.ts';
import type { Records } from './records.ts';
import type { World } from './world.ts';

export interface ActorOptions {
  readonly world: World;
  readonly network: ClientNetwork;
  readonly ports: readonly number[];
  readonly random: Random;
  readonly records: Records;
  /** Above the nodes' numbers. */
  readonly number: number;
  readonly name: string;
  readonly giveUpMs: number;
  /** Keeps what it has not heard of over its own restart, with its number, as a page does. */
  readonly keepsOutbox: boolean;
  /** Looks at some messages for a while before it has had them. */
  readonly takesTime: boolean;
}

/** A message that it said and has not heard of. */
interface Unheard {
  readonly n: number;
  readonly to: string;
  readonly text: string;
  readonly told: (reply: Reply) => void;
  /** In the session, once it has left. */
  number: number | null;
}

const RETRY_MS = 500;
const GROUP_NAME = 'all';
/** Its address: everybody with an account of their own is in it. */
export const GROUP = `#${GROUP_NAME}`;

export class Actor {
  readonly name: string;
  readonly #options: ActorOptions;
  #host: Host;
  #client: Client;
  #sent = 0;
  #edits = 0;
  /** Messages that it was told of. */
  readonly #own: SentValue[] = [];
  /** That it was shown. */
  readonly #files = new Map<number, FileEntry>();
  /** In the order of saying. */
  readonly #outbox = new Set<Unheard>();
  /** Files on their way to the cluster. */
  #transfers = 0;
  /** Counts up with each further session: what the account had not acknowledged is then told again. */
  #generation = 0;
  /** What a contender holds: the name it is logged in as. */
  #held: string | null = null;
  /** Of accounts of its own, which end its sessions whenever they are carried out, also when the life that asked is gone. */
  #unheardDeletions = 0;
  #busy = false;
  /** The account exists and is to be logged in. */
  #wanted = false;
  #inGroup = false;
  #closed = false;

  constructor(options: ActorOptions) {
    this.#options = options;
    this.name = options.name;
    this.#host = this.#newHost();
    this.#client = this.#newClient(null);
  }

  #newHost(): Host {
    const { world, number, name } = this.#options;
    return new Host(world, number, name, { wallSkewMs: 0, rate: 1 });
  }

  #newClient(resumed: { readonly session: Session; readonly after: number | undefined } | null): Client {
    const { network, ports, random, giveUpMs } = this.#options;
    const client: Client = new Client({
      nodes: ports.map((port) => ({ host: '127.0.0.1', port })),
      clock: this.#host.clock,
      random,
      dialer: network.dialerOf(this.#host),
      files: { http: network.httpOf(this.#host), digest },
      secrets: { hex: (bytes) => hexOf(random, bytes) },
      giveUpMs,
      ...resumed,
      onStatus: ({ kind }) => {
        if (kind === 'session-lost') this.#sessionLost(client);
      },
    });
    const { records } = this.#options;
    client.onMessage((message) => this.#isShown(message));
    client.onEvent((event) => {
      if (event.ev === 'amended') records.followers.amended(this.reader, event);
      if (event.ev !== 'amended' || 'reactions' in event) return;
      records.amended(this.reader, { ...event, text: 'text' in event ? event.text : null });
    });
    return client;
  }

  /** What it looks at when it is killed it has not had, and is shown again. */
  #isShown(message: MessageEntry): void | Promise<void> {
    const { reader } = this;
    const { records, takesTime } = this.#options;
    const had = (): void => {
      records.read(reader, message);
      records.followers.message(reader, message);
      if (message.file !== undefined) this.#files.set(message.file.id, message.file);
    };
    if (!takesTime || message.index % 3 !== 0) return had();
    return new Promise((resolve) => {
      this.#host.clock.after(1 + (message.index % 400), () => {
        had();
        resolve();
      });
    });
  }

  /** Of the session that it has now. */
  get reader(): string {
    return this.#readerOf(this.#generation);
  }

  /** Of all its sessions, one after the other. */
  get readers(): readonly string[] {
    return Array.from({ length: this.#generation + 1 }, (_, generation) => this.#readerOf(generation));
  }

  #readerOf(generation: number): string {
    return generation === 0 ? this.name : `${this.name}, session ${generation + 1}`;
  }

  get pending(): number {
    return this.#client.pending + this.#transfers;
  }

  get isLoggedIn(): boolean {
    return this.#client.user !== null;
  }

  /** It has heard so: whatever is said in the group from now on is for it, too. */
  get isInGroup(): boolean {
    return this.#inGroup;
  }

  /** Has an account of its own, stays logged in to it, and is in the group of all. */
  async join(): Promise<void> {
    this.#wanted = true;
    const client = this.#client;
    if (client.user === null) {
      await this.#told('register', client.register(this.name, 'secret'));
      if (client !== this.#client || this.#closed) return;
      const outcome = await this.#told('login', client.login(this.name, 'secret'));
      if (outcome.kind !== 'receipt') {
        this.#later(() => void this.join());
        return;
      }
    }
    if (!this.#inGroup && client === this.#client) await this.#joinGroup(client);
  }

  /** Whoever is first makes it. */
  async #joinGroup(client: Client): Promise<void> {
    const made = await this.#told('join', client.createGroup(GROUP_NAME));
    const isTaken = isRefused(made, 'GROUP_TAKEN');
    const outcome = isTaken ? await this.#told('join', client.joinGroup(GROUP_NAME)) : made;
    if (client !== this.#client || this.#closed) return;
    this.#options.records.joins(this.name, outcome);
    this.#inGroup ||= outcome.kind === 'receipt' || isRefused(outcome, 'ALREADY_MEMBER');
    if (!this.#inGroup) this.#later(() => void this.join());
  }

  /** Whatever ended the session: what the old one had not acknowledged comes again, to a reader with another name. */
  #sessionLost(client: Client): void {
    if (client !== this.#client) return;
    this.#held = null;
    this.#generation++;
    this.#options.records.answers.losesSession(this.name, this.#unheardDeletions > 0);
    if (this.#wanted) void this.join();
  }

  #asks(op: AskedOperation): (reply: Reply) => void {
    return this.#options.records.answers.ask(this.name, op, () => this.#client.session);
  }

  async #told<Told extends Reply>(op: AskedOperation, asked: Promise<Told>): Promise<Told> {
    const told = this.#asks(op);
    const reply = await asked;
    told(reply);
    return reply;
  }

  #later(action: () => void): void {
    this.#host.clock.after(RETRY_MS, action);
  }

  send(to: string): void {
    if (!this.isLoggedIn || this.#closed) return;
    const { records } = this.#options;
    const n = ++this.#sent;
    const text = `${this.name} ${n}`;
    records.invoke(this.name, n, to, text);
    const unheard = { n, to, text, told: this.#asks('send'), number: null };
    this.#outbox.add(unheard);
    this.#leave(unheard);
  }

  #leave(unheard: Unheard): void {
    const { n, to, text, told, number } = unheard;
    const numbered = (given: number): void => {
      unheard.number = given;
    };
    const trace = number === null ? { numbered } : { numbered, number };
    void this.#client.request({ op: 'send', to, text }, trace).then((reply) => {
      this.#outbox.delete(unheard);
      told(reply);
      const { records } = this.#options;
      if (reply.kind !== 'receipt') records.answer(this.name, n, to, reply);
      else if (reply.value.op === 'send') {
        records.answer(this.name, n, to, { kind: 'receipt', value: reply.value });
        this.#own.push(reply.value);
      }
    });
  }

  /** Its name says who sent it as which of the messages; so does its content. */
  sendFile(to: string): void {
    if (!this.isLoggedIn || this.#closed) return;
    const { records } = this.#options;
    const n = ++this.#sent;
    const name = `${this.name}-${n}.bin`;
    records.invoke(this.name, n, to, name);
    const content = contentOf(name);
    const read = async (from: number, end: number): Promise<Uint8Array> => content.subarray(from, end);
    const client = this.#client;
    this.#transfers++;
    const source = { name, type: 'text/plain', bytes: content.length, read };
    void this.#told('file', client.sendFile(to, source)).then((outcome) => {
      records.answer(this.name, n, to, outcome);
      if (client === this.#client) this.#transfers--;
    });
  }

  /** Fetches every file that it was shown; names of those that did not come as they were sent. */
  async missedFiles(): Promise<readonly string[]> {
    const missed = [...this.#files.values()].map(async (file) => {
      const pieces: Uint8Array[] = [];
      const outcome = await this.#client.fetchFile(file, async (piece) => void pieces.push(piece));
      if (outcome.kind === 'rejection') return `${file.name} (${outcome.code})`;
      return Buffer.concat(pieces).equals(contentOf(file.name)) ? null : `${file.name} (other content)`;
    });
    return (await Promise.all(missed)).filter((name) => name !== null);
  }

  /** One of its messages: `which` is its place among them, as a part of 1. */
  amend(how: Amendment, which: number): void {
    const message = this.#own[Math.floor(which * this.#own.length)];
    if (message === undefined || !this.isLoggedIn || this.#closed) return;
    const { conversation, sequence } = message;
    const text = `${this.name} edits ${++this.#edits}`;
    const change = how === 'edit' ? { text } : how === 'delete' ? 'deleted' : 'reaction';
    const done = this.#options.records.amends(this.name, conversation, sequence, change);
    void this.#told('amend', this.#ask(how, conversation, sequence, text)).then(done);
  }

  #ask(how: Amendment, conversation: string, sequence: number, text: string): Promise<Reply> {
    switch (how) {
      case 'edit':
        return this.#client.edit(conversation, sequence, text);
      case 'delete':
        return this.#client.deleteMessage(conversation, sequence);
      case 'react':
        return this.#client.react(conversation, sequence, `r${this.#edits % 5}`);
    }
  }

  /** False when it was not answered. */
  async history(other: string): Promise<boolean> {
    return this.#options.records.scan(this, other, () =>
      this.#told('history', this.#client.history(other, { limit: 60 })),
    );
  }

  async users(): Promise<void> {
    await this.#told('users', this.#client.users());
  }

  find(name: string): void {
    const done = this.#options.records.account(this.name, name, 'find');
    void this.#told('find', this.#client.search(name)).then((outcome) => {
      if (outcome.kind !== 'receipt') done('none');
      else done(outcome.value.users.some((user) => user.name === name) ? 'found' : 'absent');
    });
  }

  /** Takes the name, or gives back what it holds. One step at a time. */
  async claim(name: string): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    const client = this.#client;
    if (this.#held === null) await this.#take(client, name);
    else await this.#giveBack(client, this.#held);
    if (client === this.#client) this.#busy = false;
  }

  async #take(client: Client, name: string): Promise<void> {
    const done = this.#options.records.account(this.name, name, 'register');
    const registered = await this.#told('register', client.register(name, this.name));
    if (client !== this.#client) return;
    done(outcomeOf(registered));
    if (registered.kind === 'rejection' && registered.code !== 'NAME_TAKEN') return;
    const outcome = await this.#told('login', client.login(name, this.name));
    if (client === this.#client && outcome.kind === 'receipt') this.#held = name;
  }

  async #giveBack(client: Client, name: string): Promise<void> {
    const done = this.#options.records.account(this.name, name, 'delete');
    this.#unheardDeletions++;
    const outcome = await this.#told('delete', client.deleteAccount(name));
    if (outcome.kind === 'receipt') this.#unheardDeletions--;
    if (client !== this.#client) return;
    // A session that expired may have deleted the account before: that answer is none.
    done(outcome.kind === 'receipt' ? 'done' : 'unknown');
    this.#held = null;
  }

  /** Its process is killed and started again, with the session that it wrote down; `anew`: with nothing. */
  restart(anew: boolean): void {
    if (this.#closed) return;
    const { session, cursor } = this.#client;
    this.#host.kill();
    this.#host = this.#newHost();
    this.#busy = false;
    this.#held = null;
    this.#transfers = 0;
    if (anew) {
      this.#generation++;
      this.#inGroup = false;
    }
    this.#client = this.#newClient(anew ? null : { session, after: cursor });
    this.#repeatUnheard(anew);
    if (this.#wanted) this.#later(() => void this.join());
  }

  /** Under the numbers they had; numbers ascend in the order of saying. What had none is lost with the process. */
  #repeatUnheard(anew: boolean): void {
    const unheard = [...this.#outbox];
    this.#outbox.clear();
    if (anew || !this.#options.keepsOutbox) return;
    for (const one of unheard) {
      if (one.number === null) continue;
      this.#outbox.add(one);
      this.#leave(one);
    }
  }

  close(): void {
    this.#closed = true;
    void this.#client.close();
    this.#host.kill();
  }
}

const digest: Digest = { sha256: async (bytes) => addressOf(bytes) };

function contentOf(name: string): Uint8Array {
  const seed = hashText(name);
  return Uint8Array.from({ length: 1 + ((seed >>> 8) % 3_000) }, (_, at) => mixed(seed, at));
}

function isRefused(reply: Reply, code: ErrorCode): boolean {
  return reply.kind === 'rejection' && reply.code === code;
}

/** Answers that say: it certainly did not happen. */
const notDone: ReadonlySet<string> = new Set(['UNAVAILABLE', 'BUSY', 'LOW_SPACE']);

function outcomeOf(reply: Reply): 'done' | 'refused' | 'none' | 'unknown' {
  switch (reply.kind) {
    case 'receipt':
      return 'done';
    case 'unknown':
      return 'unknown';
    case 'rejection':
      if (reply.code === 'NAME_TAKEN') return 'refused';
      return notDone.has(reply.code) ? 'none' : 'unknown';
  }
}

function hexOf(random: Random, bytes: number): string {
  let text = '';
  for (let i = 0; i < bytes; i++) text += random.below(256).toString(16).padStart(2, '0');
  return text;
}
