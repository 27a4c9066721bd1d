/** One person with the client library: an account of its own, or a contender for names that several want. Writes down what it sees. */

import type { ErrorCode } from '../../src/base/errors.ts';
import type { Random } from '../../src/base/prng.ts';
import { Client } from '../../src/client/client.ts';
import type { Digest } from '../../src/client/ports.ts';
import type { Session } from '../../src/client/types.ts';
import { addressOf } from '../../src/files/digest.ts';
import type { FileEntry, Reply, SentValue } from '../../src/protocol/requests.ts';
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
  /** Files on their way to the cluster. */
  #transfers = 0;
  /** Changes when a session is lost: what the account had not acknowledged is then told again. */
  #generation = 0;
  /** What a contender holds: the name it is logged in as. */
  #held: string | null = null;
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
    client.onMessage((message) => {
      records.read(this.reader, message);
      records.followers.message(this.reader, message);
      if (message.file !== undefined) this.#files.set(message.file.id, message.file);
    });
    client.onEvent((event) => {
      if (event.ev === 'amended') records.followers.amended(this.reader, event);
      if (event.ev !== 'amended' || 'reactions' in event) return;
      records.amended(this.reader, { ...event, text: 'text' in event ? event.text : null });
    });
    return client;
  }

  get reader(): string {
    return this.#generation === 0 ? this.name : `${this.name}, session ${this.#generation + 1}`;
  }

  /** Whether it has been the same reader since the beginning. */
  get isFirstReader(): boolean {
    return this.#generation === 0;
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
      await client.register(this.name, 'secret');
      if (client !== this.#client || this.#closed) return;
      const outcome = await client.login(this.name, 'secret');
      if (outcome.kind !== 'receipt') {
        this.#later(() => void this.join());
        return;
      }
    }
    if (!this.#inGroup && client === this.#client) await this.#joinGroup(client);
  }

  /** Whoever is first makes it. */
  async #joinGroup(client: Client): Promise<void> {
    const made = await client.createGroup(GROUP_NAME);
    const outcome = isRefused(made, 'GROUP_TAKEN') ? await client.joinGroup(GROUP_NAME) : made;
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
    if (this.#wanted) void this.join();
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
    void this.#client.send(to, text).then((outcome) => {
      records.answer(this.name, n, to, outcome);
      if (outcome.kind === 'receipt') this.#own.push(outcome.value);
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
    void client.sendFile(to, { name, type: 'text/plain', bytes: content.length, read }).then((outcome) => {
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
    void this.#ask(how, conversation, sequence, text).then(done);
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
    return this.#options.records.scan(this, other, () => this.#client.history(other, { limit: 60 }));
  }

  async users(): Promise<void> {
    await this.#client.users();
  }

  find(name: string): void {
    const done = this.#options.records.account(this.name, name, 'find');
    void this.#client.search(name).then((outcome) => {
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
    const registered = await client.register(name, this.name);
    if (client !== this.#client) return;
    done(outcomeOf(registered));
    if (registered.kind === 'rejection' && registered.code !== 'NAME_TAKEN') return;
    const outcome = await client.login(name, this.name);
    if (client === this.#client && outcome.kind === 'receipt') this.#held = name;
  }

  async #giveBack(client: Client, name: string): Promise<void> {
    const done = this.#options.records.account(this.name, name, 'delete');
    const outcome = await client.deleteAccount(name);
    if (client !== this.#client) return;
    // A session that expired may have deleted the account before: that answer is none.
    done(outcome.kind === 'receipt' ? 'done' : 'unknown');
    this.#held = null;
  }

  /** Its process is killed and started again, with the session that it wrote down. */
  restart(): void {
    if (this.#closed) return;
    const { session, cursor } = this.#client;
    this.#host.kill();
    this.#host = this.#newHost();
    this.#busy = false;
    this.#held = null;
    this.#transfers = 0;
    this.#client = this.#newClient({ session, after: cursor });
    if (this.#wanted) this.#later(() => void this.join());
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
