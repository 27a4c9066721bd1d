/** The pipe dialect on one connection: lines to requests, replies and pushes to lines. */
import type { ErrorCode } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Push, Sink } from '../delivery/ports.ts';
import {
  formatPipePush,
  formatPipeReply,
  parsePipe,
  pipeGoodbye,
  pipeHelp,
  pipeInvited,
  pipeListEnd,
} from '../protocol/pipe.ts';
import { formatPipeError, type PipeOptions } from '../protocol/pipe-errors.ts';
import type { ClientRequest, ReadRequest, Reply } from '../protocol/requests.ts';
import { ConnectionContext } from './context.ts';
import type { Counters } from './counters.ts';
import { entryOf } from './entries.ts';
import type { LineOutput, LineSession } from './line-connection.ts';
import type { Service } from './service.ts';
import { type Delivery, Subscription } from './subscription.ts';

export interface PipeDependencies {
  readonly service: Service;
  readonly delivery: Delivery;
  readonly counters: Counters;
  readonly logger: Logger;
  readonly options: PipeOptions;
}

/** Lines of a long reply that are written before the connection is asked whether it takes more. */
const sliceLines = 256;
/** How long a goodbye waits until what was delivered is known to the other nodes. */
const goodbyeMs = 500;

export class PipeSession implements LineSession, Sink {
  readonly #dependencies: PipeDependencies;
  readonly #output: LineOutput;
  readonly #context: ConnectionContext;
  #subscription: Subscription | null = null;
  /** The account is gone, by whomever. If this connection's own request is running, its reply comes first. */
  #ended = false;
  #running = false;
  #caughtUp: (() => void)[] | null = null;

  constructor(dependencies: PipeDependencies, output: LineOutput) {
    this.#dependencies = dependencies;
    this.#output = output;
    this.#context = new ConnectionContext(null, output.address);
  }

  get loggedIn(): boolean {
    return this.#context.identity !== null;
  }

  async receive(line: string): Promise<void> {
    this.#running = true;
    await this.#receive(line);
    this.#running = false;
    if (this.#ended) this.#output.end();
  }

  async settled(): Promise<void> {
    const waiting = this.#caughtUp;
    if (waiting !== null) await new Promise<void>((resolve) => waiting.push(resolve));
    if (this.loggedIn) await this.#shareState();
  }

  close(): void {
    this.#unsubscribe();
  }

  push(push: Push): number {
    const subscription = this.#subscription;
    if (subscription === null) return 0;
    const { message, fromName, toName } = push;
    const { account, outbox } = subscription;
    const { cursors } = this.#dependencies.delivery;
    const delivered = (): void => cursors.advance(account, message.conversation, message.sequence);
    if (message.from === account && message.to !== account) {
      // Not shown to its sender; the cursor passes it, or each login would read all of them again.
      this.#output.write('', delivered);
      return 0;
    }
    push.forms.pipe ??= `${formatPipePush(entryOf(message, fromName, toName))}\n`;
    const text = push.forms.pipe;
    const bytes = Buffer.byteLength(text);
    this.#output.write(text, () => {
      delivered();
      outbox.taken(bytes);
    });
    this.#dependencies.counters.pushes += 1;
    return bytes;
  }

  caughtUp(): void {
    const waiting = this.#caughtUp ?? [];
    this.#caughtUp = null;
    for (const resolve of waiting) resolve();
  }

  cut(code: ErrorCode, cause?: unknown): void {
    const { logger, counters } = this.#dependencies;
    if (code === 'SLOW_READER') counters.slowReaders += 1;
    else logger.error({ code, cause: cause instanceof Error ? cause.message : null }, 'delivery stopped');
    this.#output.write(`${formatPipeError(code)}\n`);
    this.#output.end();
  }

  async #receive(line: string): Promise<void> {
    const parsed = parsePipe(line);
    switch (parsed.kind) {
      case 'help':
        this.#write(pipeHelp());
        return;
      case 'invite':
        this.#context.invitation = parsed.code;
        this.#write([pipeInvited]);
        return;
      case 'invalid':
        this.#write([parsed.text]);
        return;
      case 'quit':
        await this.#logOut();
        this.#write([pipeGoodbye]);
        this.#output.expectEnd();
        return;
      case 'request':
        await this.#answer(parsed.request);
    }
  }

  async #answer(request: ClientRequest): Promise<void> {
    if (request.op === 'history') {
      await this.#answerHistory(request);
      return;
    }
    const reply = await this.#dependencies.service.execute(this.#context, request, null);
    await this.#reply(request, reply);
    if (reply.kind !== 'receipt') return;
    if (reply.value.op === 'login') this.#subscribe();
    if (reply.value.op === 'delete') this.#unsubscribe();
  }

  async #reply(request: ClientRequest, reply: Reply): Promise<void> {
    const lines = formatPipeReply(request, reply, this.#dependencies.options);
    for (let from = 0; from < lines.length; from += sliceLines) {
      if (from > 0 && !(await this.#output.drained())) return;
      this.#write(lines.slice(from, from + sliceLines));
    }
  }

  async #answerHistory(request: Extract<ReadRequest, { op: 'history' }>): Promise<void> {
    const pages = await this.#dependencies.service.historyPages(this.#context, request);
    if ('kind' in pages) {
      await this.#reply(request, pages);
      return;
    }
    try {
      for await (const page of pages) {
        this.#write(page.map(formatPipePush));
        if (!(await this.#output.drained())) return;
      }
      this.#write([pipeListEnd]);
    } catch (error) {
      // Part of the list is out: only an end can tell that the rest is missing.
      this.cut('INTERNAL', error);
    }
  }

  #write(lines: readonly string[]): void {
    this.#output.write(`${lines.join('\n')}\n`);
  }

  #subscribe(): void {
    const account = this.#context.identity?.account;
    if (account === undefined) return;
    this.#caughtUp = [];
    this.#subscription = new Subscription(this.#dependencies.delivery, {
      account,
      session: null,
      after: null,
      sink: this,
      ended: () => {
        this.#ended = true;
        this.#context.identity = null;
        if (!this.#running) this.#output.end();
      },
    });
  }

  #unsubscribe(): void {
    this.#subscription?.close();
    this.#subscription = null;
    this.#context.identity = null;
    this.#ended = false;
    this.caughtUp();
  }

  /** What happened here is made known, so that whoever logs in elsewhere next is let in and not shown a message again. */
  async #shareState(): Promise<void> {
    this.#dependencies.delivery.presence.tell();
    await this.#output.flushed();
    await this.#dependencies.delivery.cursors.flushWithin(goodbyeMs);
  }

  async #logOut(): Promise<void> {
    if (!this.loggedIn) return;
    this.#unsubscribe();
    await this.#shareState();
  }
}
