/**
 * The client as a program sees it: a session that lives on some node of the cluster, requests that end in one of three ways, and
 * messages that come once. Which node, and how one gets there after a failure, is the connector's matter.
 */
import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { NativeFrame, Welcome } from '../protocol/native.ts';
import { type Hello, nativeVersion } from '../protocol/native.ts';
import type { ClientRequest, Reply, Success } from '../protocol/requests.ts';
import { Connector } from './connector.ts';
import type { ConnectorHost } from './connector-host.ts';
import { Inbox, type MessageHandler } from './inbox.ts';
import type { Secrets } from './ports.ts';
import { RequestQueue } from './request-queue.ts';
import { ServerPool } from './server-pool.ts';
import type { Status, StatusListener } from './status.ts';
import { timings } from './timings.ts';
import type {
  ClientOptions,
  HistoryOptions,
  Outcome,
  ProfileChange,
  RegistrationExtras,
  RequestOf,
  Session,
} from './types.ts';

/** Acknowledgements are coalesced: at most one in this time. */
const ackDelayMs = 100;
/** Between two looks at requests that wait. */
const busyCheckMs = 50;

export class Client {
  readonly #clock: Clock;
  readonly #secrets: Secrets;
  readonly #name: string | undefined;
  readonly #connector: Connector;
  readonly #queue: RequestQueue;
  readonly #inbox: Inbox;
  readonly #listeners = new Set<StatusListener>();
  #session: Session;
  /** The session is older than this program: its used numbers are learnt from the first welcome. */
  #adopted: boolean;
  #user: string | null = null;
  #losingSession = false;
  #pumpPlanned = false;
  #ackedIndex = 0;
  #ackAtMs: number | null = null;
  #caughtUpWaiters: (() => void)[] = [];
  #timer: Timer | null = null;
  #timerAtMs = 0;
  #closed = false;

