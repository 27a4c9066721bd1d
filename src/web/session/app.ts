/**
 * The page's session with the cluster: who is logged in, and everything that a person can do. Knows no DOM; what it learns goes into the
 * store, which the views draw.
 */
import type { Client } from '../../client/client.ts';
import type { FileSource } from '../../client/ports.ts';
import type { Outcome, Session } from '../../client/types.ts';
import type { AmendmentRequest } from '../../protocol/amendments.ts';
import type { Reply } from '../../protocol/requests.ts';
import { type AppState, firstState, type Intent } from '../model/app-state.ts';
import { Desk } from './desk.ts';
import type { Groups } from './groups.ts';
import type { People } from './people.ts';
import type { Admission, Attention, Keep, SessionPorts } from './ports.ts';
import type { Arrived } from './reader.ts';
import { readSettings, SettingsKeeper } from './settings.ts';
import { Store } from './store.ts';

const sessionPlace = 'session';
const faultMs = 8_000;
/** A page that is opened while nobody answers tries so often to find out who is logged in. */
const resumeTries = 3;
const resumeAgainMs = 1_000;
/** A session that ends sooner is not replaced by itself: something ends them. */
const shortSessionMs = 60_000;

type Plan = (action: () => void) => void;

interface KeptSession extends Session {
  readonly user: string;
}

export class App {
  readonly store: Store<AppState>;
  readonly settings: SettingsKeeper;
  readonly #ports: SessionPorts;
  #desk: Desk | null = null;
  #isLeaving = false;
  #admittedMs = Number.NEGATIVE_INFINITY;

  private constructor(ports: SessionPorts, plan: Plan | undefined) {
    this.#ports = ports;
    this.store = new Store(firstState(readSettings(ports.browser)), plan);
    this.settings = new SettingsKeeper(this.store, ports.browser);
  }

  /**
   * Goes on with the session that this tab had before it was reloaded, or with one for whoever is logged in in this browser. `plan`: see
   * `Store`.
   */
  static open(ports: SessionPorts, plan?: Plan): App {
    const app = new App(ports, plan);
    void app.#begin();
    return app;
  }

