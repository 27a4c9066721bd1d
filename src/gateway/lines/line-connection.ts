/**
 * One connection of the chat port, whatever it speaks: bytes to lines, one line at a time in strict order, bounded read-ahead, the
 * timeouts before login, and an end that loses nothing of what was answered.
 */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import { detectDialect, invitationTaken, readInvitation } from '../../protocol/detect.ts';
import { type Line, LineSplitter } from '../../protocol/lines.ts';
import { errorLine, type LineDialect } from './errors.ts';
import { SilenceWatch } from './silence-watch.ts';
import { SocketWriter, type Taken } from './socket-writer.ts';

/** The dialect's part of one connection. No method throws. */
export interface LineSession {
  readonly loggedIn: boolean;
  /** Answers one line. Resolves when the reply was written; the next line comes only then. */
  receive(line: string): Promise<void>;
  /** Resolves once what the lines so far have set going (pending messages after a login) was written. */
  settled(): Promise<void>;
  /** The connection is gone. */
  close(): void;
}

/** What a session may do with its connection. */
export interface LineOutput {
  /** Where the connection comes from. */
  readonly address: string | null;
  /** Code of an invitation that came before the line that decided the dialect. */
  readonly invitation?: string | null;
  /** Whole lines, each with its end. `taken`: see `SocketWriter`. */
  write(text: string, taken?: Taken): void;
  /** More waits to be taken than a reader may leave unread. */
  readonly lags: boolean;
  /** Resolves when the connection takes more (true), or is gone (false). */
  drained(): Promise<boolean>;
  /** Resolves when all that was written has been taken, or the connection is gone. */
  flushed(): Promise<void>;
  /** Sends what was written, then closes. */
  end(): void;
  /** The client has said goodbye: closes if nothing more comes soon. */
  expectEnd(): void;
}

export interface LineTimeouts {
  readonly halfLineMs: number;
  readonly silentMs: number;
}

export type OpenSession = (dialect: LineDialect, output: LineOutput) => LineSession;

/** Complete lines that wait for their turn; above it, nothing more is read. One chunk may go beyond it. */
const readAheadLines = 64;
const goodbyeMs = 1_000;
/** For the other side to read the end and close; a reset would take away from it what was just written. */
const replyLingerMs = 2_000;
/** The same when the whole node waits for it. */
const stopLingerMs = 300;

export class LineConnection implements LineOutput {
  readonly #socket: Socket;
  readonly #writer: SocketWriter;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #timeouts: LineTimeouts;
  readonly #open: OpenSession;
  /** Null until the first line has decided. */
  #dialect: LineDialect | null;
  #announceLogin: (() => void) | null;
  readonly #splitter = new LineSplitter();
  #session: LineSession | null = null;
  #queue: Line[] = [];
  #working = false;
  #eof = false;
  #stopping = false;
  #ending = false;
  #halfLine: Timer | null = null;
  readonly #silence: SilenceWatch;
  #linger: Timer | null = null;
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>;
  readonly address: string | null;
  invitation: string | null = null;

