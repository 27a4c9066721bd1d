/**
 * The native protocol on one WebSocket: hello, then requests that run side by side (proposed in the order of their arrival), pushes as far
 * as the reader takes them, and a goodbye that says why.
 */
import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../../base/clock.ts';
import { CodedError, type ErrorCode } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import type { AccountId, Numbering } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { AmendmentPush, Push, Sink } from '../../delivery/ports.ts';
import type {
  Correlation,
  Hello,
  NodeAddress,
  NumberedRequest,
  QueryRequest,
} from '../../protocol/native.ts';
import { nativeVersion } from '../../protocol/native.ts';
import { encodeNative, type NativeInput, parseNative } from '../../protocol/native-codec.ts';
import type { Reply, Success } from '../../protocol/requests.ts';
import type { Ticket } from '../connections/address-limits.ts';
import { ConnectionContext } from '../connections/context.ts';
import type { Counters } from '../connections/counters.ts';
import { type Delivery, Subscription } from '../connections/subscription.ts';
import { readRejection, rejection } from '../requests/replies.ts';
import { identityOf, scopeFault } from '../requests/scopes.ts';
import type { Service } from '../requests/service.ts';
import { sameText } from '../secrets/identifiers.ts';
import type { FramePacker } from './frame-packer.ts';
import { FrameWriter } from './frame-writer.ts';
import { writePages } from './history-replies.ts';
import {
  type ClosingCode,
  causeOf,
  closeCodeOf,
  encodeAmendment,
  encodeMessage,
  hintsOf,
  labelOf,
  replyFor,
  textOf,
} from './native-frames.ts';
import type { NativeSocket } from './native-socket.ts';
import { NativeWatch } from './native-watch.ts';
import { ReaderProgress } from './reader-progress.ts';
import { UnderWay } from './under-way.ts';

export interface NativeDependencies {
  readonly service: Service;
  readonly delivery: Delivery;
  readonly view: ChatView;
  readonly counters: Counters;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Where the connection comes from; null in a simulation. */
  readonly address: string | null;
  readonly ticket: Ticket;
  readonly node: number;
  readonly nodes: () => readonly NodeAddress[];
  readonly leader: () => number | null;
  /** Until hello must come. A client keeps one open connection without it in reserve. */
  readonly helloMs: number;
  readonly packer: FramePacker;
  /** Runs the action once, soon: what is written until then leaves together. */
  readonly turn: (action: () => void) => void;
}

/** Until the other side must have answered the close. */
const closeMs = 2_000;

export class NativeSession implements Sink {
  readonly #socket: NativeSocket;
  readonly #dependencies: NativeDependencies;
  readonly #writer: FrameWriter;
  readonly #progress: ReaderProgress;
  readonly #watch: NativeWatch;
  #state: 'silent' | 'greeted' | 'open' | 'leaving' | 'closing' = 'silent';
  #context: ConnectionContext;
  #secretHash = '';
  #subscription: Subscription | null = null;
  #unsubscribe: () => void = () => undefined;
  /** What came between hello and welcome. */
  #early: NativeInput[] = [];
  /** Whose connection this is: of a guest the node keeps the account while it lasts. */
  #held: AccountId | null = null;
  readonly #underWay = new UnderWay(limits.inFlightPerSession);
  #timer: Timer;

