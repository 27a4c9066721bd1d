/**
 * The page's session with the cluster: who is logged in, and everything that a person can do. Knows no DOM; what it learns goes into the
 * store, which the views draw.
 */
import { Client } from '../../client/client.ts';
import type { FileSource } from '../../client/ports.ts';
import type { Status } from '../../client/status.ts';
import type { Outcome, Session } from '../../client/types.ts';
import type { AmendmentRequest } from '../../protocol/amendments.ts';
import type { Reply } from '../../protocol/requests.ts';
import { type AppState, firstState, type Intent } from '../model/app-state.ts';
import { FailoverWatch } from '../model/failover.ts';
import { Groups } from './groups.ts';
import { People } from './people.ts';
import type { Attention, Keep, SessionPorts } from './ports.ts';
import { type Arrived, Reader } from './reader.ts';
import { Sender } from './sender.ts';
import { readSettings, SettingsKeeper } from './settings.ts';
import { Store } from './store.ts';

const sessionPlace = 'session';
/** How long the line about a failover stays. */
const lineMs = 8_000;
const faultMs = 8_000;
/** Between two looks at what is still unanswered after a failover. */
const settleMs = 20;

type Plan = (action: () => void) => void;

interface KeptSession extends Session {
  readonly user: string;
}

export class App {
  readonly store: Store<AppState>;
  readonly settings: SettingsKeeper;
  readonly client: Client;
  readonly people: People;
  readonly groups: Groups;
  readonly #ports: SessionPorts;
  readonly #watch: FailoverWatch;
  readonly #reader: Reader;
  readonly #sender: Sender;

  private constructor(ports: SessionPorts, kept: KeptSession | null, plan: Plan | undefined) {
    this.#ports = ports;
    const { clock } = ports;
    const store = new Store(firstState(readSettings(ports.browser)), plan);
    this.store = store;
    this.settings = new SettingsKeeper(store, ports.browser);
    this.#watch = new FailoverWatch(
      () => clock.monotonicMs(),
      () => this.client.pending,
      (line) => store.set({ line }),
    );
    const client = new Client({
      ...ports,
      ...(kept === null ? {} : { session: { id: kept.id, secret: kept.secret } }),
      name: 'conclave web',
      onStatus: (status) => this.#status(status),
    });
    this.client = client;
    this.#sender = new Sender({ client, store, ports, onUnknown: () => this.#watch.unknownOutcome() });
    this.#reader = new Reader({ client, store, onArrival: (arrival) => this.#arrived(arrival) });
    this.people = new People(client, store, clock);
    this.groups = new Groups(client, this.#reader);
  }

  /** Goes on with the session that this tab had, if it had one. `plan`: see `Store`. */
  static async open(ports: SessionPorts, plan?: Plan): Promise<App> {
    const kept = readSession(ports.tab);
    // A tab that is a copy of another one leaves that session to it.
    const isFree = kept === null || (await ports.claim(kept.id));
    if (!isFree) ports.tab.set(sessionPlace, null);
    const app = new App(ports, isFree ? kept : null, plan);
    if (kept === null || !isFree) {
      app.store.set({ phase: 'entrance', entranceReason: isFree ? null : 'duplicate' });
    } else {
      app.store.set({ me: kept.user });
      app.#sender.restore(kept.user);
    }
    return app;
  }

  // ——— coming and going

  async login(user: string, password: string): Promise<Outcome<'login'>> {
    const outcome = await this.client.login(user, password);
    if (outcome.kind === 'receipt') await this.#entered(outcome.value.user);
    return outcome;
  }

  async register(
    user: string,
    password: string,
    invitation: string,
  ): Promise<Outcome<'register'> | Outcome<'login'>> {
    const extras = invitation === '' ? {} : { invitation };
    const outcome = await this.client.register(user, password, extras);
    return outcome.kind === 'receipt' ? this.login(user, password) : outcome;
  }

  async logout(): Promise<void> {
    await this.client.logout();
    this.#leave(null);
  }

  async deleteAccount(): Promise<Outcome<'delete'>> {
    const outcome = await this.client.deleteAccount(this.store.state.me);
    if (outcome.kind === 'receipt') this.#leave(null);
    return outcome;
  }

  // ——— conversations

  open(address: string): Promise<void> {
    return this.#reader.open(address);
  }

  close(): void {
    this.#reader.leave();
  }

  look(attention: Attention): void {
    this.#reader.look(attention);
  }

  loadOlder(): Promise<void> {
    return this.#reader.loadOlder();
  }

  loadNewer(): Promise<void> {
    return this.#reader.loadNewer();
  }

  jumpToNewest(): Promise<void> {
    return this.#reader.jumpToNewest();
  }

  jumpTo(sequence: number): Promise<boolean> {
    return this.#reader.jumpTo(sequence);
  }

