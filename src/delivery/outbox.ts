/**
 * One subscriber's way out: catches up from the store by range, then goes live without a gap or a double, and hands over only what its
 * sink has room for. Three places hold what is not yet with the reader: the window (handed over, not taken), the backlog (references
 * to live events behind a full window), and, when that runs over, the store.
 */
import type { Clock, Timer } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { GroupEvent } from '../chat/vocabulary/group-types.ts';
import type { AccountId, CursorAdvance, DeliveryReceipt } from '../chat/vocabulary/types.ts';
import { type CatchUpPorts, readMissed, type Start } from './catch-up.ts';
import type { Hub, Subscriber } from './hub.ts';
import type { AmendmentPush, DeliveryView, HistoryStore, Push, Sink } from './ports.ts';
import { withoutDeleted } from './present-form.ts';

/** Live events that may wait behind a full window before the store takes their place. */
export const backlogMessages = 4_096;
/** A full window of which nothing is taken for this long belongs to a reader that has stopped reading. */
export const stallMs = 1_000;
const pauseMs = 5;

export interface OutboxPorts {
  readonly hub: Hub;
  readonly view: DeliveryView;
  readonly store: HistoryStore;
  readonly clock: Clock;
}

/** What a reader may want to hear beside messages; see `Subscriber`. A reader that lags is spared all but the receipts, which are few. */
export interface Hints {
  readonly advanced?: (advance: CursorAdvance) => void;
  readonly receipt?: (receipt: DeliveryReceipt) => void;
  readonly group?: (event: GroupEvent) => void;
}

export interface OutboxOptions {
  readonly account: AccountId;
  readonly start: Start;
  readonly sink: Sink;
  readonly hints?: Hints;
  readonly accountDeleted: () => void;
  /** For tests. */
  readonly backlogMessages?: number;
}

function indexOf(push: Push | AmendmentPush): number {
  return push.kind === 'message' ? push.message.index : push.entry.index;
}

export class Outbox implements Subscriber {
  readonly account: AccountId;
  readonly #ports: OutboxPorts & CatchUpPorts;
  readonly #options: OutboxOptions;
  readonly #unsubscribe: () => void;
  /** Everything up to this log index was handed over or is not this reader's business. */
  #position = 0;
  #window = 0;
  /** Live events above all that was handed over; complete from where the current or last read of the store ends. */
  #backlog: (Push | AmendmentPush)[] = [];
  #backlogAt = 0;
  /** The backlog is incomplete: what lies above `#position` has to be read from the store. */
  #behind = true;
  #overflowed = false;
  #reading = false;
  /** The sink is being given a message: what it reports as taken meanwhile makes room for those behind it, not before it. */
  #handing = false;
  #closed = false;
  #stall: Timer | null = null;
  /** Wakes the reading of the store when the window has room, or when the outbox closes. */
  #wake: (() => void) | null = null;

  constructor(ports: OutboxPorts, options: OutboxOptions) {
    const pause = (): Promise<void> => new Promise((resolve) => ports.clock.after(pauseMs, resolve));
    this.#ports = { ...ports, pause };
    this.#options = options;
    this.account = options.account;
    if (options.start.kind === 'after') this.#position = options.start.index;
    this.#unsubscribe = ports.hub.subscribe(this);
    void this.#catchUp(options.start);
  }

  /** Log index of the newest message handed over, or above it what is known to concern others only. */
  get position(): number {
    return this.#position;
  }

  message(push: Push): void {
    this.#take(push);
  }

