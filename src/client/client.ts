/**
 * The client as a program sees it: a session that lives on some node of the cluster, requests that end in one of three ways, and
 * messages that come once. Which node, and how one gets there after a failure, is the connector's matter.
 */
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { NativeFrame, Welcome } from '../protocol/native.ts';
import {
  type ClientRequest,
  type FileEntry,
  isEntrance,
  type MessageEntry,
  type Reply,
} from '../protocol/requests.ts';
import { Alarm } from './alarm.ts';
import { ClientRequests } from './client-requests.ts';
import { Connector } from './connector.ts';
import type { ConnectorHost } from './connector-host.ts';
import { type FetchOutcome, FileTransfers, noFiles, type ProgressListener } from './file-transfers.ts';
import { Inbox, type MessageHandler } from './inbox.ts';
import { MessageStream } from './message-stream.ts';
import { isOfTheMoment } from './moments.ts';
import type { FileSource, FileTaker, Secrets } from './ports.ts';
import { Progress } from './progress.ts';
import { RequestQueue } from './request-queue.ts';
import { ServerPool } from './server-pool.ts';
import { helloOf, newSession } from './session.ts';
import type { Status, StatusListener } from './status.ts';
import { timings } from './timings.ts';
import type { ClientEvent, ClientOptions, EventListener, Outcome, RequestTrace, Session } from './types.ts';

/** Between two looks at requests that wait. */
const busyCheckMs = 50;

export class Client extends ClientRequests {
  readonly #clock: Clock;
  readonly #secrets: Secrets;
  readonly #name: string | undefined;
  readonly #connector: Connector;
  readonly #queue: RequestQueue;
  readonly #inbox: Inbox;
  readonly #progress: Progress;
  readonly #files: FileTransfers | null;
  readonly #listeners = new Set<StatusListener>();
  readonly #eventListeners = new Set<EventListener>();
  readonly #alarm: Alarm;
  #session: Session;
  /** The session is older than this program: its used numbers are learnt from the first welcome. */
  #adopted: boolean;
  #token: string | null;
  #entering = false;
  #stream: MessageStream | null = null;
  #user: string | null = null;
  /** Answered so far, in whichever session. */
  #logins = 0;
  /** Every further connection is to watch, too. */
  #watches = false;
  #losingSession = false;
  #pumpPlanned = false;
  #caughtUpWaiters: (() => void)[] = [];
  #closed = false;