  /** That message is to come into view, in whichever conversation opens next. */
  aim(conversation: string, sequence: number): void {
    this.store.set({ aim: { conversation, sequence } });
  }

  intend(intent: Intent): void {
    this.store.set({ intent });
  }

  // ——— messages

  /** False: nothing was taken. */
  say(to: string, text: string): boolean {
    const { intent } = this.store.state;
    const replyTo = intent.kind === 'reply' ? intent.sequence : null;
    const isTaken = this.#sender.say(to, text, replyTo);
    if (isTaken) this.store.set({ intent: { kind: 'say' } });
    return isTaken;
  }

  /** Changes, deletes or reacts to a message. */
  amend(request: AmendmentRequest): Promise<Reply> {
    return this.client.request(request);
  }

  sendFile(to: string, source: FileSource): boolean {
    return this.#sender.sendFile(to, source);
  }

  sendAgain(key: string): void {
    this.#sender.again(key);
  }

  discard(key: string): void {
    this.#sender.discard(key);
  }

  /** Nothing would be lost if the page were closed. */
  get isSettled(): boolean {
    return this.#sender.isEmpty;
  }

  /** Says it, and takes it away again after a while. */
  tellFault(fault: string): void {
    this.store.set({ fault });
    this.#ports.clock.after(faultMs, () => {
      if (this.store.state.fault === fault) this.store.set({ fault: null });
    });
  }

  // ——— underneath

  #status(status: Status): void {
    this.#watch.take(status);
    switch (status.kind) {
      case 'connected':
        this.store.set({ node: status.node, leader: status.leader });
        // Whether the session was resumed is told in the same turn.
        queueMicrotask(() => this.#welcomed());
        void this.#settle();
        return;
      case 'resumed':
        void this.#entered(status.user);
        return;
      case 'leader':
        this.store.set({ leader: status.leader });
        void this.#settle();
        return;
      case 'electing':
        this.store.set({ leader: null });
        return;
      case 'down':
        this.store.set({ node: null });
        return;
      case 'session-lost':
        this.#sender.sessionLost();
        this.#leave('session-lost');
        return;
      case 'connecting':
      case 'unreachable':
      case 'closed':
        return;
    }
  }

  /** The kept session is not logged in any more: its time was over. */
  #welcomed(): void {
    if (this.client.user !== null || this.store.state.phase !== 'starting') return;
    this.#forgetSession();
    this.#sender.sessionLost();
    this.store.set({ phase: 'entrance', entranceReason: 'session-lost' });
  }

  async #entered(user: string): Promise<void> {
    const { session } = this.client;
    const isNew = this.store.state.phase !== 'chat';
    this.#keepSession({ ...session, user });
    if (isNew) void this.#ports.claim(session.id);
    this.store.set({ phase: 'chat', me: user, entranceReason: null });
    this.#sender.release(user);
    this.people.begin();
    await this.#reader.list();
  }

  /** After a failover: once all that was under way is answered and all that was said has come, it is known what was lost. */
  async #settle(): Promise<void> {
    if (this.#watch.line?.kind !== 'recovered') return;
    await this.client.caughtUp();
    while (this.client.pending > 0 && this.store.state.node !== null) {
      await new Promise<void>((resolve) => void this.#ports.clock.after(settleMs, resolve));
    }
    if (this.#watch.line?.kind !== 'recovered') return;
    this.#watch.settled();
    const line = this.#watch.line;
    this.#ports.clock.after(lineMs, () => {
      if (this.#watch.line === line) this.#watch.clear();
    });
  }

  #leave(reason: AppState['entranceReason']): void {
    this.#forgetSession();
    this.people.end();
    if (reason === null) {
      this.#sender.forget();
      this.settings.forgetDrafts();
    }
    const { node, leader, line, settings } = this.store.state;
    this.store.set({
      ...firstState(settings),
      phase: 'entrance',
      entranceReason: reason,
      node,
      leader,
      line: reason === null ? null : line,
    });
  }

  #arrived({ message, address, isSeen, isCalled }: Arrived): void {
    const { openId, settings } = this.store.state;
    if (openId === message.conversation) this.store.set({ announced: `${message.from}: ${message.text}` });
    const isDirect = address === message.from;
    if (isSeen || !(isDirect || isCalled) || !settings.notifies) return;
    this.#ports.notify(isDirect ? message.from : `${message.from} · ${address}`, message.text, address);
  }

  #keepSession(session: KeptSession): void {
    this.#ports.tab.set(sessionPlace, JSON.stringify(session));
  }

  #forgetSession(): void {
    this.#ports.tab.set(sessionPlace, null);
  }
}

function readSession(tab: Keep): KeptSession | null {
  try {
    const kept = JSON.parse(tab.get(sessionPlace) ?? '{}') as Partial<KeptSession>;
    const { id, secret, user } = kept;
    return id !== undefined && secret !== undefined && user !== undefined ? { id, secret, user } : null;
  } catch {
    return null;
  }
}
