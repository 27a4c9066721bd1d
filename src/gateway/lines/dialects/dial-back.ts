/** The background connection of the messenger dialect: from the node to the client's own address, tried again while its session lives. */
import { connect, type Socket } from 'node:net';
import type { Clock, Timer } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import { LineSplitter } from '../../../protocol/lines.ts';
import { SocketWriter } from '../socket-writer.ts';
import type { PushChannel } from './messenger-pushes.ts';

const retryMs = 2_000;
const connectMs = 5_000;

export interface DialBackOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly host: string;
  readonly port: number;
  /** A channel is there, or gone (null). */
  readonly onChannel: (channel: PushChannel | null) => void;
  readonly onLine: (line: string) => void;
}

export class DialBack {
  readonly #options: DialBackOptions;
  #socket: Socket | null = null;
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: DialBackOptions) {
    this.#options = options;
    this.#dial();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#socket?.destroy();
  }

  #dial(): void {
    const { clock, logger, host, port, onChannel } = this.#options;
    const socket = connect({ host, port, noDelay: true });
    const patience = clock.after(connectMs, () => socket.destroy());
    this.#socket = socket;
    socket.once('connect', () => {
      patience.cancel();
      const writer = new SocketWriter(socket);
      onChannel((text, taken) => writer.write(text, taken));
    });
    this.#read(socket);
    socket.on('error', (error) => logger.debug({ cause: error.message }, 'a background connection broke'));
    socket.once('close', () => {
      patience.cancel();
      if (this.#closed) return;
      onChannel(null);
      this.#timer = clock.after(retryMs, () => this.#dial());
    });
  }

  #read(socket: Socket): void {
    const splitter = new LineSplitter();
    socket.on('data', (chunk) => {
      for (const line of splitter.push(chunk)) {
        if (line.kind === 'line') this.#options.onLine(line.text);
        else socket.destroy();
      }
    });
  }
}
