/** One node and its readers, in virtual time: what outboxes are tested on. */
import { limits } from '../../../src/base/limits.ts';
import { encodeProposal } from '../../../src/chat/codecs/codec.ts';
import type { ChatEvent, Command } from '../../../src/chat/vocabulary/types.ts';
import { Hub, sliceReaders } from '../../../src/delivery/hub.ts';
import { Outbox } from '../../../src/delivery/outbox.ts';
import type { HistoryStore, Push, Sink } from '../../../src/delivery/ports.ts';
import type { AppliedEvents } from '../../../src/replication/ports/engine.ts';
import { textTo } from '../../chat/support/world.ts';
import { FakeCluster, type FakeEngine } from '../../support/fake-engine.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

/** Bytes that each push pretends to take: five fill the window. */
export const pushBytes = limits.outboxBytes / 5;
export const names = ['ann', 'bob', 'cleo'];

/** Of the third kind of address, a group that all are in. */
export const group = '#team';

/** One node with three accounts, whose reads of the store take virtual time. */
export class World {
  readonly clock = new VirtualClock();
  readonly cluster = new FakeCluster();
  readonly engine: FakeEngine;
  readonly hub: Hub;
  readonly store: HistoryStore;
  readMs = 0;
  /** Applied, not yet told: the view is ahead of the hub, as while a group of entries is applied. */
  readonly #untold: AppliedEvents<ChatEvent>[] = [];
  readonly accounts: readonly number[];

  /** With a crowd, messages to the group are told in slices, a virtual millisecond apart. */
  constructor(options: { readonly crowd?: boolean } = {}) {
    this.engine = this.cluster.node(1);
    this.engine.held = true;
    for (const name of names) this.append(null, { kind: 'register', name, passwordHash: 'x' });
    this.engine.applyAll();
    this.accounts = names.map((name) => this.engine.machine.accountByName(name)?.id ?? 0);
    for (const account of this.accounts) {
      this.append(account, {
        kind: 'join-group',
        name: 'team',
        seen: null,
        create: true,
        passwordHash: null,
      });
    }
    this.engine.applyAll();
    this.hub = new Hub(this.engine.machine, this.engine.index, (action) => this.clock.after(1, action));
    if (options.crowd === true) this.#gather();
    this.engine.onApplied((applied) => this.#untold.push(applied));
    this.engine.onReset((index) => {
      this.tell();
      this.hub.reset(index);
    });
    this.store = {
      readStream: async (stream, range) => {
        if (this.readMs > 0) await new Promise<void>((resolve) => this.clock.after(this.readMs, resolve));
        return this.engine.store.readStream(stream, range);
      },
    };
  }

  #gather(): void {
    const ignore = (): void => undefined;
    const account = this.accounts[1] ?? 0;
    for (let at = 0; at < 2 * sliceReaders; at++) {
      this.hub.subscribe({
        account,
        message: ignore,
        amended: ignore,
        advanced: ignore,
        receipt: ignore,
        group: ignore,
        accountDeleted: ignore,
        reset: ignore,
      });
    }
  }

  get ports() {
    return { hub: this.hub, view: this.engine.machine, clock: this.clock, store: this.store };
  }

  apply(count = Number.POSITIVE_INFINITY): void {
    this.engine.applyAll(count);
    this.tell();
  }

  tell(): void {
    for (const applied of this.#untold.splice(0)) this.hub.publish(applied);
  }

  append(account: number | null, command: Command): void {
    const actor = account === null ? null : { account, session: null };
    this.cluster.append(encodeProposal({ numbering: null, actor, command }));
  }

  send(from: number, to: number, text: string): void {
    this.append(this.accounts[from] ?? 0, textTo(names[to] ?? group, text));
  }
}

export class Reader implements Sink {
  readonly #world: World;
  readonly account: number;
  readonly lags = false;
  readonly seen: Push[] = [];
  readonly cuts: string[] = [];
  caughtUps: number[] = [];
  #queue: Push[] = [];
  #outbox: Outbox | null = null;

  constructor(world: World, account: number) {
    this.#world = world;
    this.account = account;
  }

  get isOpen(): boolean {
    return this.#outbox !== null;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** From the first message on, or behind the last one seen. */
  open(): void {
    if (this.#outbox !== null) return;
    const after = this.seen.at(-1)?.message.index;
    this.#outbox = new Outbox(this.#world.ports, {
      account: this.account,
      start:
        after === undefined
          ? { kind: 'delivered', delivered: () => 0, lobbyAfter: null }
          : { kind: 'after', index: after },
      sink: this,
      accountDeleted: () => undefined,
      backlogMessages: 7,
    });
  }

  drop(): void {
    this.#outbox?.close();
    this.#outbox = null;
    this.#queue = [];
  }

  take(count: number): void {
    const taken = this.#queue.splice(0, count);
    this.seen.push(...taken);
    this.#outbox?.taken(taken.length * pushBytes);
  }

  push(push: Push): number {
    this.#queue.push(push);
    return pushBytes;
  }

  caughtUp(index: number): void {
    this.caughtUps.push(index);
  }

  cut(code: string): void {
    this.cuts.push(code);
    this.drop();
  }
}
