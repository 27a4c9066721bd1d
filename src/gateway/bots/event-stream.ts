/**
 * One reader of `/api/v1/events`: a subscription as a native connection has one, whose pushes leave as they are. It moves no cursor of the
 * account: where the reader is, the reader knows, and says so when it comes again, on whatever node.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import type { TokenId } from '../../chat/vocabulary/token-types.ts';
import type { AccountId, SessionId } from '../../chat/vocabulary/types.ts';
import type { AmendmentPush, Push, Sink } from '../../delivery/ports.ts';
import type { NativeEvent } from '../../protocol/native.ts';
import type { Counters } from '../connections/counters.ts';
import { type Delivery, Subscription } from '../connections/subscription.ts';
import {
  type ClosingCode,
  causeOf,
  closeCodeOf,
  encodeAmendment,
  encodeMessage,
  hintsOf,
  textOf,
} from '../native/native-frames.ts';
import { type EventWriter, NativeWatch } from '../native/native-watch.ts';
import type { EventWire } from './event-wire.ts';

export interface EventStreamPorts {
  readonly delivery: Delivery;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly logger: Logger;
}

export interface EventStreamOptions {
  readonly account: AccountId;
  readonly session: SessionId | null;
  readonly token: TokenId | null;
  /** Log index behind which it begins. */
  readonly after: number;
  /** Also told who comes online and goes, and who is typing. */
  readonly watches: boolean;
}

const heartbeatMs = 15_000;
/** Until the other side must have taken the end. */
const closeMs = 2_000;

export class EventStream implements Sink, EventWriter {
  readonly #wire: EventWire;
  readonly #ports: EventStreamPorts;
  readonly #subscription: Subscription;
  readonly #watch: NativeWatch;
  #timer: Timer;
  #ended = false;

  constructor(wire: EventWire, ports: EventStreamPorts, options: EventStreamOptions) {
    this.#wire = wire;
    this.#ports = ports;
    this.#timer = ports.clock.after(heartbeatMs, () => this.#beat());
    wire.onClose(() => this.#gone());
    const { token, watches, ...whose } = options;
    this.#subscription = new Subscription(ports.delivery, {
      ...whose,
      ...(token === null ? {} : { token }),
      sink: this,
      hints: hintsOf(ports.delivery.view, (event) => this.#tell(event)),
      ended: () => this.close('SESSION_ENDED'),
    });
    this.#watch = new NativeWatch(this, ports.delivery.watchers);
    if (watches) this.#watch.set(options.account);
  }

  /** Says why, and ends. Idempotent. */
  close(code: ClosingCode): void {
    if (this.#ended) return;
    this.#tell({ ev: 'closing', code, text: textOf(code) });
    this.#ended = true;
    this.#subscription.close();
    this.#watch.set(null);
    this.#timer.cancel();
    this.#timer = this.#ports.clock.after(closeMs, () => this.#wire.terminate());
    this.#wire.end(closeCodeOf(code), code);
  }

  get lags(): boolean {
    return this.#wire.pendingBytes > limits.outboxBytes;
  }

  push(push: Push): number {
    // The native protocol's form: encoded once for all readers of both.
    push.forms.native ??= encodeMessage(push);
    return this.#push(push.message.index, 'message', push.forms.native);
  }

  amended(push: AmendmentPush): number {
    push.forms.native ??= encodeAmendment(push);
    return this.#push(push.entry.index, 'amended', push.forms.native);
  }

  caughtUp(index: number): void {
    const json = JSON.stringify({ ev: 'caught-up', index } satisfies NativeEvent);
    this.#wire.write({ id: index, name: 'caught-up', json }, noted);
  }

  cut(code: ErrorCode, cause?: unknown): void {
    const { counters, logger } = this.#ports;
    if (code === 'SLOW_READER') counters.slowReaders += 1;
    else logger.error({ code, cause: causeOf(cause) }, 'a stream of events broke');
    this.close(code);
  }

  /** An encoded event that is none to go on behind. */
  write(json: string): void {
    const [, name = ''] = /^\{"ev":"([a-z-]+)"/.exec(json) ?? [];
    if (!this.#ended) this.#wire.write({ id: null, name, json }, noted);
  }

  #push(id: number, name: string, json: string): number {
    const bytes = Buffer.byteLength(json);
    this.#wire.write({ id, name, json }, () => this.#subscription.outbox.taken(bytes));
    this.#ports.counters.pushes += 1;
    return bytes;
  }

  #tell(event: NativeEvent): void {
    this.write(JSON.stringify(event));
  }

  #beat(): void {
    this.#timer = this.#ports.clock.after(heartbeatMs, () => this.#beat());
    // Whoever takes nothing has enough to take.
    if (!this.lags) this.#wire.beat();
  }

  #gone(): void {
    this.#ended = true;
    this.#timer.cancel();
    this.#subscription.close();
    this.#watch.set(null);
  }
}

const noted = (): void => undefined;