  constructor(options: ClientOptions) {
    super();
    const { clock, random, dialer } = options;
    this.#clock = clock;
    this.#alarm = new Alarm(clock, (lateMs) => this.#work(lateMs));
    this.#secrets = options.secrets;
    this.#name = options.name;
    this.#session = options.session ?? newSession(options.secrets);
    this.#adopted = options.session !== undefined;
    this.#token = options.token ?? null;
    if (options.onStatus !== undefined) this.#listeners.add(options.onStatus);
    this.#queue = new RequestQueue({
      random,
      giveUpMs: options.giveUpMs ?? Number.POSITIVE_INFINITY,
      readGiveUpMs: options.readGiveUpMs ?? limits.operationMs,
    });
    this.#inbox = new Inbox({
      onHandled: () => this.#messageHandled(),
      onAmended: (entry) => this.#happened({ ev: 'amended', ...entry }),
      onRoom: () => this.#connector.refresh(),
    });
    this.#inbox.reset(options.after);
    this.#progress = new Progress({
      clock,
      handled: () => this.#inbox.handled,
      isReady: () => this.#connector.isReady,
      send: (parts) => this.#connector.send(parts, 'end-of-turn'),
      wake: (atMs) => this.#wake(atMs),
    });
    const pool = new ServerPool(options.nodes, random);
    this.#connector = new Connector({ pool, dialer, clock, random }, this.#host());
    this.#files =
      options.files === undefined
        ? null
        : new FileTransfers({
            ...options.files,
            clock,
            random,
            addresses: () => pool.addressesForBulk(),
            session: () => this.#session,
            giveUpMs: options.giveUpMs ?? Number.POSITIVE_INFINITY,
            closed: () => this.#closed,
            send: (request) => this.sendUploaded(request),
          });
    this.#connector.start();
  }

  // ——— what a program asks, beside `ClientRequests`

  /** Any request, as a codec made it. `trace`: for a program that keeps its requests over its own restart. */
  request(request: ClientRequest, trace: RequestTrace = {}): Promise<Reply> {
    return new Promise((resolve) => {
      if (this.#closed) {
        resolve({ kind: 'rejection', code: 'UNAVAILABLE', text: 'The client is closed.' });
        return;
      }
      if (isEntrance(request)) this.#inbox.deliveryBegins();
      // The cursors of a session that ends are to be known before it does.
      if (request.op === 'logout' || request.op === 'delete') this.#progress.tell();
      this.#queue.add(
        request,
        this.#clock.monotonicMs(),
        (reply) => {
          this.#observe(request, reply);
          resolve(reply);
        },
        trace,
      );
      this.#planPump();
    });
  }

  /**
   * Uploads a file and sends it as a message, exactly once. Goes on where it broke off when a node dies. `to` as in `send`. Rejects only
   * when the source does.
   */
  async sendFile(
    to: string,
    source: FileSource,
    onProgress?: ProgressListener,
  ): Promise<Outcome<'send-file'>> {
    return this.#files === null ? noFiles : this.#files.send(to, source, onProgress);
  }

  /** The content of a file message, in order, each piece verified before it is taken. Rejects only when the taker does. */
  async fetchFile(file: FileEntry, take: FileTaker, onProgress?: ProgressListener): Promise<FetchOutcome> {
    return this.#files === null ? noFiles : this.#files.fetch(file, take, onProgress);
  }

  /** Replaces the handler. What comes without one waits for it: here up to a bound, the rest on the server. */
  onMessage(handler: MessageHandler | null): void {
    this.#inbox.setHandler(handler);
  }

  /** The same for `for await`. A message counts as delivered when the loop comes for the next one. Ends when the client is closed. */
  messages(): AsyncIterable<MessageEntry> {
    this.#stream ??= new MessageStream();
    this.onMessage(this.#stream.handler);
    return this.#stream;
  }

  /** Returns a function that ends it. */
  onEvent(listener: EventListener): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  /** The person has read the conversation up to that sequence. Told to the node a little later, with others. */
  markRead(conversation: string, sequence: number): void {
    if (!this.#closed) this.#progress.markRead(conversation, sequence);
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
    this.#progress.tell();
    this.#closed = true;
    this.#stream?.end();
    this.#alarm.cancel();
    this.#connector.close();
    this.#queue.closeAll();
    this.#endWaiting();
    this.#tell({ kind: 'closed' });
  }

  // ——— requests

  /** Before the program learns an outcome, the session follows it. */
  #observe(request: ClientRequest, reply: Reply): void {
    if (reply.kind !== 'receipt') return;
    if (reply.value.op === 'login') {
      this.#user = reply.value.user;
      this.#logins += 1;
    }
    if (reply.value.op === 'watch') this.#watches = reply.value.on;
    if ((request.op !== 'logout' && request.op !== 'delete') || this.#losingSession) return;
    this.#token = null;
    this.#beginSession();
  }

  /** Nobody is logged in on this connection: the token is shown before anything else is asked. */
  #enter(token: string): void {
    if (this.#entering) return;
    this.#entering = true;
    const request = { op: 'enter-token', token } as const;
    this.#inbox.deliveryBegins();
    this.#queue.addFirst(request, this.#clock.monotonicMs(), (reply) => {
      this.#entering = false;
      this.#observe(request, reply);
      if (reply.kind !== 'rejection') return;
      this.#token = null;
      this.#tell({ kind: 'token-refused', text: reply.text });
    });
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

  /** The old session is over: a new one, not logged in, takes its place on a new connection. */
  #beginSession(): void {
    this.#progress.tell();
    this.#session = newSession(this.#secrets);
    this.#adopted = false;
    this.#user = null;
    this.#watches = false;
    this.#inbox.reset(undefined);
    this.#progress.reset();
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

  #welcomed(welcome: Welcome): void {
    if (this.#adopted) {
      this.#adopted = false;
      // One that does not exist may be opened yet by what its former life had sent: as request 1, which the first one from here would be, too.
      const isOpen = welcome.user !== null || welcome.highest > 0;
      if (isOpen) this.#queue.skipNumbers(welcome.highest, this.#clock.wallMs());
      else if (!this.#queue.hasNumbered) {
        this.#session = newSession(this.#secrets);
        this.#connector.renew();
        return;
      }
    }
    if (welcome.user === null && this.#user !== null && !this.#queue.isEnding) {
      this.#sessionLost('expired');
      return;
    }
    if (welcome.user !== null) {
      this.#user = welcome.user;
      this.#inbox.deliveryBegins();
      if (this.#watches) void this.watch();
      this.#tell({ kind: 'resumed', node: welcome.node, user: welcome.user });
      this.#progress.resumed();
    } else if (this.#token !== null) {
      this.#enter(this.#token);
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
    } else if (frame.ev === 'amended') {
      const { ev: _ev, ...entry } = frame;
      this.#inbox.takeAmended(entry);
    } else if (frame.ev === 'caught-up') {
      this.#inbox.caughtUpTo(frame.index);
    } else if (isOfTheMoment(frame)) {
      this.#happened(frame);
    }
  }

  #happened(event: ClientEvent): void {
    const departs = event.ev === 'group' && (event.kind === 'left' || event.kind === 'removed');
    // Whoever comes again begins behind what was said meanwhile.
    if (departs && event.user === this.#user) this.#inbox.forget(event.conversation);
    for (const listener of [...this.#eventListeners]) listener(event);
  }

  #host(): ConnectorHost {
    return {
      hello: () => helloOf(this.#session, this.#inbox.received, this.#name),
      logins: () => this.#logins,
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
    this.#progress.handled();
    if (this.#inbox.caughtUp) this.#endWaiting();
  }

  #endWaiting(): void {
    const waiters = this.#caughtUpWaiters;
    this.#caughtUpWaiters = [];
    for (const resolve of waiters) resolve();
  }

  // ——— time

  /** Each look plans the next one. */
  #wake(atMs: number): void {
    if (!this.#closed) this.#alarm.set(atMs);
  }

  #work(lateMs: number): void {
    if (this.#closed) return;
    const now = this.#clock.monotonicMs();
    if ((this.#progress.atMs ?? Number.POSITIVE_INFINITY) <= now) this.#progress.tell();
    this.#queue.expire(now);
    const next = this.#connector.work(lateMs > timings.lateMs);
    this.#pump();
    if (next !== null) this.#wake(next);
    if (this.#progress.atMs !== null) this.#wake(this.#progress.atMs);
    const again = this.#queue.nextAgainMs();
    if (again !== null && this.#connector.isReady) this.#wake(again);
  }
}
