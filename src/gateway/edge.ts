/**
 * The edge of one node without the ports it listens on: who may ask what, how answers and events go out, and the sessions of the native
 * protocol on whatever carries their frames. It touches no socket of the platform, so a simulation runs it as it is.
 */
import type { Clock } from '../base/clock.ts';
import type { ClusterConfig } from '../base/config.ts';
import type { Logger } from '../base/logger.ts';
import type { Random } from '../base/prng.ts';
import { encodeProposal } from '../chat/codecs/codec.ts';
import { formatOf } from '../chat/codecs/command-format.ts';
import type { ChatEvent, Command, CursorAdvance, Result } from '../chat/vocabulary/types.ts';
import type { ChatView } from '../chat/vocabulary/view.ts';
import { Acknowledger } from '../delivery/acknowledger.ts';
import { Cursors } from '../delivery/cursors.ts';
import { Hub } from '../delivery/hub.ts';
import { Presence } from '../delivery/presence.ts';
import { Watchers } from '../delivery/watchers.ts';
import type { Files } from '../files/files.ts';
import type { NativeEvent, NodeAddress } from '../protocol/native.ts';
import { encodeNative } from '../protocol/native-codec.ts';
import type { Engine, PeerBus } from '../replication/ports/engine.ts';
import { ClusterClock } from './cluster-clock.ts';
import type { Ticket } from './connections/address-limits.ts';
import { Counters } from './connections/counters.ts';
import type { Delivery } from './connections/subscription.ts';
import { Uploads } from './files/uploads.ts';
import { FramePacker } from './native/frame-packer.ts';
import { NativeSession } from './native/native-session.ts';
import type { NativeSocket } from './native/native-socket.ts';
import type { HistoryStore } from './reads/history.ts';
import type { SearchPort } from './reads/message-search.ts';
import type { HookServiceOptions } from './requests/hook-service.ts';
import { policyOf } from './requests/policy.ts';
import { Service } from './requests/service.ts';
import { RetentionKeeper } from './retention-keeper.ts';
import type { Hasher } from './secrets/hasher.ts';

export interface EdgeOptions {
  readonly config: ClusterConfig;
  /** Number of this node in the configuration. */
  readonly node: number;
  readonly engine: Engine<Result, ChatEvent>;
  readonly bus: PeerBus;
  readonly view: ChatView;
  readonly store: HistoryStore;
  /** Which messages hold which words; absent: nothing is found here. Starting and stopping it is the caller's. */
  readonly search?: SearchPort;
  /** This node's chunks; starting and stopping them is the caller's. */
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Runs the action once, soon: `setImmediate` in production. */
  readonly turn: (action: () => void) => void;
  readonly hasher: Hasher;
  /** Left out: there are no webhooks. */
  readonly hooks?: HookServiceOptions['hooks'];
  /** So many bytes from a cryptographic generator: for UUIDs, secrets and codes. */
  readonly secureBytes: (count: number) => Uint8Array;
}

const dayMs = 24 * 3_600_000;

export class Edge {
  readonly counters = new Counters();
  readonly delivery: Delivery & { readonly cursors: Cursors; readonly hub: Hub };
  readonly service: Service;
  readonly uploads: Uploads;
  readonly #retention: RetentionKeeper;
  readonly #options: EdgeOptions;
  readonly #natives = new Set<NativeSession>();
  readonly #packer = new FramePacker();
  #toldNodes = '';
  /** The node goes away: whoever still comes is sent on, or the stop would wait for them. */
  #leaving = false;
  readonly #unsubscribe: readonly (() => void)[];

