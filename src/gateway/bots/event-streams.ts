/** All streams of events of this node: who may open one, how many, and their common end. */
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Caller } from '../http/http-session.ts';
import { Turnstile } from '../http/turnstile.ts';
import { EventStream, type EventStreamPorts } from './event-stream.ts';
import type { EventWire } from './event-wire.ts';

export interface EventStreamsOptions extends EventStreamPorts {
  /** Of this node: a cursor above it was made up. */
  readonly appliedIndex: () => number;
}

/** Where a stream begins, and its place among the others: to be left once its connection is gone, opened or not. `leave` is idempotent. */
export interface Admission {
  readonly whose: Pick<Caller, 'identity' | 'session'>;
  readonly after: number;
  readonly watches: boolean;
  readonly leave: () => void;
}

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #turnstile = new Turnstile(limits.eventStreams, limits.eventStreamsPerAccount);
  readonly #open = new Set<EventStream>();

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  /** Behind a barrier. Without a cursor it begins now. Throws `CodedError`. */
  admit(whose: Admission['whose'], cursor: string | undefined, watches: boolean): Admission {
    const { delivery, appliedIndex } = this.#options;
    const after = cursor === undefined ? delivery.hub.index : Number(cursor);
    const isCursor =
      /^\d{1,16}$/.test(cursor ?? '0') && after <= Math.max(appliedIndex(), delivery.hub.index);
    if (!isCursor) throw new CodedError('BAD_REQUEST', 'This is no cursor of this cluster.');
    const place = this.#turnstile.enter(whose.identity.account);
    if (place === null) throw new CodedError('TOO_MANY_CONNECTIONS');
    let isHeld = true;
    const leave = (): void => {
      if (isHeld) place();
      isHeld = false;
    };
    return { whose, after, watches, leave };
  }

  open(wire: EventWire, { whose, leave, ...begin }: Admission): void {
    const { session, identity } = whose;
    const { account, token } = identity;
    const stream = new EventStream(wire, this.#options, {
      account,
      session,
      token: token?.id ?? null,
      ...begin,
    });
    this.#open.add(stream);
    wire.onClose(() => {
      this.#open.delete(stream);
      leave();
    });
    // It may have ended since it was shown, before anybody watched.
    if (!this.#lives(whose)) stream.close('SESSION_ENDED');
  }

  #lives({ session, identity: { token } }: Admission['whose']): boolean {
    const { view } = this.#options.delivery;
    if (session !== null) return view.session(session) !== undefined;
    return token === undefined || view.token(token.id) !== undefined;
  }

  /** The node goes away: readers come again elsewhere. */
  stop(): void {
    for (const stream of this.#open) stream.close('GOING_AWAY');
  }
}
