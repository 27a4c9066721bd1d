/**
 * One connection to one node: objects of the native protocol in and out. Everything sent in one turn leaves in as few frames as the
 * frame limit allows, because a frame costs far more than what is in it.
 */
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { NativeFrame, Welcome } from '../protocol/native.ts';
import type { Dialer, Socket } from './ports.ts';
import type { Server } from './server-pool.ts';
import { timings } from './timings.ts';

export interface LinkListener {
  opened(link: Link): void;
  received(link: Link, frame: NativeFrame): void;
  /** Once, and only if the link was not closed from this side. */
  lost(link: Link, reason: string): void;
}

export class Link {
  readonly server: Server;
  readonly startedMs: number;
  /** An attempt that is not open by then has failed. */
  readonly openByMs: number;
  readonly #clock: Clock;
  readonly #listener: LinkListener;
  readonly #socket: Socket;
  #state: 'dialling' | 'open' | 'closed' = 'dialling';
  #outgoing: string[] = [];
  #flushQueued = false;
  /** Monotonic time of the last sign of life. */
  heardMs: number;
  /** A ping that nothing was heard after yet. */
  pingedMs: number | null = null;
  /** When hello was sent; null on a standby. */
  greetedMs: number | null = null;
  /** Logins that had been answered by then. */
  #loginsBefore = 0;
  welcome: Welcome | null = null;
  /** Node number of the leader as this node last told; null while it knows none. */
  leader: number | null = null;
  leaderlessSinceMs: number | null = null;
  /** The node said that it is about to close this connection: its end is no failure. */
  leaving = false;

  constructor(server: Server, dialer: Dialer, clock: Clock, listener: LinkListener) {
    this.server = server;
    this.#clock = clock;
    this.#listener = listener;
    this.startedMs = clock.monotonicMs();
    this.openByMs = this.startedMs + (dialer.openMs ?? timings.dialMs);
    this.heardMs = this.startedMs;
    this.#socket = dialer.dial(server.address, {
      opened: () => this.#opened(),
      received: (text) => this.#received(text),
      closed: (reason) => this.#lost(reason),
    });
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Node number: from its welcome, or as the pool knows it. */
  get node(): number | null {
    return this.welcome?.node ?? this.server.id;
  }

  /** Until when it must be open, and then be welcomed. */
  get handshakeEndMs(): number {
    return this.greetedMs === null ? this.openByMs : this.greetedMs + timings.helloMs;
  }

  greet(hello: string, loginsBefore: number): void {
    this.#loginsBefore = loginsBefore;
    this.greetedMs = this.#clock.monotonicMs();
    this.send([hello]);
    this.flush();
  }

  /** Whether a login was answered elsewhere since hello was said: what the node says of the session may be older. */
  isBehind(logins: number): boolean {
    return this.#loginsBefore < logins;
  }

  ping(): void {
    this.pingedMs = this.#clock.monotonicMs();
    this.send(['{"op":"ping"}']);
    this.flush();
  }

  setLeader(leader: number | null): void {
    this.leader = leader;
    if (leader !== null) this.leaderlessSinceMs = null;
    else this.leaderlessSinceMs ??= this.#clock.monotonicMs();
  }

  /** Each part is one encoded object; they leave together at the end of this turn. */
  send(parts: readonly string[]): void {
    if (this.#state === 'closed') return;
    for (const part of parts) this.#outgoing.push(part);
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    queueMicrotask(() => {
      this.#flushQueued = false;
      this.flush();
    });
  }

  flush(): void {
    if (this.#state !== 'open') return;
    const parts = this.#outgoing;
    this.#outgoing = [];
    let start = 0;
    let bytes = 2;
    for (let index = 0; index < parts.length; index++) {
      const largest = largestBytes(parts[index] ?? '') + 1;
      if (index > start && bytes + largest > limits.frameBytes) {
        this.#sendFrame(parts.slice(start, index));
        start = index;
        bytes = 2;
      }
      bytes += largest;
    }
    if (start < parts.length) this.#sendFrame(parts.slice(start));
  }

  /** Closes without telling the listener. */
  close(): void {
    if (this.#state === 'closed') return;
    this.flush();
    this.#state = 'closed';
    this.#outgoing = [];
    this.#socket.close();
  }

  #sendFrame(parts: readonly string[]): void {
    this.#socket.send(parts.length === 1 ? (parts[0] ?? '') : `[${parts.join(',')}]`);
  }

  #opened(): void {
    if (this.#state !== 'dialling') return;
    this.#state = 'open';
    this.heardMs = this.#clock.monotonicMs();
    this.#listener.opened(this);
    this.flush();
  }

  #received(text: string): void {
    if (this.#state === 'closed') return;
    this.heardMs = this.#clock.monotonicMs();
    this.pingedMs = null;
    const frames = parseFrames(text);
    if (frames === null) {
      this.close();
      this.#listener.lost(this, 'it does not speak the native protocol: name the HTTP port');
      return;
    }
    for (const frame of frames) {
      if (this.#state === 'open') this.#listener.received(this, frame);
    }
  }

  #lost(reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#outgoing = [];
    this.#listener.lost(this, reason);
  }
}

/** Exact counting would cost a pass over the text: one UTF-16 unit takes at most three bytes. */
function largestBytes(text: string): number {
  return text.length * 3;
}

/** One object or an array of them, or null. Fields are trusted: the user chose this server. */
export function parseFrames(text: string): NativeFrame[] | null {
  try {
    const value: unknown = JSON.parse(text);
    const list = Array.isArray(value) ? value : [value];
    return list.every(isFrame) ? list : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isFrame(value: unknown): value is NativeFrame {
  if (typeof value !== 'object' || value === null) return false;
  return 'ev' in value || 'n' in value || 'q' in value;
}
