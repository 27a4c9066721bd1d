/**
 * A line dialect over a WebSocket: a frame of text is a line, sent without its end and taken with or without it. The order of a line connection,
 * and its bounds.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Ticket } from '../connections/address-limits.ts';
import type { NativeSocket } from '../native/native-socket.ts';
import { errorText, type LineDialect } from './errors.ts';
import type { LineOutput, LineSession, LineTimeouts, OpenSession } from './line-connection.ts';
import { SilenceWatch } from './silence-watch.ts';
import type { Taken } from './socket-writer.ts';

/** Frames that wait for their turn; above it, nothing more is read. */
const readAheadFrames = 64;
const goodbyeMs = 1_000;
/** Until the other side must have answered the close. */
const closeMs = 2_000;
const drainPauseMs = 5;

export interface FrameLinesOptions {
  readonly clock: Clock;
  readonly timeouts: LineTimeouts;
  readonly dialect: LineDialect;
  readonly open: OpenSession;
  readonly address: string | null;
  readonly ticket: Ticket;
}

type Input =
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'fault'; readonly code: ErrorCode };

export class FrameLines implements LineOutput {
  readonly address: string | null;
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>;
  readonly #socket: NativeSocket;
  readonly #options: FrameLinesOptions;
  readonly #session: LineSession;
  #queue: Input[] = [];
  #working = false;
  #stopping = false;
  #ending = false;
  readonly #silence: SilenceWatch;
  #closing: Timer | null = null;

  constructor(socket: NativeSocket, options: FrameLinesOptions) {
    this.#socket = socket;
    this.#options = options;
    this.address = options.address;
    this.#session = options.open(options.dialect, this);
    this.#silence = new SilenceWatch({
      clock: options.clock,
      silentMs: options.timeouts.silentMs,
      isOver: () => this.#session.loggedIn || this.#ending,
      isBusy: () => this.#working,
      onSilence: () => this.#idle(),
    });
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#gone();
        resolve();
      });
    });
    this.#silence.begin();
  }

  write(text: string, taken?: Taken): void {
    if (this.#ending || this.#socket.readyState !== this.#socket.OPEN) return;
    const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
    const last = lines.pop();
    for (const line of lines) this.#socket.send(line);
    // Nothing to send is taken with what was sent before it: frames leave in order.
    if (last === undefined) taken?.();
    else
      this.#socket.send(last, (error) => {
        if (error == null) taken?.();
      });
  }

  get lags(): boolean {
    return this.#socket.bufferedAmount > limits.outboxBytes;
  }

  async drained(): Promise<boolean> {
    while (this.#isOpen && this.lags) {
      await new Promise<void>((resolve) => this.#options.clock.after(drainPauseMs, resolve));
    }
    return this.#isOpen;
  }

  async flushed(): Promise<void> {
    while (this.#isOpen && this.#socket.bufferedAmount > 0) {
      await new Promise<void>((resolve) => this.#options.clock.after(drainPauseMs, resolve));
    }
  }

  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#queue = [];
    // The other side's answer to the close has to be read.
    this.#socket.resume();
    this.#socket.close(1000, '');
    this.#silence.end();
    this.#closing = this.#options.clock.after(closeMs, () => this.#socket.terminate());
  }

  expectEnd(): void {
    this.#silence.begin(goodbyeMs, () => this.end());
  }

  /** Reads no more, lets the running line finish, then closes. */
  stop(): void {
    this.#queue = [];
    this.#stopping = true;
    if (!this.#working) this.end();
  }

  /** No more patience: what was not taken is lost. */
  destroy(): void {
    this.#socket.terminate();
  }

  get #isOpen(): boolean {
    return !this.#ending && this.#socket.readyState === this.#socket.OPEN;
  }

  #receive(data: unknown, isBinary: boolean): void {
    if (this.#ending || this.#stopping) return;
    if (!this.#session.loggedIn) this.#silence.begin();
    this.#queue.push(inputOf(String(data), isBinary));
    if (this.#queue.length >= readAheadFrames) this.#socket.pause();
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    while (!this.#ending) {
      const input = this.#queue.shift();
      if (input === undefined) break;
      await this.#answer(input);
      await this.drained();
      if (this.#queue.length < readAheadFrames) this.#socket.resume();
    }
    this.#working = false;
    if (this.#stopping) this.end();
  }

  /** A refusal waits for its turn, too: who sends nonsense and reads nothing makes the node hold no more than anybody else. */
  async #answer(input: Input): Promise<void> {
    if (input.kind === 'fault') {
      this.#refuse(input.code);
      if (input.code === 'LINE_TOO_LONG') this.end();
      return;
    }
    await this.#session.receive(input.line);
    if (this.#session.loggedIn) this.#options.ticket.loggedIn();
  }

  #refuse(code: ErrorCode): void {
    this.write(errorText(this.#options.dialect, code));
  }

  #idle(): void {
    this.#refuse('IDLE');
    this.end();
  }

  #gone(): void {
    this.#ending = true;
    this.#queue = [];
    this.#silence.end();
    this.#closing?.cancel();
    this.#options.ticket.closed();
    this.#session.close();
  }
}

/** `ws` has checked the encoding of a frame of text. */
function inputOf(frame: string, isBinary: boolean): Input {
  const line = frame.replace(/\r?\n$/, '');
  if (isBinary || line.includes('\0')) return { kind: 'fault', code: 'BAD_ENCODING' };
  const isTooLong = Buffer.byteLength(line) > limits.lineBytes;
  return isTooLong ? { kind: 'fault', code: 'LINE_TOO_LONG' } : { kind: 'line', line };
}
