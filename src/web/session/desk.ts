/** What somebody who is logged in works with: one session of the cluster, and what comes and leaves by it. */
import type { Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { Client } from '../../client/client.ts';
import type { Status } from '../../client/status.ts';
import type { Session } from '../../client/types.ts';
import type { AppState } from '../model/app-state.ts';
import { FailoverWatch } from '../model/failover.ts';
import { Groups } from './groups.ts';
import { People } from './people.ts';
import type { SessionPorts } from './ports.ts';
import { type Arrived, Reader } from './reader.ts';
import { Sender } from './sender.ts';
import type { Store } from './store.ts';

/** How long the line about a failover stays. */
const lineMs = 8_000;
/** Between two looks at what is still unanswered after a failover. */
const settleMs = 20;
/** Between two looks at how far the others are in a group. */
const currentMs = 10_000;

export interface DeskHooks {
  /** The session is logged in, on a first or a later connection. */
  readonly onEntered: (user: string) => void;
  /** It is not, or not any more. */
  readonly onLost: () => void;
  readonly onArrival: (arrived: Arrived) => void;
  /** A group goes by another name. */
  readonly onRenamed: (before: string, after: string) => void;
  /** A group was to come up that this person is not in. */
  readonly onStranger: (address: string) => void;
}

export class Desk {
  readonly client: Client;
  readonly reader: Reader;
  readonly sender: Sender;
  readonly people: People;
  readonly groups: Groups;
  readonly #ports: SessionPorts;
  readonly #store: Store<AppState>;
  readonly #hooks: DeskHooks;
  readonly #watch: FailoverWatch;
  #timer: Timer | null = null;
  #isClosed = false;

  /** Without a session a new one is made, which nobody is logged in to. */
  constructor(ports: SessionPorts, store: Store<AppState>, session: Session | null, hooks: DeskHooks) {
    this.#ports = ports;
    this.#store = store;
    this.#hooks = hooks;
    const { clock } = ports;
    this.#watch = new FailoverWatch(
      () => clock.monotonicMs(),
      () => this.client.pending,
      (line) => store.set({ line }),
    );
    const client = new Client({
      ...ports,
      ...(session === null ? {} : { session: { id: session.id, secret: session.secret } }),
      name: 'conclave web',
      onStatus: (status) => this.#status(status),
    });
    this.client = client;
    this.sender = new Sender({ client, store, ports, onUnknown: () => this.#watch.unknownOutcome() });
    this.reader = new Reader({ client, store, ...hooks });
    this.people = new People(client, store, clock);
    this.groups = new Groups(client, this.reader);
  }

  async begin(user: string): Promise<void> {
    this.#keepCurrent();
    this.sender.release(user);
    this.people.begin();
    await this.reader.list();
  }

  #keepCurrent(): void {
    this.#timer?.cancel();
    this.#timer = this.#ports.clock.after(currentMs, () => {
      this.#keepCurrent();
      if (this.#store.state.node !== null) this.reader.keepCurrent();
    });
  }

  /** Tells nothing any more. */
  close(): void {
    this.#isClosed = true;
    this.sender.stop();
    this.#timer?.cancel();
    this.people.end();
    void this.client.close();
  }

  #status(status: Status): void {
    if (this.#isClosed) return;
    this.#watch.take(status);
    if (this.#watch.line?.kind === 'electing') {
      this.#ports.clock.after(limits.operationMs, () => this.#watch.waited());
    }
    switch (status.kind) {
      case 'connected':
        this.#store.set({ node: status.node, leader: status.leader });
        // Whether the session was resumed is told in the same turn.
        queueMicrotask(() => this.#welcomed());
        void this.#settle();
        return;
      case 'resumed':
        this.#hooks.onEntered(status.user);
        return;
      case 'leader':
        this.#store.set({ leader: status.leader });
        void this.#settle();
        return;
      case 'electing':
        this.#store.set({ leader: null });
        return;
      case 'down':
        this.#store.set({ node: null });
        return;
      case 'session-lost':
        this.#hooks.onLost();
        return;
      case 'connecting':
      case 'unreachable':
      case 'closed':
        return;
    }
  }

  #welcomed(): void {
    const isAwaited = this.#store.state.phase === 'starting';
    if (!this.#isClosed && isAwaited && this.client.user === null) this.#hooks.onLost();
  }

  /** After a failover: once all that was under way is answered and all that was said has come, it is known what was lost. */
  async #settle(): Promise<void> {
    if (this.#watch.line?.kind !== 'recovered') return;
    await this.client.caughtUp();
    while (this.client.pending > 0 && this.#store.state.node !== null && !this.#isClosed) {
      await new Promise<void>((resolve) => void this.#ports.clock.after(settleMs, resolve));
    }
    if (this.#watch.line?.kind !== 'recovered' || this.#isClosed) return;
    this.#watch.settled();
    const { line } = this.#watch;
    this.#ports.clock.after(lineMs, () => {
      if (this.#watch.line === line) this.#watch.clear();
    });
  }
}
