/** One logged-in connection's share of delivery: its outbox, its presence, and the end of its account or session. */
import type { Clock } from '../../base/clock.ts';
import type { TokenId } from '../../chat/vocabulary/token-types.ts';
import type { AccountId, SessionId } from '../../chat/vocabulary/types.ts';
import type { ConversationView } from '../../chat/vocabulary/view.ts';
import type { Acknowledger } from '../../delivery/acknowledger.ts';
import type { Start } from '../../delivery/catch-up.ts';
import type { Cursors } from '../../delivery/cursors.ts';
import type { Hub } from '../../delivery/hub.ts';
import { type Hints, Outbox } from '../../delivery/outbox.ts';
import type { DeliveryView, HistoryStore, Sink } from '../../delivery/ports.ts';
import type { Presence } from '../../delivery/presence.ts';
import type { Watchers } from '../../delivery/watchers.ts';

/** Delivery on this node, shared by all connections. */
export interface Delivery {
  readonly hub: Hub;
  readonly view: DeliveryView;
  readonly store: HistoryStore;
  readonly clock: Clock;
  readonly cursors: Cursors;
  readonly acknowledger: Acknowledger;
  readonly presence: Presence;
  readonly watchers: Watchers;
}

export interface SubscriptionOptions {
  readonly account: AccountId;
  readonly session: SessionId | null;
  /** Where there is no session: the access token that was shown. */
  readonly token?: TokenId;
  /** Log index of the last event that the reader has; null: behind what was delivered to the account. */
  readonly after: number | null;
  readonly sink: Sink;
  readonly hints?: Hints;
  /** The account or the session is gone, by whomever; called at most once. */
  readonly ended: () => void;
}

export class Subscription {
  readonly account: AccountId;
  readonly outbox: Outbox;
  readonly #ends: readonly (() => void)[];
  #closed = false;

  constructor(delivery: Delivery, options: SubscriptionOptions) {
    const { account, sink } = options;
    this.account = account;
    const ended = (): void => {
      if (this.#closed) return;
      this.close();
      options.ended();
    };
    this.outbox = new Outbox(delivery, {
      account,
      sink,
      start: startOf(delivery, options),
      accountDeleted: ended,
      ...(options.hints === undefined ? {} : { hints: options.hints }),
    });
    this.#ends = [delivery.presence.connect(account), watch(delivery.hub, options, ended)];
  }

  /** Nothing is pushed or told after this. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.outbox.close();
    for (const end of this.#ends) end();
  }
}

function watch(hub: Hub, { account, session, token }: SubscriptionOptions, ended: () => void): () => void {
  if (session !== null) return hub.watchSession(session, ended);
  return token === undefined ? hub.watchCredential(account, ended) : hub.watchToken(token, ended);
}

/** A session without a cursor is one whose client has seen nothing since its login; it comes within this time, or goes on from now. */
const loginMs = 10 * 60_000;

function startOf({ cursors, view }: Delivery, { account, after, session }: SubscriptionOptions): Start {
  if (after !== null) return { kind: 'after', index: after };
  // This node may know of deliveries that the replicated cursor does not show yet.
  const delivered = (conversation: ConversationView): number =>
    Math.max(conversation.delivered(account), cursors.delivered(account, conversation.id));
  const login = session === null ? undefined : view.session(session);
  // Online since its login, wherever it was told of it.
  const isNew = login !== undefined && view.clusterMs - login.boundMs < loginMs;
  return { kind: 'delivered', delivered, lobbyAfter: isNew ? login.boundIndex : null };
}
