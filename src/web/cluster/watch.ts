/** Asks every member again and again, and keeps what they said. */
import type { Clock } from '../../base/clock.ts';
import type { Heard } from './picture.ts';
import type { Caller, Place, Said } from './ports.ts';
import { type ActionWire, type NodeWire, readActions, readNode } from './wire.ts';

export interface WatchState {
  readonly heard: ReadonlyMap<number, Heard>;
  /** Newest first. */
  readonly actions: readonly ActionWire[];
  /** `login`: the nodes want to know who asks. `denied`: they do, and it is no administrator. */
  readonly access: 'asking' | 'open' | 'login' | 'denied';
}

/** While nothing happens, and while something does. */
const calmMs = 1_000;
const busyMs = 200;
/** So long after the newest change it is looked closely. */
const changeMs = 6_000;
/** Rounds after which the log of actions is read again. */
const logRounds = 5;

export class Watch {
  readonly #caller: Caller;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  /** Of the node that the page came from, whose number nobody has said yet. */
  readonly #own: Place;
  readonly #places = new Map<number, Place>();
  /** Shortest way there and back of each node, by which its clock is read. */
  readonly #nearestMs = new Map<number, number>();
  #ownNode: number | null = null;
  #state: WatchState = { heard: new Map(), actions: [], access: 'asking' };
  #changedMs = Number.NEGATIVE_INFINITY;
  #lead = '';
  #round = 0;
  #isRunning = false;

  constructor(caller: Caller, own: Place, clock: Clock) {
    this.#caller = caller;
    this.#own = own;
    this.#clock = clock;
  }

  get state(): WatchState {
    return this.#state;
  }

  /** Returns the way to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  stop(): void {
    this.#isRunning = false;
  }

  /** Those that answer, the one that leads first, `last` last. */
  answering(last?: number): readonly Place[] {
    const up = [...this.#state.heard.values()].filter(({ isUp }) => isUp).map(({ wire }) => wire);
    const rank = ({ id, role }: NodeWire): number => (id === last ? 2 : role === 'leader' ? 0 : 1);
    return up.sort((a, b) => rank(a) - rank(b)).flatMap(({ id }) => this.placeOf(id) ?? []);
  }

  placeOf(node: number): Place | null {
    return this.#places.get(node) ?? null;
  }

  /** Something was asked for: what comes of it is looked at closely, and its line is read. */
  async hurry(): Promise<void> {
    this.#changedMs = this.#clock.monotonicMs();
    await this.#readLog();
  }

  /** One round more, after a login. */
  async again(): Promise<void> {
    this.#set({ access: 'asking' });
    await this.#askAll();
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      await this.#askAll();
      if (this.#round % logRounds === 0 && this.#state.access === 'open') await this.#readLog();
      this.#round += 1;
      const isBusy = this.#clock.monotonicMs() - this.#changedMs < changeMs;
      await new Promise<void>((resolve) => void this.#clock.after(isBusy ? busyMs : calmMs, resolve));
    }
  }

  async #askAll(): Promise<void> {
    const known = [...this.#places.values()];
    const asked = this.#ownNode === null ? [this.#own, ...known] : known;
    await Promise.all(asked.map((place) => this.#askOne(place)));
    const lead = [...this.#state.heard.values()]
      .map(({ wire, isUp }) => `${wire.id} ${isUp} ${wire.term} ${wire.leader}`)
      .join();
    if (lead !== this.#lead) this.#changedMs = this.#clock.monotonicMs();
    this.#lead = lead;
    this.#tell();
  }

  async #askOne(place: Place): Promise<void> {
    const beganMs = this.#clock.monotonicMs();
    const said = await this.#caller.get(place, '/api/v1/admin/cluster');
    const tookMs = this.#clock.monotonicMs() - beganMs;
    const node = said?.status === 200 ? readNode(said.value) : null;
    if (node !== null) this.#hear(node, place, tookMs);
    else this.#miss(place, said);
  }

  #hear(wire: NodeWire, place: Place, tookMs: number): void {
    const { id, members, nowMs } = wire;
    if (place === this.#own) this.#ownNode = id;
    this.#places.set(id, place);
    for (const member of members) {
      if (this.#places.has(member.id)) continue;
      this.#places.set(member.id, { host: member.host, port: member.httpPort });
    }
    const before = this.#state.heard.get(id);
    const nearestMs = this.#nearestMs.get(id) ?? Number.POSITIVE_INFINITY;
    const isNearer = before === undefined || tookMs <= nearestMs;
    if (isNearer) this.#nearestMs.set(id, tookMs);
    const aheadMs = isNearer ? nowMs - (this.#clock.wallMs() - tookMs / 2) : before.aheadMs;
    this.#set({
      heard: new Map(this.#state.heard).set(id, { wire, isUp: true, aheadMs }),
      access: 'open',
    });
  }

  #miss(place: Place, said: Said | null): void {
    if (said?.status === 401) this.#set({ access: 'login' });
    if (said?.status === 403) this.#set({ access: 'denied' });
    for (const [id, known] of this.#places) {
      const heard = this.#state.heard.get(id);
      if (known !== place || heard === undefined) continue;
      // It is there, and knows no majority to ask whether the session still holds.
      const isAlone = said?.status === 503;
      const wire: NodeWire = isAlone ? { ...heard.wire, role: 'candidate', leader: null } : heard.wire;
      const missed = { ...heard, wire, isUp: isAlone };
      this.#set({ heard: new Map(this.#state.heard).set(id, missed) });
    }
  }

  async #readLog(): Promise<void> {
    for (const place of this.answering()) {
      const said = await this.#caller.get(place, '/api/v1/admin/log');
      const actions = said?.status === 200 ? readActions(said.value) : null;
      if (actions === null) continue;
      this.#set({ actions });
      this.#tell();
      return;
    }
  }

  #set(more: Partial<WatchState>): void {
    this.#state = { ...this.#state, ...more };
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