  constructor(socket: NativeSocket, dependencies: NativeDependencies) {
    this.#socket = socket;
    this.#dependencies = dependencies;
    this.#progress = new ReaderProgress(dependencies.view, dependencies.delivery.cursors);
    this.#context = new ConnectionContext(null, dependencies.address);
    this.#writer = new FrameWriter(socket, dependencies, (bytes) => this.#subscription?.outbox.taken(bytes));
    this.#watch = new NativeWatch(this.#writer, dependencies.delivery.watchers);
    this.#timer = dependencies.clock.after(dependencies.helloMs, () => this.close('IDLE'));
    dependencies.counters.nativeConnections += 1;
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.once('close', () => this.#gone());
  }

  /** Who leads, or who the members are, has changed: `part` is the encoded event. */
  announce(part: string): void {
    if (this.#state === 'open') this.#writer.write(part);
  }

  /** Tells why, then closes. Idempotent. */
  close(code: ClosingCode, text: string = textOf(code)): void {
    if (this.#state === 'closing') return;
    if (this.#state !== 'leaving') this.#write({ ev: 'closing', code, text });
    this.#state = 'closing';
    this.#unsubscribe();
    this.#watch.set(null);
    this.#writer.flush();
    // The other side's answer to the close has to be read.
    this.#socket.resume();
    this.#socket.close(closeCodeOf(code), code);
    this.#timer.cancel();
    this.#timer = this.#dependencies.clock.after(closeMs, () => this.#socket.terminate());
  }

  /** For a node that goes away: says so at once, answers what is under way, takes nothing new, then closes. */
  async leave(): Promise<void> {
    if (this.#state === 'open') {
      this.#write({ ev: 'closing', code: 'GOING_AWAY', text: textOf('GOING_AWAY') });
      this.#state = 'leaving';
      await this.#underWay.ended();
    }
    this.close('GOING_AWAY');
  }

  get lags(): boolean {
    return this.#writer.lags;
  }

  push(push: Push): number {
    push.forms.native ??= encodeMessage(push);
    this.#progress.pushed(push);
    return this.#pushPart(push.forms.native);
  }

  amended(push: AmendmentPush): number {
    push.forms.native ??= encodeAmendment(push);
    return this.#pushPart(push.forms.native);
  }

  #pushPart(part: string): number {
    const bytes = Buffer.byteLength(part);
    this.#writer.write(part, bytes);
    this.#dependencies.counters.pushes += 1;
    return bytes;
  }

  caughtUp(index: number): void {
    this.#write({ ev: 'caught-up', index });
  }

  cut(code: ErrorCode, cause?: unknown): void {
    const { counters, logger } = this.#dependencies;
    if (code === 'SLOW_READER') counters.slowReaders += 1;
    else logger.error({ code, cause: causeOf(cause) }, 'delivery stopped');
    this.close(code);
  }

  #receive(data: unknown, isBinary: boolean): void {
    if (this.#state === 'closing') return;
    if (isBinary || !Buffer.isBuffer(data)) {
      this.close('BAD_REQUEST', 'Frames are text.');
      return;
    }
    for (const input of parseNative(data.toString())) this.#handle(input);
  }

  #handle(input: NativeInput): void {
    switch (this.#state) {
      // What comes too late is asked again elsewhere: the client heard no answer to it.
      case 'leaving':
      case 'closing':
        return;
      case 'silent':
        if (input.kind === 'request' && input.request.op === 'hello') void this.#greet(input.request);
        else this.close('BAD_REQUEST', 'The first request is hello.');
        return;
      case 'greeted':
        this.#early.push(input);
        if (this.#early.length > limits.inFlightPerSession) this.close('TOO_MANY_IN_FLIGHT');
        return;
      case 'open':
        this.#run(input);
    }
  }

  async #greet(hello: Hello): Promise<void> {
    this.#state = 'greeted';
    this.#timer.cancel();
    // Nobody is known yet: no more than what is already here is held for a stranger.
    this.#socket.pause();
    if (hello.v !== nativeVersion) {
      this.close('BAD_REQUEST', `This node speaks version ${nativeVersion} of the protocol.`);
      return;
    }
    this.#context = new ConnectionContext(hello.session, this.#dependencies.address);
    this.#secretHash = createHash('sha256').update(hello.secret).digest('hex');
    try {
      // A session that ended on another node must not be resumed here.
      await this.#dependencies.service.barrier();
    } catch (error) {
      this.close(error instanceof CodedError ? error.code : 'INTERNAL');
      return;
    }
    if (this.#closed) return;
    this.#welcome(hello);
  }

  get #closed(): boolean {
    return this.#state === 'closing';
  }

  #welcome(hello: Hello): void {
    const { view, node, nodes, leader } = this.#dependencies;
    const session = view.session(hello.session);
    if (session !== undefined && !sameText(session.secretHash, this.#secretHash)) {
      this.close('DENIED', 'The secret is not this session’s.');
      return;
    }
    const identity = session === undefined ? null : identityOf(view, session);
    this.#context.identity = identity;
    if (identity === null && this.#dependencies.ticket.kind !== 'free') {
      this.close('RATE_LIMITED', 'Too many connections from this address that did not log in.');
      return;
    }
    if (identity !== null) this.#dependencies.ticket.loggedIn();
    this.#write({
      ev: 'welcome',
      v: nativeVersion,
      node,
      leader: leader(),
      nodes: nodes(),
      user: identity?.name ?? null,
      highest: session?.highest ?? 0,
    });
    this.#state = 'open';
    this.#hold();
    this.#socket.resume();
    this.#subscribe(hello.after ?? null);
    const early = this.#early;
    this.#early = [];
    for (const input of early) this.#handle(input);
  }

