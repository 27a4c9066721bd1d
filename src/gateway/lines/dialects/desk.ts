/**
 * What all line dialects share on one connection: who is behind it, one request at a time, replies in slices, delivery that tells when a push
 * was taken, and the end of an account or of the connection. A dialect says what a line means and how things look in it.
 */
import { atMost } from '../../../base/at-most.ts';
import type { Clock } from '../../../base/clock.ts';
import { CodedError, type ErrorCode } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import type { AccountId } from '../../../chat/vocabulary/types.ts';
import type { ChatView } from '../../../chat/vocabulary/view.ts';
import type { Hints } from '../../../delivery/outbox.ts';
import type { Push, Sink } from '../../../delivery/ports.ts';
import type { ClientRequest, HistoryRequest, MessageEntry, Reply } from '../../../protocol/requests.ts';
import { ConnectionContext } from '../../connections/context.ts';
import type { Counters } from '../../connections/counters.ts';
import { type Delivery, Subscription } from '../../connections/subscription.ts';
import { type Rejection, rejection } from '../../requests/replies.ts';
import type { Service } from '../../requests/service.ts';
import { errorText, type LineDialect } from '../errors.ts';
import type { LineOutput, LineSession } from '../line-connection.ts';

export interface DeskDependencies {
  readonly clock: Clock;
  readonly service: Service;
  readonly delivery: Delivery;
  readonly view: ChatView;
  readonly counters: Counters;
  readonly logger: Logger;
}

export interface Dialect {
  /** Answers one line: resolves when the answer was written. */
  receive(line: string): Promise<void>;
  /** How every reader of this dialect sees the message, each line with its end; the empty text: not at all. */
  format(push: Push): string;
  /** In place of writing the form, for a dialect whose readers acknowledge. As `Sink.push`. */
  push?(push: Push, subscription: Subscription): number;
  /** All that was missed has been pushed. */
  caughtUp?(account: AccountId): void;
  readonly hints?: Hints;
  /** The connection is gone, or its account is. */
  left?(): void;
}

/** Lines of a long reply that are written before the connection is asked whether it takes more. */
const sliceLines = 256;
/** How long a goodbye waits until the cluster knows of it, and of what was delivered. */
const goodbyeMs = 500;

export class Desk implements LineSession, Sink {
  readonly context: ConnectionContext;
  readonly output: LineOutput;
  readonly name: LineDialect;
  readonly dependencies: DeskDependencies;
  readonly #dialect: Dialect;
  #subscription: Subscription | null = null;
  /** The account is gone, by whomever. If this connection's own request is running, its reply comes first. */
  #ended = false;
  #running = false;
  #caughtUp: (() => void)[] | null = null;

  constructor(
    dependencies: DeskDependencies,
    output: LineOutput,
    name: LineDialect,
    open: (desk: Desk) => Dialect,
  ) {
    this.dependencies = dependencies;
    this.output = output;
    this.name = name;
    this.context = new ConnectionContext(null, output.address);
    this.context.invitation = output.invitation ?? null;
    this.#dialect = open(this);
  }

  get loggedIn(): boolean {
    return this.context.identity !== null;
  }

