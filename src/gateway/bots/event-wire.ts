/** How events leave over HTTP: as server-sent events, or as frames of a WebSocket. One JSON object each, the same on both. */
import type { ServerResponse } from 'node:http';
import type { WebSocket } from 'ws';

export interface WireEvent {
  /** What the reader shows to go on behind this event; null: it is none to go on behind. */
  readonly id: number | null;
  readonly name: string;
  /** One line. */
  readonly json: string;
}

/** One reader's connection. Nothing throws; what is written to one that broke is lost. */
export interface EventWire {
  /** Bytes written and not yet taken by the platform. */
  readonly pendingBytes: number;
  /** `taken` is called once the platform has it; never, where the connection broke first. */
  write(event: WireEvent, taken: () => void): void;
  /** Something that means nothing, so that whoever is between the two keeps the connection, and one that broke is noticed. */
  beat(): void;
  end(code: number, reason: string): void;
  terminate(): void;
  /** Also of a connection that is gone already. */
  onClose(listener: () => void): void;
}

/** Until a reader whose connection broke comes again. */
const retryMs = 1_000;

/** WHATWG HTML, 9.2: server-sent events. */
export class SseWire implements EventWire {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
    // Without an error handler a connection that breaks would be an unhandled one.
    response.on('error', () => response.destroy());
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // Nothing else is asked on it afterwards.
      connection: 'close',
      // For proxies that would gather the answer before they pass it on.
      'x-accel-buffering': 'no',
    });
    response.write(`retry: ${retryMs}\n\n`);
  }

  get pendingBytes(): number {
    return this.#response.writableLength;
  }

  write({ id, name, json }: WireEvent, taken: () => void): void {
    const line = id === null ? '' : `id: ${id}\n`;
    this.#response.write(`${line}event: ${name}\ndata: ${json}\n\n`, (error) => {
      if (error == null) taken();
    });
  }

  beat(): void {
    this.#response.write(':\n\n');
  }

  end(): void {
    this.#response.end();
  }

  terminate(): void {
    this.#response.destroy();
  }

  onClose(listener: () => void): void {
    if (this.#response.closed || this.#response.destroyed) queueMicrotask(listener);
    else this.#response.once('close', listener);
  }
}

/** Whoever says anything on it is told that nobody listens. */
const policyViolation = 1008;

export class SocketWire implements EventWire {
  readonly #socket: WebSocket;
  /** A ping has had its pong. */
  #answers = true;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('pong', () => {
      this.#answers = true;
    });
    socket.on('message', () => this.end(policyViolation, 'This stream takes no requests.'));
    socket.on('error', () => socket.terminate());
  }

  get pendingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  write({ json }: WireEvent, taken: () => void): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(json, (error) => {
      if (error == null) taken();
    });
  }

  beat(): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#answers) this.#socket.ping();
    else this.#socket.terminate();
    this.#answers = false;
  }

  end(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  onClose(listener: () => void): void {
    if (this.#socket.readyState === this.#socket.CLOSED) queueMicrotask(listener);
    else this.#socket.once('close', listener);
  }
}
