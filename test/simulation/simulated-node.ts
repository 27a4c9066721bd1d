/** One life of one node, put together as `main` does it, on simulated ports. */
import type { ClusterConfig } from '../../src/base/config.ts';
import { nodeConfig } from '../../src/base/config.ts';
import type { Logger } from '../../src/base/logger.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { Random } from '../../src/base/prng.ts';
import { ChatMachine } from '../../src/chat/machine.ts';
import type { SessionBounds } from '../../src/chat/sessions.ts';
import type { ChatEvent, Result } from '../../src/chat/types.ts';
import { Edge } from '../../src/gateway/edge.ts';
import type { Hasher } from '../../src/gateway/hasher.ts';
import type { CompactionSettings } from '../../src/replication/compaction.ts';
import type { Engine } from '../../src/replication/engine.ts';
import { loadIdentity } from '../../src/replication/identity.ts';
import { createEngine, type EngineHandle } from '../../src/replication/raft-engine.ts';
import { openState } from '../../src/store/state.ts';
import type { StateStore } from '../../src/store/state-store.ts';
import { openLog } from '../../src/wal/log.ts';
import type { ClientNetwork } from './client-network.ts';
import { Host } from './host.ts';
import { levelsOn } from './level.ts';
import type { Machine } from './machine.ts';
import type { PeerNetwork } from './network.ts';
import { SimulatedTransport } from './transport.ts';
import type { Watch } from './watch.ts';
import type { Wiring } from './wiring.ts';
import type { World } from './world.ts';

export interface NodeSurroundings {
  readonly world: World;
  readonly config: ClusterConfig;
  readonly compaction: CompactionSettings;
  readonly segmentBytes: number;
  readonly bounds: Partial<SessionBounds>;
  readonly peers: PeerNetwork;
  readonly clients: ClientNetwork;
  readonly watch: Watch;
  readonly wiring: Wiring;
  readonly random: Random;
}

const ROOT = 'simulated';

export class SimulatedNode {
  readonly node: number;
  readonly host: Host;
  readonly #machine: Machine;
  readonly #around: NodeSurroundings;
  readonly #onFatal: (error: unknown) => void;
  #transport: SimulatedTransport | null = null;
  #handle: EngineHandle<Result, ChatEvent> | null = null;
  #edge: Edge | null = null;
  #store: StateStore | null = null;
  #chat: ChatMachine | null = null;
  incarnation = 0;

  constructor(machine: Machine, around: NodeSurroundings, onFatal: (error: unknown) => void) {
    this.node = machine.node;
    this.#machine = machine;
    this.#around = around;
    this.#onFatal = onFatal;
    this.host = new Host(around.world, machine.node, `node ${machine.node}`, machine.clock);
  }

  /** Null while it opens its disk. */
  get engine(): Engine<Result, ChatEvent> | null {
    return this.#handle?.engine ?? null;
  }

  get store(): StateStore | null {
    return this.#store;
  }

  get chat(): ChatMachine | null {
    return this.#chat;
  }

  get handle(): EngineHandle<Result, ChatEvent> | null {
    return this.#handle;
  }

  /** Rejects as `main` does when a node refuses to start. */
  async start(): Promise<void> {
    const { world, config, compaction, segmentBytes, bounds, watch, wiring, peers } = this.#around;
    const { random } = this.#around;
    const machine = this.#machine;
    const clock = wiring.clock(this.host.clock, { node: this.node, machine, clock: this.host.clock });
    const place = { node: this.node, machine, clock };
    const disk = wiring.disk(machine.disk.attach(this.host), place);
    const random53 = (): number => Math.floor(random.fraction() * 2 ** 53);
    const identity = wiring.identity(
      await loadIdentity(disk, { cluster: config.cluster, node: this.node, random53 }),
      place,
    );
    this.incarnation = identity.incarnation;
    const openLevel = wiring.openLevel(levelsOn(machine.disk, this.host, ROOT), place);
    const store = watch.store(
      this.node,
      wiring.store(await openState({ root: ROOT, disk, clock, openLevel }), place),
    );
    const opened = await openLog({ disk, directory: 'wal', segmentBytes, identity: identity.incarnation });
    const log = watch.log(this.node, identity.incarnation, wiring.log(opened, place));
    const chat = new ChatMachine(bounds);
    this.#store = store;
    this.#chat = chat;
    this.#transport = new SimulatedTransport(peers, this.host, {
      node: this.node,
      incarnation: identity.incarnation,
    });
    const turn = (action: () => void): void => void world.after(0, 'timer', this.host, action);
    this.#handle = createEngine<Result, ChatEvent>({
      node: this.node,
      cluster: { name: config.cluster, nodes: config.nodes },
      identity,
      log,
      store,
      machine: watch.machine(this.node, wiring.machine(chat, place), () => store.mark?.index ?? 0),
      transport: wiring.transport(this.#transport, place),
      clock,
      random,
      logger: this.#logger(),
      timings: config.timings,
      compaction,
      turn,
      onFatal: (error) => this.#onFatal(error),
    });
    const { engine, bus } = this.#handle;
    this.#edge = new Edge({
      config,
      node: this.node,
      engine: wiring.engine(engine, place),
      bus,
      view: chat,
      store,
      clock,
      random,
      logger: silentLogger,
      turn,
      hasher: new InstantHasher(),
    });
    const edge = this.#edge;
    await this.#handle.start();
    const { httpPort } = nodeConfig(config, this.node);
    this.#around.clients.listen(httpPort, { host: this.host, accept: (socket) => edge.openNative(socket) });
  }

  /** As `main` at SIGTERM: leadership first, then the people, then the disk. */
  async stop(): Promise<void> {
    const [handle, edge] = [this.#handle, this.#edge];
    if (handle === null || edge === null) return;
    if (handle.engine.status().role === 'leader') await handle.engine.handOver();
    await edge.leave();
    await edge.delivery.cursors.flushWithin(5_000);
    edge.stop();
    await handle.engine.stop();
    await this.#store?.close();
    this.end(true);
  }

  /** The process is over. `heard`: the machine is not, and closes its connections. */
  end(heard: boolean): void {
    this.host.kill();
    this.#transport?.end(heard);
    const { httpPort } = nodeConfig(this.#around.config, this.node);
    this.#around.clients.ended(httpPort, this.host, heard);
  }

  /** What the engine says about its role is the earliest word of it. */
  #logger(): Logger {
    const { watch } = this.#around;
    return {
      ...silentLogger,
      info: (fields, text) => {
        if (text === 'role' && fields.role === 'leader' && typeof fields.term === 'number')
          watch.leads(this.node, fields.term);
      },
    };
  }
}

/** Passwords in plain, at once: hashing is no part of what is simulated. */
class InstantHasher implements Hasher {
  readonly load = 0;

  async hash(password: string): Promise<string> {
    return `plain ${password}`;
  }

  async verify(hash: string | null, password: string): Promise<boolean> {
    return hash === `plain ${password}`;
  }

  async stop(): Promise<void> {
    await Promise.resolve();
  }
}