  #run(input: NativeInput): void {
    if (input.kind === 'invalid') {
      this.#dependencies.counters.badFrames += 1;
      if (input.reply === null) this.close(input.code, input.text);
      else this.#reply(input.reply, rejection(input.code, input.text));
      return;
    }
    const { request } = input;
    switch (request.op) {
      case 'hello':
        this.close('BAD_REQUEST', 'hello comes once.');
        return;
      case 'ping':
        this.#write({ ev: 'pong' });
        return;
      case 'ack':
        this.#reader((account) => this.#progress.acknowledged(account, request.index));
        return;
      case 'read':
        this.#reader((account) => this.#progress.read(account, request.conversation, request.sequence));
        return;
      default:
        this.#ask(request);
    }
  }

  #ask(request: NumberedRequest | QueryRequest): void {
    const correlation = 'n' in request ? { n: request.n } : { q: request.q };
    if (!this.#underWay.begin()) {
      this.#reply(correlation, rejection('TOO_MANY_IN_FLIGHT'));
      return;
    }
    if (request.op === 'history') {
      void this.#askHistory(request);
      return;
    }
    const numbering = 'n' in request ? this.#numbering(request) : null;
    void this.#dependencies.service.execute(this.#context, request, numbering).then((reply) => {
      this.#reply(correlation, reply);
      if (reply.kind === 'receipt') this.#changed(reply.value);
      this.#underWay.end();
    });
  }

  #changed(value: Success): void {
    const { op } = value;
    if (value.op === 'watch') this.#reader((account) => this.#watch.set(value.on ? account : null));
    if (op === 'login') {
      this.#dependencies.ticket.loggedIn();
      this.#hold();
      this.#subscribe(null);
    }
    // Also a session that nobody was logged in to, and so nobody watched.
    if (op === 'logout' || op === 'delete') void this.#ended();
  }

  #numbering({ n, low }: NumberedRequest): Numbering {
    return { session: this.#context.session ?? '', secretHash: this.#secretHash, sequence: n, lowest: low };
  }

  /** A long conversation goes in shares of one page, each as soon as the reader takes it. */
  async #askHistory(request: Extract<QueryRequest, { op: 'history' }>): Promise<void> {
    // A login that is still running decides what may be read.
    if (this.#context.gate !== null) await this.#context.gate;
    const { q } = request;
    const pages = await this.#dependencies.service.historyPages(this.#context, request);
    if ('kind' in pages) this.#reply({ q }, pages);
    else
      await writePages(this.#writer, { q, ...labelOf(request) }, pages).catch((error: unknown) =>
        this.#failed(q, error),
      );
    this.#underWay.end();
  }

  #failed(q: number, error: unknown): void {
    this.#dependencies.logger.error({ cause: causeOf(error) }, 'a conversation cannot be read');
    this.#reply({ q }, readRejection(error));
  }

  #hold(): void {
    const account = this.#context.identity?.account;
    if (account === undefined || this.#held !== null || this.#closed) return;
    this.#held = account;
    this.#dependencies.service.accounts.hold(account);
  }

  /** For whoever delivery has begun. */
  #reader(action: (account: number) => void): void {
    if (this.#subscription !== null) action(this.#subscription.account);
  }

  /** Delivery begins behind `after` (a resumed session), or behind what was delivered to the account (a login). */
  #subscribe(after: number | null): void {
    const { identity, session } = this.#context;
    if (identity === null || this.#subscription !== null || this.#state !== 'open') return;
    const { delivery, view } = this.#dependencies;
    const ended = (): void => void this.#ended();
    if (scopeFault(identity, 'events') !== null) {
      // Nothing is told but the end.
      this.#unsubscribe();
      if (session !== null) this.#unsubscribe = delivery.hub.watchSession(session, ended);
      return;
    }
    const { account } = identity;
    if (after !== null) this.#progress.resumed(account, after);
    const hints = hintsOf(view, (event) => this.#write(event));
    const subscription = new Subscription(delivery, { account, session, after, sink: this, hints, ended });
    this.#subscription = subscription;
    this.#unsubscribe = () => subscription.close();
  }

  /** The session is gone. The request that ended it may be this connection's own: its reply comes first. */
  async #ended(): Promise<void> {
    if (this.#context.gate !== null) await this.#context.gate;
    this.#context.identity = null;
    this.#dependencies.turn(() => this.close('SESSION_ENDED'));
  }

  #reply(correlation: Correlation, reply: Reply): void {
    if (reply.kind === 'rejection') this.#dependencies.counters.rejections += 1;
    if (this.#state === 'closing') return;
    this.#write(replyFor(correlation, reply));
  }

  #write(frame: Parameters<typeof encodeNative>[0]): void {
    for (const part of encodeNative(frame)) this.#writer.write(part);
  }

  #gone(): void {
    this.#state = 'closing';
    this.#timer.cancel();
    this.#early = [];
    this.#unsubscribe();
    this.#watch.set(null);
    if (this.#held !== null) this.#dependencies.service.accounts.release(this.#held);
    this.#held = null;
    this.#dependencies.ticket.closed();
    this.#dependencies.counters.nativeConnections -= 1;
  }
}
