/**
 * One message to many readers: a send counts once every reader has got the message. Readers speak the native protocol themselves, as
 * cheaply as can be, so that the load takes as little as possible of the machine that it measures; they acknowledge as a client does.
 */
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import { type Client, connect } from '../../../src/client/index.ts';
import type { Reply } from '../../../src/protocol/requests.ts';
import type { DriverSettings, LoadDriver } from './target.ts';

const group = 'bench';
/** Each with as many connections as it takes: a session may be resumed on any number of them. */
const memberCount = 20;
const acknowledgeMs = 100;

export async function openDriver(settings: DriverSettings): Promise<LoadDriver> {
  const [node] = settings.nodes;
  if (node === undefined) throw new Error('no node');
  const writer = await member(settings, 'writer');
  const tally = new Tally(settings.readers);
  const readers: Reader[] = [];
  for (let at = 0; at < memberCount; at++) {
    const client = await member(settings, `reader${at}`);
    const connections = shareOf(settings.readers, at);
    const url = `ws://${node.host}:${node.port}/ws`;
    const opened = Array.from({ length: connections }, () => Reader.open(url, client.session, tally));
    readers.push(...(await Promise.all(opened)));
    await client.close();
  }
  const acknowledging = setInterval(() => {
    for (const reader of readers) reader.acknowledge();
  }, acknowledgeMs);
  const text = 'x'.repeat(settings.valueBytes);
  return {
    async send() {
      const reply = await writer.send(`#${group}`, text);
      if (reply.kind !== 'receipt') throw new Error(reply.text);
      await tally.everyone(reply.value.sequence);
    },
    close: () => {
      clearInterval(acknowledging);
      for (const reader of readers) reader.close();
      void writer.close();
    },
  };
}

async function member(settings: DriverSettings, name: string): Promise<Client> {
  const client = connect({ nodes: settings.nodes });
  const password = randomBytes(12).toString('hex');
  done(await client.register(name, password));
  done(await client.login(name, password));
  done(await client.request({ op: 'join-group', group, create: true }));
  return client;
}

function shareOf(readers: number, at: number): number {
  return Math.floor(readers / memberCount) + (at < readers % memberCount ? 1 : 0);
}

/** How many readers still lack each message. */
class Tally {
  readonly #readers: number;
  readonly #left = new Map<number, number>();
  readonly #waiting = new Map<number, () => void>();
  #complete = 0;

  constructor(readers: number) {
    this.#readers = readers;
  }

  /** A reader that had everything up to `from` has everything up to `to`. */
  advance(from: number, to: number): void {
    for (let sequence = from + 1; sequence <= to; sequence++) {
      const left = (this.#left.get(sequence) ?? this.#readers) - 1;
      if (left > 0) {
        this.#left.set(sequence, left);
        continue;
      }
      this.#left.delete(sequence);
      this.#complete = Math.max(this.#complete, sequence);
      this.#waiting.get(sequence)?.();
      this.#waiting.delete(sequence);
    }
  }

  async everyone(sequence: number): Promise<void> {
    if (this.#complete >= sequence) return;
    await new Promise<void>((resolve) => this.#waiting.set(sequence, resolve));
  }
}

class Reader {
  readonly #socket: WebSocket;
  readonly #tally: Tally;
  #sequence = 0;
  #index = 0;
  #acknowledged = 0;

  private constructor(socket: WebSocket, tally: Tally) {
    this.#socket = socket;
    this.#tally = tally;
  }

  static async open(
    url: string,
    session: { readonly id: string; readonly secret: string },
    tally: Tally,
  ): Promise<Reader> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    const reader = new Reader(socket, tally);
    socket.send(JSON.stringify({ op: 'hello', v: 1, session: session.id, secret: session.secret }));
    await new Promise((resolve) => {
      socket.on('message', (data) => {
        if (String(data).includes('caught-up')) resolve(null);
      });
    });
    socket.removeAllListeners('message');
    socket.on('message', (data) => reader.#receive(String(data)));
    return reader;
  }

  acknowledge(): void {
    if (this.#index === this.#acknowledged) return;
    this.#acknowledged = this.#index;
    this.#socket.send(`{"op":"ack","index":${this.#index}}`);
  }

  close(): void {
    this.#socket.terminate();
  }

  /** Messages of the one group come in order: the last one of a frame tells of all. */
  #receive(frame: string): void {
    const sequence = numberAfter(frame, '"sequence":');
    if (sequence <= this.#sequence) return;
    this.#index = numberAfter(frame, '"index":');
    this.#tally.advance(this.#sequence, sequence);
    this.#sequence = sequence;
  }
}

/** Behind the last place of `key` in the frame; 0 when there is none. */
function numberAfter(frame: string, key: string): number {
  const at = frame.lastIndexOf(key);
  return at < 0 ? 0 : Number.parseInt(frame.slice(at + key.length, at + key.length + 16), 10);
}

function done(reply: Reply): void {
  const isThere = reply.kind === 'rejection' && reply.code === 'ALREADY_MEMBER';
  if (reply.kind !== 'receipt' && !isThere) throw new Error(reply.text);
}
