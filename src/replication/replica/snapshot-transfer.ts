import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { MemberId, Message, Snapshot } from '../../raft/index.ts';
import type { AppliedMark, SnapshotInstall, StateStore } from '../../store/state-store.ts';
import { decodeDirectory } from '../formats/members.ts';
import { decodeMark, encodeMark, isSnapshotRequest, snapshotRequest } from '../formats/peer-frames.ts';
import type { PeerIdentity, PeerTransport } from '../ports/peer-transport.ts';

/** From the leader's word that a copy is needed until it is asked for; and from its end until it is acknowledged. */
const ASKED_WITHIN_MS = 3_000;
const ACKNOWLEDGED_WITHIN_MS = 30_000;
const MAX_SENDING = 4;

interface Sending {
  readonly member: MemberId;
  /** Null while the copy is on its way. */
  sinceMs: number | null;
  allowedMs: number;
}

export interface SenderOptions {
  readonly store: StateStore;
  readonly clock: Clock;
  /** Whether the core still holds back entries from this member for the sake of a snapshot. */
  readonly isAwaited: (member: MemberId) => boolean;
  readonly failed: (member: MemberId) => void;
}

/**
 * The leader's side. The core sends a note that a copy is needed; the member then pulls it over a stream of its own, made
 * from the state as it is by then. A copy that is not pulled, breaks off or is not acknowledged is reported as failed,
 * since the core sends nothing else to that member meanwhile.
 */
export class SnapshotSender {
  readonly #options: SenderOptions;
  readonly #sending = new Map<MemberId, Sending>();

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#sending.size > 0;
  }

  announced(member: MemberId): void {
    this.#await(member, ASKED_WITHIN_MS);
  }

  #await(member: MemberId, allowedMs: number): void {
    this.#sending.set(member, { member, sinceMs: this.#options.clock.monotonicMs(), allowedMs });
  }

  linkDown(member: MemberId): void {
    this.#fail(member);
  }

  tick(nowMs: number): void {
    for (const { member, sinceMs, allowedMs } of [...this.#sending.values()]) {
      if (sinceMs === null) continue;
      if (!this.#options.isAwaited(member)) this.#sending.delete(member);
      else if (nowMs - sinceMs > allowedMs) this.#fail(member);
    }
  }

  #fail(member: MemberId): void {
    if (this.#sending.delete(member)) this.#options.failed(member);
  }

  /** The handler of streams. */
  async *serve(from: PeerIdentity, request: Uint8Array): AsyncGenerator<Uint8Array> {
    if (!isSnapshotRequest(request)) throw new CodedError('BAD_REQUEST', 'unknown stream');
    const running = [...this.#sending.values()].filter(({ sinceMs }) => sinceMs === null).length;
    if (running >= MAX_SENDING) throw new CodedError('BUSY');
    const member = from.incarnation;
    this.#sending.set(member, { member, sinceMs: null, allowedMs: 0 });
    let complete = false;
    let copy: AsyncIterator<Uint8Array> | null = null;
    try {
      const { mark, chunks } = await this.#options.store.exportSnapshot();
      copy = chunks[Symbol.asyncIterator]();
      yield encodeMark(mark);
      for (let next = await copy.next(); next.done !== true; next = await copy.next()) yield next.value;
      complete = true;
    } finally {
      // Also when the reader wanted no more than the mark: a copy that nobody ends is held for ever, and there are only so many.
      await copy?.return?.();
      if (complete) this.#await(member, ACKNOWLEDGED_WITHIN_MS);
      else this.#fail(member);
    }
  }
}

/** All of a copy, beside the state that is in force. */
export interface FetchedCopy {
  readonly install: SnapshotInstall;
  readonly mark: AppliedMark;
}

/** Pulls a copy of the state from a peer; null when its mark is not `wanted`. Rejects when it breaks off, or is damaged. */
export async function fetchCopy(
  { transport, store }: { readonly transport: Pick<PeerTransport, 'openStream'>; readonly store: StateStore },
  node: number,
  wanted: (mark: AppliedMark) => boolean,
): Promise<FetchedCopy | null> {
  const stream = (await transport.openStream(node, snapshotRequest))[Symbol.asyncIterator]();
  try {
    const first = await stream.next();
    if (first.done === true) throw new CodedError('UNAVAILABLE', 'the stream was empty');
    const mark = decodeMark(first.value);
    if (!wanted(mark)) return null;
    const install = await store.beginInstall();
    try {
      for (let next = await stream.next(); next.done !== true; next = await stream.next()) {
        await install.write(next.value);
      }
      if (!install.complete) throw new CodedError('UNAVAILABLE', 'the copy ended early');
    } catch (error) {
      await install.abort();
      throw error;
    }
    return { install, mark };
  } finally {
    await stream.return?.();
  }
}

export interface ReceiverOptions {
  readonly transport: Pick<PeerTransport, 'openStream'>;
  readonly store: StateStore;
  readonly logger: Logger;
  readonly appliedIndex: () => number;
  /** A copy that was offered is being put in force. The core takes another one meanwhile, and its turn comes when its content may be gone. */
  readonly isInstalling: () => boolean;
  /** Gives the core the note; returns whether it took it, and so will ask for `install` of this index. */
  readonly step: (message: Message) => boolean;
}

/**
 * The follower's side: pulls a copy beside its state, and only when all of it is here tells the core, which has the last
 * word. One at a time: other notes are ignored meanwhile, the leader repeats them.
 */
export class SnapshotReceiver {
  readonly #options: ReceiverOptions;
  #pulling = false;
  #ready: FetchedCopy | null = null;
  #stopped = false;

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /** The leader at `node` says that this node needs a copy. */
  announced(message: Message, node: number): void {
    if (this.#pulling || this.#stopped || this.#options.isInstalling()) return;
    this.#pulling = true;
    const done = (): void => {
      this.#pulling = false;
    };
    this.#pull(message, node).then(done, (error) => {
      done();
      if (this.#stopped) return;
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.logger.warn({ node, reason }, 'a snapshot could not be fetched');
    });
  }

  async #pull(message: Message, node: number): Promise<void> {
    const { transport, store, logger } = this.#options;
    const wanted = ({ index }: AppliedMark): boolean => {
      logger.info({ node, index }, 'fetching a snapshot');
      return index > this.#options.appliedIndex();
    };
    const copy = await fetchCopy({ transport, store }, node, wanted);
    if (copy === null) return;
    const used = !this.#stopped && this.#offer(message, copy);
    if (!used) await copy.install.abort();
  }

  #offer(message: Message, copy: FetchedCopy): boolean {
    const { index, term, engine } = copy.mark;
    const snapshot = { meta: { index, term, confState: decodeDirectory(engine).conf }, data: engine };
    this.#ready = copy;
    if (this.#options.step({ ...message, snapshot })) return true;
    this.#ready = null;
    return false;
  }

  /** The core took the copy: puts it in force. */
  async install(snapshot: Snapshot): Promise<AppliedMark> {
    const ready = this.#ready;
    if (ready === null || ready.mark.index !== snapshot.meta.index) {
      throw new CodedError('INTERNAL', 'the core took a snapshot that nobody offered');
    }
    this.#ready = null;
    return await ready.install.commit();
  }

  stop(): void {
    this.#stopped = true;
  }
}