  constructor(options: EdgeOptions) {
    const { engine, clock, random, logger, view, store, bus, config, hasher, secureBytes } = options;
    this.#options = options;
    const cursors = new Cursors(clock, (advances) => this.#proposeCursors(advances));
    const acknowledger = new Acknowledger(clock, (said) =>
      this.#proposeOwn({ kind: 'acknowledge', ...said }),
    );
    const hub = new Hub(view, engine.status().appliedIndex, options.turn);
    const presence = new Presence(clock, random, bus);
    const watchers = new Watchers({ clock, presence, view });
    this.delivery = { hub, view, store, clock, cursors, acknowledger, presence, watchers };
    this.uploads = new Uploads({ engine, view, files: options.files, quota: config.files });
    const clusterClock = new ClusterClock(clock, view);
    this.service = new Service({
      engine,
      view,
      store,
      presence,
      watchers,
      hasher,
      clock,
      clusterClock,
      secureBytes,
      counters: this.counters,
      logger,
      policy: policyOf(config),
      uploads: this.uploads,
      hooks: options.hooks ?? null,
      search: options.search ?? null,
    });
    const { keepDays } = config.messages;
    this.#retention = new RetentionKeeper({
      clock,
      view,
      clusterClock,
      leads: () => engine.status().role === 'leader',
      defaultMs: keepDays === undefined ? null : keepDays * dayMs,
      proposeOwn: this.service.proposeOwn,
    });
    this.#unsubscribe = [
      engine.onApplied(() => clusterClock.observe()),
      engine.onApplied((applied) => hub.publish(applied)),
      engine.onReset((index) => hub.reset(index)),
      engine.onApplied(({ events }) => options.search?.applied(events)),
      engine.onReset(() => options.search?.reset()),
      engine.onLeader((leader) => this.#announce(leader)),
      engine.onMembers(() => this.#announceNodes()),
    ];
  }

  openNative(socket: NativeSocket, address: string | null = null, ticket = this.openTicket(address)): void {
    const { config, node, engine, view, clock, logger, turn } = this.#options;
    const session = new NativeSession(socket, {
      service: this.service,
      delivery: this.delivery,
      counters: this.counters,
      view,
      logger,
      clock,
      address,
      ticket,
      node,
      nodes: () => this.#nodes(),
      leader: () => engine.status().leader,
      helloMs: config.limits.silentMs,
      turn,
      packer: this.#packer,
    });
    this.#natives.add(session);
    socket.once('close', () => this.#natives.delete(session));
    if (this.#leaving) session.close('GOING_AWAY');
  }

  /** Counts a connection that may show a session. */
  openTicket(address: string | null): Ticket {
    return this.service.addresses.open(address, true);
  }

  /** Says goodbye on every native connection once what is under way is answered. */
  async leave(): Promise<void> {
    this.#leaving = true;
    await Promise.all([...this.#natives].map((session) => session.leave()));
  }

  /** What the readers of this node said goes into the state. */
  async flush(): Promise<void> {
    const { cursors, acknowledger } = this.delivery;
    await Promise.all([cursors.flush(), acknowledger.flush(), this.service.tokens.flush()]);
  }

  /** Nothing is told or proposed any more. */
  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.service.accounts.stop();
    this.service.guard.stop();
    this.service.tokens.stop();
    this.delivery.cursors.stop();
    this.delivery.acknowledger.stop();
    this.#retention.stop();
    this.delivery.watchers.stop();
    this.delivery.presence.stop();
  }

  #announce(leader: number | null): void {
    if (leader !== null) this.counters.leaderChanges += 1;
    this.#tellAll({ ev: 'leader', leader });
  }

  #announceNodes(): void {
    const nodes = this.#nodes();
    const text = JSON.stringify(nodes);
    if (text === this.#toldNodes) return;
    this.#toldNodes = text;
    this.#tellAll({ ev: 'nodes', nodes });
  }

  #tellAll(event: NativeEvent): void {
    for (const part of encodeNative(event)) for (const session of this.#natives) session.announce(part);
  }

  /** Where people can connect: the members, and no guest, who may be gone tomorrow. */
  #nodes(): readonly NodeAddress[] {
    const { config, engine } = this.#options;
    const { members } = engine.status();
    const listed = members.filter(({ state }) => state === 'voter' || state === 'learner');
    return (listed.length > 0 ? listed : config.nodes).map(({ id, host, chatPort, httpPort }) => ({
      id,
      host,
      chatPort,
      httpPort,
    }));
  }

  #proposeCursors(cursors: readonly CursorAdvance[]): Promise<boolean> {
    return this.#proposeOwn({ kind: 'advance-cursors', cursors });
  }

  /** A command of this node for its connections, of which nobody waits for more than that it was applied. */
  async #proposeOwn(command: Command): Promise<boolean> {
    const proposal = encodeProposal({ numbering: null, actor: null, command });
    const outcome = await this.#options.engine.propose(proposal, formatOf(command));
    return outcome.kind === 'applied';
  }
}