  constructor(
    socket: Socket,
    options: {
      readonly clock: Clock;
      readonly logger: Logger;
      readonly timeouts: LineTimeouts;
      readonly open: OpenSession;
      /** A listener of one dialect; null: the first line decides. */
      readonly dialect: LineDialect | null;
      /** Somebody has logged in on it. Called at most once. */
      readonly loggedIn: () => void;
    },
  ) {
    this.#socket = socket;
    this.address = socket.remoteAddress ?? null;
    this.#writer = new SocketWriter(socket);
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#timeouts = options.timeouts;
    this.#open = options.open;
    this.#dialect = options.dialect;
    this.#announceLogin = options.loggedIn;
    this.#silence = new SilenceWatch({
      clock: options.clock,
      silentMs: options.timeouts.silentMs,
      isOver: () => this.#loggedIn || this.#ending,
      isBusy: () => this.#working,
      onSilence: () => this.#idle(),
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#gone();
        resolve();
      });
    });
    socket.on('error', (error) => this.#logger.debug({ cause: error.message }, 'a chat connection broke'));
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('end', () => this.#ended());
    this.#silence.begin();
  }

  write(text: string, taken?: Taken): void {
    if (!this.#ending) this.#writer.write(text, taken);
  }

  get lags(): boolean {
    return this.#socket.writableLength > limits.outboxBytes;
  }

  drained(): Promise<boolean> {
    return this.#writer.drained();
  }

  flushed(): Promise<void> {
    return this.#writer.flushed();
  }

  end(lingerMs = replyLingerMs): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#queue = [];
    this.#writer.end();
    // What still comes is read and dropped: unread bytes would turn the close into a reset.
    this.#socket.resume();
    this.#linger = this.#clock.after(lingerMs, () => this.#socket.destroy());
  }

  expectEnd(): void {
    this.#silence.begin(goodbyeMs, () => this.end());
  }

  /** Reads no more, lets the running line finish, then closes. */
  stop(): void {
    this.#queue = [];
    this.#eof = true;
    this.#stopping = true;
    this.#socket.pause();
    void this.#work();
  }

  /** No more patience: what was not taken is lost. */
  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#ending || this.#eof) return;
    const lines = this.#splitter.push(chunk);
    this.#watchHalfLine(lines.length > 0);
    if (lines.length === 0) return;
    if (!this.#loggedIn) this.#silence.begin();
    this.#queue.push(...lines);
    if (this.#queue.length >= readAheadLines) this.#socket.pause();
    void this.#work();
  }

  /** The client sends no more. A last line without its end may have been cut: it is dropped. */
  #ended(): void {
    this.#eof = true;
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    while (!this.#ending) {
      const line = this.#queue.shift();
      if (line === undefined) break;
      await this.#answer(line);
      await this.#writer.drained();
      if (this.#queue.length < readAheadLines && !this.#eof) this.#socket.resume();
    }
    this.#working = false;
    if (this.#eof && !this.#ending) await this.#finish();
  }

  async #finish(): Promise<void> {
    this.#working = true;
    if (!this.#stopping) await this.#session?.settled();
    this.end(this.#stopping ? stopLingerMs : replyLingerMs);
  }

  async #answer(line: Line): Promise<void> {
    switch (line.kind) {
      case 'too-long':
        this.#refuse('LINE_TOO_LONG');
        this.end();
        return;
      case 'bad-encoding':
        this.#refuse('BAD_ENCODING');
        return;
      case 'line':
        if (this.#session === null && this.#invites(line.text)) return;
        this.#session ??= this.#begin(line.text);
        await this.#session.receive(line.text);
        if (this.#loggedIn) this.#noteLogin();
    }
  }

  /** An invitation says nothing of the dialect, where it is open yet: it is kept for the line that does. */
  #invites(text: string): boolean {
    const code = this.#dialect === null ? readInvitation(text) : null;
    if (code === null) return false;
    this.invitation = code;
    this.write(`${invitationTaken}\n`);
    return true;
  }

  /** The first line decides. */
  #begin(text: string): LineSession {
    this.#dialect ??= detectDialect(text);
    return this.#open(this.#dialect, this);
  }

  #noteLogin(): void {
    this.#announceLogin?.();
    this.#announceLogin = null;
  }

  #refuse(code: ErrorCode): void {
    this.#writer.write(errorLine(this.#dialect ?? 'pipe', code));
  }

  get #loggedIn(): boolean {
    return this.#session?.loggedIn ?? false;
  }

  #watchHalfLine(completed: boolean): void {
    const started = this.#splitter.startedBytes > 0;
    if (!started || completed) {
      this.#halfLine?.cancel();
      this.#halfLine = null;
    }
    if (!started) return;
    this.#halfLine ??= this.#clock.after(this.#timeouts.halfLineMs, () => {
      this.#halfLine = null;
      if (!this.#loggedIn && !this.#ending) this.#idle();
    });
  }

  #idle(): void {
    this.#refuse('IDLE');
    this.end();
  }

  #gone(): void {
    this.#ending = true;
    this.#queue = [];
    this.#silence.end();
    for (const timer of [this.#halfLine, this.#linger]) timer?.cancel();
    this.#session?.close();
  }
}
