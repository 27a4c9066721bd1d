/** The outbox at work: what is said leaves, is kept over a reload until it is confirmed, and is repeated under its number. */
import type { Client } from '../../client/client.ts';
import type { FileSource } from '../../client/ports.ts';
import type { Reply } from '../../protocol/requests.ts';
import type { AppState } from '../model/app-state.ts';
import {
  afterReceipt,
  afterSessionLoss,
  changed,
  decodeOutbox,
  encodeOutbox,
  largestOutbox,
  type OutboxBody,
  type OutboxEntry,
  repeatable,
  without,
} from '../model/outbox.ts';
import type { SessionPorts } from './ports.ts';
import type { Store } from './store.ts';

export interface SenderOptions {
  readonly client: Client;
  readonly store: Store<AppState>;
  readonly ports: Pick<SessionPorts, 'tab' | 'clock' | 'secrets'>;
  /** An outcome came that nobody knows. */
  readonly onUnknown: () => void;
}

export class Sender {
  readonly #options: SenderOptions;
  /** Keys of entries that the client library works on. */
  readonly #underWay = new Set<string>();
  readonly #sources = new Map<string, FileSource>();
  #user = '';
  #isStopped = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** What this tab had not got confirmed when it was closed. What had a number is repeated; the rest waits for `release`. */
  restore(user: string): void {
    const { client, store, ports } = this.#options;
    this.#user = user;
    const kept = decodeOutbox(ports.tab.get(this.#place), client.session.id);
    store.update((state) => ({ ...state, outbox: kept }));
    for (const entry of repeatable(kept)) if (entry.number !== null) this.#leave(entry);
  }

  /** Somebody is logged in: what waited for that leaves. What another one had said on this page is not theirs to send. */
  release(user: string): void {
    if (user !== this.#user) this.restore(user);
    for (const entry of repeatable(this.#outbox)) {
      if (entry.number === null && !this.#underWay.has(entry.key)) this.#leave(entry);
    }
  }

  sessionLost(): void {
    this.#change(afterSessionLoss);
  }

  /** False: too much waits already. */
  say(to: string, text: string, replyTo: number | null): boolean {
    return this.#add(to, { kind: 'text', text, replyTo }) !== null;
  }

  sendFile(to: string, source: FileSource): boolean {
    const entry = this.#add(to, { kind: 'file', name: source.name, bytes: source.bytes, done: 0 }, source);
    return entry !== null;
  }

  /** Once more, as something new: who asks has seen that it was refused, or that it is not there. */
  again(key: string): void {
    const entry = this.#outbox.find((candidate) => candidate.key === key);
    if (entry === undefined || this.#underWay.has(key)) return;
    const fresh: OutboxEntry = { ...entry, number: null, claimed: null, state: { kind: 'waiting' } };
    this.#change((outbox) => changed(outbox, key, fresh));
    this.#leave(fresh);
  }

  /** What cannot be called back any more stays. */
  discard(key: string): void {
    if (this.#underWay.has(key)) return;
    this.#sources.delete(key);
    this.#change((outbox) => without(outbox, key));
  }

  /** Another one goes on with the outbox: what becomes of the requests of this one is not told any more. */
  stop(): void {
    this.#isStopped = true;
  }

  get isEmpty(): boolean {
    return this.#underWay.size === 0;
  }

  /** Nothing of it stays on this device. */
  forget(): void {
    this.#options.ports.tab.set(this.#place, null);
  }

  #add(to: string, body: OutboxBody, source?: FileSource): OutboxEntry | null {
    if (this.#isStopped || this.#outbox.length >= largestOutbox) return null;
    const { ports } = this.#options;
    const key = ports.secrets.hex(8);
    const entry: OutboxEntry = {
      key,
      to,
      body,
      madeMs: ports.clock.wallMs(),
      number: null,
      state: { kind: 'waiting' },
      claimed: null,
    };
    if (source !== undefined) this.#sources.set(key, source);
    this.#change((outbox) => [...outbox, entry]);
    this.#leave(entry);
    return entry;
  }

  #leave(entry: OutboxEntry): void {
    const { key, to, body } = entry;
    this.#underWay.add(key);
    if (body.kind === 'file') {
      void this.#leaveWithFile(entry);
      return;
    }
    const replyTo = body.replyTo === null ? {} : { replyTo: body.replyTo };
    const trace = {
      ...(entry.number === null ? {} : { number: entry.number }),
      numbered: (number: number) =>
        this.#change((outbox) => changed(outbox, key, { number, state: { kind: 'sent' } })),
    };
    void this.#options.client
      .request({ op: 'send', to, text: body.text, ...replyTo }, trace)
      .then((reply) => this.#answered(key, reply));
  }

  async #leaveWithFile({ key, to, body }: OutboxEntry): Promise<void> {
    const source = this.#sources.get(key);
    if (source === undefined || body.kind !== 'file') return;
    this.#change((outbox) => changed(outbox, key, { state: { kind: 'sent' } }));
    const progress = (done: number): void =>
      this.#change((outbox) => changed(outbox, key, { body: { ...body, done } }));
    const reply = await this.#options.client
      .sendFile(to, source, progress)
      .catch(
        (): Reply => ({ kind: 'rejection', code: 'UNKNOWN_FILE', text: 'The file cannot be read any more.' }),
      );
    this.#answered(key, reply);
  }

  #answered(key: string, reply: Reply): void {
    if (this.#isStopped) return;
    this.#underWay.delete(key);
    switch (reply.kind) {
      case 'receipt':
        if (reply.value.op === 'send' || reply.value.op === 'send-file') this.#held(key, reply.value);
        return;
      case 'rejection': {
        // Nobody is logged in any more: it waits until somebody is.
        const state =
          reply.code === 'AUTH_REQUIRED'
            ? ({ kind: 'waiting' } as const)
            : ({ kind: 'refused', code: reply.code, text: reply.text } as const);
        this.#change((outbox) => changed(outbox, key, { number: null, state }));
        return;
      }
      case 'unknown':
        this.#options.onUnknown();
        this.#change((outbox) => changed(outbox, key, { number: null, state: { kind: 'unknown' } }));
    }
  }

  #held(
    key: string,
    { conversation, sequence }: { readonly conversation: string; readonly sequence: number },
  ): void {
    this.#sources.delete(key);
    const known = this.#options.store.state.conversations.get(conversation);
    // Told already; or loaded up to somewhere before it, where it will come with the rest.
    const isShown = known !== undefined && known.lastSequence >= sequence;
    this.#change((outbox) => afterReceipt(outbox, key, { conversation, sequence }, isShown));
  }

  get #outbox() {
    return this.#options.store.state.outbox;
  }

  get #place(): string {
    return `outbox.${this.#user}`;
  }

  /** Kept before anything leaves: in the same turn. */
  #change(change: (outbox: AppState['outbox']) => AppState['outbox']): void {
    if (this.#isStopped) return;
    const { store, ports, client } = this.#options;
    store.update((state) => ({ ...state, outbox: change(state.outbox) }));
    const isOpen = this.#outbox.some(({ body }) => body.kind === 'text');
    ports.tab.set(this.#place, isOpen ? encodeOutbox(client.session.id, this.#outbox) : null);
  }
}