  async receive(line: string): Promise<void> {
    this.#running = true;
    try {
      await this.#dialect.receive(line);
    } catch (error) {
      // Nobody knows what was answered: only an end can tell.
      this.cut('INTERNAL', error);
    }
    this.#running = false;
    if (this.#ended) this.output.end();
  }

  async settled(): Promise<void> {
    const waiting = this.#caughtUp;
    if (waiting !== null) await new Promise<void>((resolve) => waiting.push(resolve));
    if (this.loggedIn) await this.#shareState();
  }

  get lags(): boolean {
    return this.output.lags;
  }

  close(): void {
    const { service } = this.dependencies;
    this.#stopDelivery();
    void service.accounts.leaveGuest(this.context).then(() => {
      this.context.identity = null;
    });
  }

  push(push: Push): number {
    const subscription = this.#subscription;
    if (subscription === null) return 0;
    const { message } = push;
    const { account, outbox } = subscription;
    const delivered = (): void => this.#delivered(account, message);
    const isOwn = message.from === account && message.to !== account;
    const text = isOwn ? '' : this.#formOf(push);
    if (text === '') {
      // Not shown; it counts as delivered, or each login would read all of them again.
      this.output.write('', delivered);
      return 0;
    }
    this.dependencies.counters.pushes += 1;
    if (this.#dialect.push !== undefined) return this.#dialect.push(push, subscription);
    const bytes = Buffer.byteLength(text);
    this.output.write(text, () => {
      delivered();
      outbox.taken(bytes);
    });
    return bytes;
  }

  caughtUp(): void {
    if (this.#subscription !== null) this.#dialect.caughtUp?.(this.#subscription.account);
    this.#caughtUpNow();
  }

  #caughtUpNow(): void {
    const waiting = this.#caughtUp ?? [];
    this.#caughtUp = null;
    for (const resolve of waiting) resolve();
  }

  cut(code: ErrorCode, cause?: unknown): void {
    const { logger, counters } = this.dependencies;
    if (code === 'SLOW_READER') counters.slowReaders += 1;
    else logger.error({ code, cause: cause instanceof Error ? cause.message : null }, 'delivery stopped');
    this.write([errorText(this.name, code)]);
    this.output.end();
  }

  execute(request: ClientRequest): Promise<Reply> {
    return this.dependencies.service.execute(this.context, request, null);
  }

  /** What a service answers by rejecting, as a reply. */
  async settle<Answer>(answer: Promise<Answer>): Promise<Answer | Rejection> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof CodedError) return rejection(error.code, error.message);
      throw error;
    }
  }

  /** Lines without their ends. */
  write(lines: readonly string[]): void {
    if (lines.length > 0) this.output.write(`${lines.join('\n')}\n`);
  }

  /** As many lines as there are, as fast as the reader takes them. */
  async writeAll(lines: readonly string[]): Promise<void> {
    for (let from = 0; from < lines.length; from += sliceLines) {
      if (from > 0 && !(await this.output.drained())) return;
      this.write(lines.slice(from, from + sliceLines));
    }
  }

  /** A conversation again, message by message, then the end of the list; or what `refuse` says of the rejection. */
  async writeHistory(
    request: HistoryRequest,
    format: (entry: MessageEntry) => string,
    refuse: (reply: Reply) => readonly string[],
  ): Promise<void> {
    const pages = await this.dependencies.service.historyPages(this.context, request);
    if ('kind' in pages) {
      this.write(refuse(pages));
      return;
    }
    try {
      for await (const page of pages) {
        this.write(page.map(format));
        if (!(await this.output.drained())) return;
      }
      this.write(['']);
    } catch (error) {
      // Part of the list is out: only an end can tell that the rest is missing.
      this.cut('INTERNAL', error);
    }
  }

  /** Begins the delivery to whoever has just logged in: first what is pending, then what comes. */
  startDelivery(): void {
    const { identity } = this.context;
    if (identity === null || this.#subscription !== null) return;
    this.#caughtUp = [];
    this.#subscription = new Subscription(this.dependencies.delivery, {
      account: identity.account,
      session: null,
      after: null,
      sink: this,
      ...(this.#dialect.hints === undefined ? {} : { hints: this.#dialect.hints }),
      ended: () => this.#accountEnded(),
    });
  }

  /** Ends the delivery and forgets who was here. */
  forget(): void {
    this.#stopDelivery();
    this.context.identity = null;
    this.#ended = false;
  }

  /** The connection stays, as nobody's. What was delivered is made known first. */
  async logOut(): Promise<void> {
    if (!this.loggedIn) return;
    await this.soon(this.dependencies.service.accounts.leaveGuest(this.context));
    this.forget();
    await this.#shareState();
  }

  /** Whoever says goodbye waits no longer than that for the cluster, which may have no majority. */
  soon(work: Promise<unknown>): Promise<void> {
    return atMost(this.dependencies.clock, goodbyeMs, work);
  }

  /** A cursor says that all before it arrived, too: not so where messages are acknowledged one by one. */
  #delivered(account: AccountId, { conversation, sequence }: Push['message']): void {
    const { cursors, acknowledger } = this.dependencies.delivery;
    if (this.#dialect.push === undefined) cursors.advance(account, conversation, sequence);
    else acknowledger.acknowledge(account, conversation, sequence);
  }

  #formOf(push: Push): string {
    push.forms[this.name] ??= this.#dialect.format(push);
    return push.forms[this.name] ?? '';
  }

  #accountEnded(): void {
    this.#ended = true;
    this.context.identity = null;
    this.#dialect.left?.();
    if (!this.#running) this.output.end();
  }

  #stopDelivery(): void {
    this.#subscription?.close();
    this.#subscription = null;
    this.#dialect.left?.();
    this.#caughtUpNow();
  }

  /** What happened here is made known, so that whoever logs in elsewhere next is let in and not shown a message again. */
  async #shareState(): Promise<void> {
    const { presence, cursors, acknowledger } = this.dependencies.delivery;
    presence.tell();
    await this.output.flushed();
    await Promise.all([cursors.flushWithin(goodbyeMs), acknowledger.flushWithin(goodbyeMs)]);
  }
}