  constructor(options: ClientOptions) {
    const { clock, random, dialer } = options;
    this.#clock = clock;
    this.#secrets = options.secrets;
    this.#name = options.name;
    this.#session = options.session ?? this.#newSession();
    this.#adopted = options.session !== undefined;
    if (options.onStatus !== undefined) this.#listeners.add(options.onStatus);
    this.#queue = new RequestQueue({
      random,
      giveUpMs: options.giveUpMs ?? Number.POSITIVE_INFINITY,
      readGiveUpMs: options.readGiveUpMs ?? limits.operationMs,
    });
    this.#inbox = new Inbox({
      onHandled: () => this.#messageHandled(),
      onRoom: () => this.#connector.refresh(),
    });
    this.#inbox.reset(options.after);
    const pool = new ServerPool(options.nodes, random);
    this.#connector = new Connector({ pool, dialer, clock, random }, this.#host());
    this.#connector.start();
  }

  // ——— what a program asks

  register(user: string, password: string, extras: RegistrationExtras = {}): Promise<Outcome<'register'>> {
    return this.#ask({ op: 'register', user, password, ...extras });
  }

  login(user: string, password: string): Promise<Outcome<'login'>> {
    return this.#ask({ op: 'login', user, password });
  }

  /** Ends the session; the next request begins another one. */
  logout(): Promise<Outcome<'logout'>> {
    return this.#ask({ op: 'logout' });
  }

  /** Deletes the own account, the one logged in, and ends the session. */
  deleteAccount(user: string): Promise<Outcome<'delete'>> {
    return this.#ask({ op: 'delete', user });
  }

  /** Ends all other sessions of the account; this one stays. */
  changePassword(current: string, password: string): Promise<Outcome<'change-password'>> {
    return this.#ask({ op: 'change-password', current, password });
  }

  /** Null takes away, absent leaves as it is. */
  setProfile(profile: ProfileChange): Promise<Outcome<'set-profile'>> {
    return this.#ask({ op: 'set-profile', ...profile });
  }

  /** The own account. */
  profile(): Promise<Outcome<'profile'>> {
    return this.#ask({ op: 'profile' });
  }

  /** `text`: 1 to 8,192 bytes of UTF-8. */
  send(to: string, text: string): Promise<Outcome<'send'>> {
    return this.#ask({ op: 'send', to, text });
  }

  users(): Promise<Outcome<'users'>> {
    return this.#ask({ op: 'users' });
  }

  /** By prefix, or by glob when the pattern holds `*` or `?`. */
  search(pattern: string): Promise<Outcome<'search'>> {
    return this.#ask({ op: 'search', pattern });
  }

  /** The conversation with that user, oldest first. */
  history(user: string, options: HistoryOptions = {}): Promise<Outcome<'history'>> {
    const limit = options.limit ?? limits.historyDefaultMessages;
    const before = options.before === undefined ? {} : { before: options.before };
    return this.#ask({ op: 'history', with: user, limit, ...before });
  }

  /** Any request, as a codec made it. */
  request(request: ClientRequest): Promise<Reply> {
    return new Promise((resolve) => {
      if (this.#closed) {
        resolve({ kind: 'rejection', code: 'UNAVAILABLE', text: 'The client is closed.' });
        return;
      }
      if (request.op === 'login') this.#inbox.deliveryBegins();
      // The cursors of a session that ends are to be known before it does.
      if (request.op === 'logout' || request.op === 'delete') this.#sendAck();
      this.#queue.add(request, this.#clock.monotonicMs(), (reply) => {
        this.#observe(request, reply);
        resolve(reply);
      });
      this.#planPump();
    });
  }

  /** Replaces the handler. What comes without one waits for it: here up to a bound, the rest on the server. */
  onMessage(handler: MessageHandler | null): void {
    this.#inbox.setHandler(handler);
  }

  /** Returns a function that ends it. */
  onStatus(listener: StatusListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Fulfilled when all that was pending at login (or resumption) has been handled, or cannot be any more. */
  caughtUp(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed || this.#inbox.caughtUp) resolve();
      else this.#caughtUpWaiters.push(resolve);
    });
  }

  /** Name of the user logged in. */
  get user(): string | null {
    return this.#user;
  }

  /** Number of the node connected with. */
  get node(): number | null {
    return this.#connector.node;
  }

  get session(): Session {
    return this.#session;
  }

  /** Log index up to which nothing is missing at the handler: the `after` of a later resumption. Undefined before the first event. */
  get cursor(): number | undefined {
    return this.#inbox.cursor;
  }

  /** Requests made and unanswered. */
  get pending(): number {
    return this.#queue.size;
  }

  /** What is unanswered ends as unknown, or as `UNAVAILABLE` if it certainly had no effect. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#sendAck();
    this.#closed = true;
    this.#timer?.cancel();
    this.#connector.close();
    this.#queue.closeAll();
    this.#endWaiting();
    this.#tell({ kind: 'closed' });
  }

  // ——— requests

  async #ask<Op extends Success['op'] & ClientRequest['op']>(request: RequestOf<Op>): Promise<Outcome<Op>> {
    const reply = await this.request(request);
    if (reply.kind !== 'receipt') return reply;
    if (isSuccessOf(reply.value, request.op)) return { kind: 'receipt', value: reply.value };
    return { kind: 'rejection', code: 'INTERNAL', text: 'The node answered another request.' };
  }

  /** Before the program learns an outcome, the session follows it. */
  #observe(request: ClientRequest, reply: Reply): void {
    if (reply.kind !== 'receipt') return;
    if (reply.value.op === 'login') this.#user = reply.value.user;
    if ((request.op === 'logout' || request.op === 'delete') && !this.#losingSession) this.#beginSession();
  }

  #planPump(): void {
    if (this.#pumpPlanned) return;
    this.#pumpPlanned = true;
    queueMicrotask(() => {
      this.#pumpPlanned = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#closed) return;
    const now = this.#clock.monotonicMs();
    if (this.#connector.isReady) {
      const parts = this.#queue.take(now);
      if (parts.length > 0) this.#connector.send(parts, 'now');
    }
    if (this.#queue.size > 0) this.#wake(now + busyCheckMs);
  }

  // ——— the session

  #newSession(): Session {
    return { id: this.#secrets.hex(16), secret: this.#secrets.hex(32) };
  }

  /** The old session is over: a new one, not logged in, takes its place on a new connection. */
  #beginSession(): void {
    this.#sendAck();
    this.#session = this.#newSession();
    this.#adopted = false;
    this.#user = null;
    this.#inbox.reset(undefined);
    this.#ackedIndex = 0;
    this.#ackAtMs = null;
    this.#losingSession = true;
    this.#queue.loseSession();
    this.#losingSession = false;
    this.#endWaiting();
    this.#connector.renew();
  }

  #sessionLost(reason: 'expired' | 'ended'): void {
    const wasLoggedIn = this.#user !== null;
    this.#beginSession();
    if (wasLoggedIn) this.#tell({ kind: 'session-lost', reason });
  }

  #hello(): string {
    const after = this.#inbox.received;
    const hello: Hello = {
      op: 'hello',
      v: nativeVersion,
      session: this.#session.id,
      secret: this.#session.secret,
      ...(after === undefined ? {} : { after }),
      ...(this.#name === undefined ? {} : { client: this.#name }),
    };
    return JSON.stringify(hello);
  }

  #welcomed(welcome: Welcome): void {
    if (this.#adopted) this.#queue.skipNumbers(welcome.highest);
    this.#adopted = false;
    if (welcome.user === null && this.#user !== null && !this.#queue.isEnding) {
      this.#sessionLost('expired');
      return;
    }
    if (welcome.user !== null) {
      this.#user = welcome.user;
      this.#inbox.deliveryBegins();
      this.#tell({ kind: 'resumed', node: welcome.node, user: welcome.user });
      this.#ackedIndex = 0;
      if (this.#inbox.handled > 0) this.#planAck();
    }
    this.#pump();
  }

  #received(frame: NativeFrame): void {
    if (!('ev' in frame)) {
      const effect = this.#queue.reply(frame, this.#clock.monotonicMs());
      if (effect === 'expired') this.#sessionLost('expired');
      else if (effect === 'unserved') this.#connector.suspect();
      this.#planPump();
    } else if (frame.ev === 'message') {
      this.#inbox.take(frame);
    } else if (frame.ev === 'caught-up') {
      this.#inbox.caughtUpTo(frame.index);
    }
  }

  #host(): ConnectorHost {
    return {
      hello: () => this.#hello(),
      welcomed: (welcome) => this.#welcomed(welcome),
      disconnected: () => this.#queue.disconnected(this.#clock.monotonicMs()),
      received: (frame) => this.#received(frame),
      sessionEnded: () => this.#sessionLost('ended'),
      status: (status) => this.#tell(status),
      waitingSinceMs: () => this.#queue.oldestSentMs(),
      isBusy: () => this.#queue.size > 0,
      wake: (atMs) => this.#wake(atMs),
    };
  }

  #tell(status: Status): void {
    for (const listener of [...this.#listeners]) listener(status);
  }

  // ——— acknowledgements

  #messageHandled(): void {
    if (this.#inbox.handled > this.#ackedIndex) this.#planAck();
    if (this.#inbox.caughtUp) this.#endWaiting();
  }

  #planAck(): void {
    if (this.#ackAtMs !== null) return;
    this.#ackAtMs = this.#clock.monotonicMs() + ackDelayMs;
    this.#wake(this.#ackAtMs);
  }

  #sendAck(): void {
    this.#ackAtMs = null;
    const index = this.#inbox.handled;
    if (index <= this.#ackedIndex || !this.#connector.isReady) return;
    this.#ackedIndex = index;
    this.#connector.send([`{"op":"ack","index":${index}}`], 'end-of-turn');
  }

  #endWaiting(): void {
    const waiters = this.#caughtUpWaiters;
    this.#caughtUpWaiters = [];
    for (const resolve of waiters) resolve();
  }

  // ——— time

  /** One timer for everything: the earliest wish wins, and each look plans the next one. */
  #wake(atMs: number): void {
    if (this.#closed || (this.#timer !== null && this.#timerAtMs <= atMs)) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.#clock.after(Math.max(0, atMs - this.#clock.monotonicMs()), () => this.#work());
  }

  #work(): void {
    this.#timer = null;
    if (this.#closed) return;
    const now = this.#clock.monotonicMs();
    const late = now - this.#timerAtMs > timings.lateMs;
    if (this.#ackAtMs !== null && this.#ackAtMs <= now) this.#sendAck();
    this.#queue.expire(now);
    const next = this.#connector.work(late);
    this.#pump();
    if (next !== null) this.#wake(next);
    if (this.#ackAtMs !== null) this.#wake(this.#ackAtMs);
    const again = this.#queue.nextAgainMs();
    if (again !== null && this.#connector.isReady) this.#wake(again);
  }
}

function isSuccessOf<Op extends Success['op']>(
  value: Success,
  op: Op,
): value is Extract<Success, { readonly op: Op }> {
  return value.op === op;
}