  amended(push: AmendmentPush): void {
    if (this.#options.sink.amended !== undefined) this.#take(push);
  }

  #take(push: Push | AmendmentPush): void {
    if (this.#closed || indexOf(push) <= this.#position) return;
    const waits = this.#behind || this.#waiting() > 0 || this.#window >= limits.outboxBytes;
    if (!waits) {
      this.#hand(push);
      return;
    }
    if (this.#overflowed) return;
    this.#backlog.push(push);
    if (this.#waiting() > (this.#options.backlogMessages ?? backlogMessages)) this.#dropBacklog();
    this.#watchStall();
  }

  advanced(advance: CursorAdvance): void {
    if (this.#hears) this.#options.hints?.advanced?.(advance);
  }

  receipt(receipt: DeliveryReceipt): void {
    // It would come no sooner than with the next connection; `limits.receiptsPerAccount` bounds them.
    if (!this.#closed) this.#options.hints?.receipt?.(receipt);
  }

  group(event: GroupEvent): void {
    if (this.#hears) this.#options.hints?.group?.(event);
  }

  accountDeleted(): void {
    if (!this.#closed) this.#options.accountDeleted();
  }

  reset(): void {
    if (this.#closed) return;
    this.#dropBacklog();
    this.#pump();
  }

  /** The sink's transport took this many bytes of what `push` returned. */
  taken(bytes: number): void {
    if (bytes === 0) return;
    this.#window -= bytes;
    this.#stall?.cancel();
    this.#stall = null;
    if (!this.#handing) this.#pump();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe();
    this.#stall?.cancel();
    this.#backlog = [];
    this.#wakeReader();
  }

  get #hears(): boolean {
    return !this.#closed && this.#window < limits.outboxBytes && !this.#options.sink.lags;
  }

  #waiting(): number {
    return this.#backlog.length - this.#backlogAt;
  }

  #hand(push: Push | AmendmentPush): void {
    const { sink } = this.#options;
    this.#position = indexOf(push);
    this.#handing = true;
    const bytes = push.kind === 'message' ? sink.push(push) : (sink.amended?.(push) ?? 0);
    this.#handing = false;
    this.#window += bytes;
  }

  /** Of what has waited here or in a page of the store. */
  #handLater(push: Push | AmendmentPush): void {
    this.#hand(push.kind === 'message' ? withoutDeleted(this.#ports.view, push) : push);
  }

  #dropBacklog(): void {
    this.#backlog = [];
    this.#backlogAt = 0;
    this.#overflowed = true;
    this.#ports.hub.noteOverflow();
    this.#behind = true;
  }

  #pump(): void {
    if (this.#closed) return;
    if (this.#reading) {
      if (this.#window < limits.outboxBytes) this.#wakeReader();
      this.#watchStall();
      return;
    }
    while (!this.#behind && this.#waiting() > 0 && this.#window < limits.outboxBytes) {
      const push = this.#backlog[this.#backlogAt];
      this.#backlogAt += 1;
      if (push !== undefined && indexOf(push) > this.#position) this.#handLater(push);
    }
    if (this.#waiting() === 0) {
      this.#backlog = [];
      this.#backlogAt = 0;
    }
    if (this.#behind) void this.#catchUp({ kind: 'after', index: this.#position });
    this.#watchStall();
  }

  async #catchUp(start: Start): Promise<void> {
    this.#reading = true;
    try {
      await this.#readRounds(start);
    } catch (error) {
      // Damage or a failed read of the store: this reader resumes elsewhere, from its cursor.
      this.#cut('INTERNAL', error);
    }
    this.#reading = false;
    this.#pump();
  }

  /**
   * Each round reads at least up to what the hub had told when it began (the view may be further); what is told meanwhile waits in the
   * backlog. The last round is the one whose backlog did not run over.
   */
  async #readRounds(start: Start): Promise<void> {
    let from = start;
    do {
      this.#backlog = [];
      this.#backlogAt = 0;
      this.#overflowed = false;
      const told = this.#ports.hub.index;
      // A login has no earlier amendments to hear of: it reads everything in its present form.
      const behind = from.kind === 'after' ? from.index : told;
      const amendedAfter = this.#options.sink.amended === undefined ? null : behind;
      for await (const push of readMissed(this.#ports, this.account, from, amendedAfter)) {
        await this.#room();
        if (this.#closed) return;
        this.#handLater(push);
      }
      if (this.#closed) return;
      this.#position = Math.max(this.#position, told);
      from = { kind: 'after', index: this.#position };
    } while (this.#overflowed);
    this.#behind = false;
    this.#options.sink.caughtUp(this.#position);
  }

  async #room(): Promise<void> {
    while (this.#window >= limits.outboxBytes && !this.#closed) {
      this.#watchStall();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #wakeReader(): void {
    this.#wake?.();
    this.#wake = null;
  }

  /** Armed while the window is full and something waits behind it; whatever is taken disarms it. */
  #watchStall(): void {
    const stuck = this.#window >= limits.outboxBytes && (this.#behind || this.#waiting() > 0);
    if (!stuck || this.#stall !== null || this.#closed) return;
    this.#stall = this.#ports.clock.after(stallMs, () => this.#cut('SLOW_READER'));
  }

  #cut(code: ErrorCode, cause?: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#options.sink.cut(code, cause);
  }
}
