import type { MemberId, Message } from './types.ts';

interface PendingRead {
  readonly request: Message;
  readonly index: number;
  readonly acks: Set<MemberId>;
}

/** A read that a quorum has confirmed the leader for. */
export interface ConfirmedRead {
  readonly request: Message;
  readonly index: number;
}

/** Reads a leader holds at once; a further one is dropped and must be asked for again, like any lost message. */
export const MAX_PENDING_READS = 4096;

/**
 * Reads that wait until a quorum confirmed, after they were asked for, that this node still leads (thesis §6.4).
 * A heartbeat carries the context of the newest read; the round that confirms it confirms all before it.
 * Contexts must be unique within the cluster.
 */
export class ReadQueue {
  /** In order of arrival. */
  readonly #reads = new Map<string, PendingRead>();
  #newest: Uint8Array | null = null;

  get size(): number {
    return this.#reads.size;
  }

  /** False when the queue is full. A context that is waiting already is not added twice. */
  add(context: Uint8Array, index: number, request: Message): boolean {
    const key = keyOf(context);
    if (this.#reads.has(key)) return true;
    if (this.#reads.size >= MAX_PENDING_READS) return false;
    this.#reads.set(key, { request, index, acks: new Set() });
    this.#newest = context;
    return true;
  }

  /** Who confirmed the read of this context so far, or null when none is waiting. */
  acknowledge(from: MemberId, context: Uint8Array): ReadonlySet<MemberId> | null {
    const read = this.#reads.get(keyOf(context));
    if (read === undefined) return null;
    read.acks.add(from);
    return read.acks;
  }

  /** Takes out the read of this context and all before it. */
  release(context: Uint8Array): readonly ConfirmedRead[] {
    const last = keyOf(context);
    const released: ConfirmedRead[] = [];
    if (!this.#reads.has(last)) return released;
    for (const [key, read] of this.#reads) {
      this.#reads.delete(key);
      released.push(read);
      if (key === last) break;
    }
    if (this.#reads.size === 0) this.#newest = null;
    return released;
  }

  newestContext(): Uint8Array | null {
    return this.#newest;
  }

  clear(): void {
    this.#reads.clear();
    this.#newest = null;
  }
}

function keyOf(context: Uint8Array): string {
  let key = '';
  for (const byte of context) key += String.fromCharCode(byte);
  return key;
}