  async #begin(): Promise<void> {
    const kept = readSession(this.#ports.tab);
    // A tab that is a copy of another one leaves that session to it.
    if (kept !== null && (await this.#ports.claim(kept.id))) {
      this.#sit(kept, kept.user);
      return;
    }
    this.#forgetSession();
    const admission = await this.#resume();
    if (admission.kind === 'admitted') this.#sit(admission.session, admission.user);
    else this.store.set({ phase: 'entrance' });
  }

  // ——— coming and going

  async login(user: string, password: string): Promise<Reply> {
    const admission = await this.#ports.door.logIn(user, password);
    if (admission.kind !== 'unreachable') return this.#follow(admission, user);
    return this.#loginByHand(user, password);
  }

  async register(user: string, password: string, invitation: string): Promise<Reply> {
    const admission = await this.#ports.door.register(user, password, invitation);
    if (admission.kind !== 'unreachable') return this.#follow(admission, user);
    const desk = this.#newDesk(null);
    const outcome = await desk.client.register(user, password, invitation === '' ? {} : { invitation });
    desk.close();
    return outcome.kind === 'receipt' ? this.#loginByHand(user, password) : outcome;
  }

  async logout(): Promise<void> {
    const desk = this.#atDesk;
    // Its session ends with that of the browser: no loss that anybody has to be told of.
    this.#isLeaving = true;
    const isOut = await this.#ports.door.logOut();
    if (!isOut) await desk.client.logout();
    desk.sender.forget();
    desk.close();
    this.#leave(null);
    this.#isLeaving = false;
  }

  async deleteAccount(): Promise<Outcome<'delete'>> {
    const desk = this.#atDesk;
    const outcome = await desk.client.deleteAccount(this.store.state.me);
    if (outcome.kind === 'receipt') {
      desk.sender.forget();
      desk.close();
      this.#leave(null);
    }
    return outcome;
  }

  // ——— conversations

  open(address: string): Promise<void> {
    return this.#atDesk.reader.open(address);
  }

  close(): void {
    this.#desk?.reader.leave();
  }

  look(attention: Attention): void {
    this.#desk?.reader.look(attention);
  }

  loadOlder(): Promise<void> {
    return this.#atDesk.reader.loadOlder();
  }

  loadNewer(): Promise<void> {
    return this.#atDesk.reader.loadNewer();
  }

  jumpToNewest(): Promise<void> {
    return this.#atDesk.reader.jumpToNewest();
  }

  jumpTo(sequence: number): Promise<boolean> {
    return this.#atDesk.reader.jumpTo(sequence);
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
    const isTaken = this.#atDesk.sender.say(to, text, replyTo);
    if (isTaken) this.store.set({ intent: { kind: 'say' } });
    return isTaken;
  }

  /** Changes, deletes or reacts to a message. */
  amend(request: AmendmentRequest): Promise<Reply> {
    return this.#atDesk.client.request(request);
  }

  sendFile(to: string, source: FileSource): boolean {
    return this.#atDesk.sender.sendFile(to, source);
  }

  sendAgain(key: string): void {
    this.#atDesk.sender.again(key);
  }

  discard(key: string): void {
    this.#atDesk.sender.discard(key);
  }

  /** Nothing would be lost if the page were closed. */
  get isSettled(): boolean {
    return this.#desk?.sender.isEmpty ?? true;
  }

  /** Says it, and takes it away again after a while. */
  tellFault(fault: string): void {
    this.store.set({ fault });
    this.#ports.clock.after(faultMs, () => {
      if (this.store.state.fault === fault) this.store.set({ fault: null });
    });
  }

  // ——— underneath

  get client(): Client {
    return this.#atDesk.client;
  }

  get people(): People {
    return this.#atDesk.people;
  }

  get groups(): Groups {
    return this.#atDesk.groups;
  }

  /** Of whoever is logged in. */
  get #atDesk(): Desk {
    if (this.#desk === null) throw new Error('nobody is logged in');
    return this.#desk;
  }

  #newDesk(session: Session | null): Desk {
    const desk: Desk = new Desk(this.#ports, this.store, session, {
      onEntered: (user) => this.#entered(desk, user),
      onLost: () => void this.#lost(desk),
      onArrival: (arrived) => this.#arrived(arrived),
      onRenamed: (before, after) => this.settings.moveDraft(before, after),
      onStranger: (address) => void this.#meet(desk, address),
    });
    return desk;
  }

  /** With a session that is logged in, as far as is known: the cluster says it when it welcomes. */
  #sit(session: Session, user: string): void {
    this.#admittedMs = this.#ports.clock.monotonicMs();
    this.#desk?.close();
    const { phase } = this.store.state;
    this.store.set({ me: user, phase: phase === 'entrance' ? 'starting' : phase });
    this.#desk = this.#newDesk(session);
    this.#desk.sender.restore(user);
  }

  #follow(admission: Exclude<Admission, { readonly kind: 'unreachable' }>, user: string): Reply {
    switch (admission.kind) {
      case 'admitted':
        this.#sit(admission.session, admission.user);
        return { kind: 'receipt', value: { op: 'login', user: admission.user } };
      case 'refused':
        return { kind: 'rejection', code: admission.code, text: admission.text };
      case 'stranger':
        return { kind: 'unknown', text: user };
    }
  }

  /** The page's own node is gone, and with it the way to a cookie: a session of this tab alone, on whichever node answers. */
  async #loginByHand(user: string, password: string): Promise<Reply> {
    const desk = this.#newDesk(null);
    this.#desk = desk;
    const outcome = await desk.client.login(user, password);
    if (outcome.kind === 'receipt') this.#entered(desk, outcome.value.user);
    else {
      desk.close();
      this.#desk = null;
    }
    return outcome;
  }

  #entered(desk: Desk, user: string): void {
    if (desk !== this.#desk) return;
    const { session } = desk.client;
    const isNew = this.store.state.phase !== 'chat';
    this.#keepSession({ ...session, user });
    if (isNew) void this.#ports.claim(session.id);
    this.store.set({ phase: 'chat', me: user, entranceReason: null });
    void desk.begin(user);
  }

  /** The tab's session has ended. The browser's may go on; otherwise somebody has to log in again. */
  async #lost(desk: Desk): Promise<void> {
    if (desk !== this.#desk || this.#isLeaving) return;
    desk.sender.sessionLost();
    desk.close();
    this.#forgetSession();
    const { me } = this.store.state;
    const isShort = this.#ports.clock.monotonicMs() - this.#admittedMs < shortSessionMs;
    const admission = isShort && this.store.state.phase === 'chat' ? null : await this.#resume();
    if (admission?.kind === 'admitted' && admission.user === me) this.#sit(admission.session, me);
    else this.#leave('session-lost');
  }

  async #resume(): Promise<Admission> {
    for (let tries = 1; ; tries++) {
      const admission = await this.#ports.door.resume();
      if (admission.kind !== 'unreachable' || tries === resumeTries) return admission;
      await new Promise<void>((resolve) => void this.#ports.clock.after(resumeAgainMs, resolve));
    }
  }

  #leave(reason: AppState['entranceReason']): void {
    this.#desk = null;
    this.#forgetSession();
    // Who leaves leaves nothing behind.
    if (reason === null) this.settings.forgetDrafts();
    const { settings } = this.store.state;
    this.store.set({ ...firstState(settings), phase: 'entrance', entranceReason: reason });
  }

  /** The way into a group that this person is not in, if there is one. */
  async #meet(desk: Desk, address: string): Promise<void> {
    const name = address.slice(1).toLowerCase();
    const isWaited = (): boolean => desk === this.#desk && this.store.state.openId === null;
    const outcome = await desk.client.groups();
    // Nobody can say whether it is there.
    if (outcome.kind !== 'receipt') return;
    const group = outcome.value.groups.find((entry) => entry.name.toLowerCase() === name);
    // Somebody let them in, or they came in elsewhere, and the news of it is on its way.
    if (group?.joined === true) await desk.reader.list();
    if (!isWaited()) return;
    const { conversations, dialog } = this.store.state;
    if (group === undefined) this.store.set({ isNowhere: true });
    else if (conversations.has(group.conversation)) await this.open(`#${group.name}`);
    else if (dialog === null) {
      this.store.set({ dialog: { kind: 'join-group', group: group.name, closed: group.closed } });
    }
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
