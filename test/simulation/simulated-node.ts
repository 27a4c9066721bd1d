/** One life of one node, put together as `main` does it, on simulated ports. */

import type { ClusterConfig } from '../../src/base/config.ts';
import { nodeConfig } from '../../src/base/config.ts';
import type { Disk } from '../../src/base/disk.ts';
import { limits } from '../../src/base/limits.ts';
import type { Logger } from '../../src/base/logger.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { Random } from '../../src/base/prng.ts';
import { ChatMachine } from '../../src/chat/machine.ts';
import type { SessionBounds } from '../../src/chat/sessions/sessions.ts';
import type { ChatEvent, Result } from '../../src/chat/vocabulary/types.ts';
import { type Files, openFiles } from '../../src/files/files.ts';
import { Edge } from '../../src/gateway/edge.ts';
import { Downloads } from '../../src/gateway/files/downloads.ts';
import { filePeers } from '../../src/gateway/files/file-peers.ts';
import { HttpSessions } from '../../src/gateway/http/http-session.ts';
import type { Service } from '../../src/gateway/requests/service.ts';
import type { Hasher } from '../../src/gateway/secrets/hasher.ts';
import { formats } from '../../src/replication/formats/versions.ts';
import type { Engine } from '../../src/replication/ports/engine.ts';
import { createEngine, type EngineHandle } from '../../src/replication/raft-engine.ts';
import type { CompactionSettings } from '../../src/replication/replica/compaction.ts';
import { type DataDirectory, openDataDirectory } from '../../src/replication/storage/data-directory.ts';
import { inVersions } from '../../src/replication/transport/versioned-transport.ts';
import type { StateStore } from '../../src/store/state-store.ts';
import type { ClientNetwork } from './client-network.ts';
import { FileDoor } from './file-door.ts';
import { Host } from './host.ts';
import { levelsOn } from './level.ts';
import type { Machine } from './machine.ts';
import type { PeerNetwork } from './network.ts';
import { SimulatedTransport } from './transport.ts';
import type { Watch } from './watch.ts';
import type { Place, Wiring } from './wiring.ts';
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
  /** That node gave its state up, because it is damaged. */
  readonly onDiscarded: (node: number) => void;
}

const ROOT = 'simulated';
/** Small as the simulated logs are. */
export const ROOM = { lowBytes: 120_000, reserveBytes: 30_000 };

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
  #files: Files | null = null;
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

  /** Null while the node takes nobody in. */
  get service(): Service | null {
    return this.#edge?.service ?? null;
  }

  /** Rejects as `main` does when a node refuses to start. */
  async start(): Promise<void> {
    const { config, segmentBytes, bounds, watch, wiring, random } = this.#around;
    const machine = this.#machine;
    const clock = wiring.clock(this.host.clock, { node: this.node, machine, clock: this.host.clock });
    const place = { node: this.node, machine, clock };
    const disk = wiring.disk(machine.disk.attach(this.host), place);
    const found = await openDataDirectory({
      cluster: config.cluster,
      node: this.node,
      random53: () => Math.floor(random.fraction() * 2 ** 53),
      root: ROOT,
      disk,
      clock,
      openLevel: wiring.openLevel(levelsOn(machine.disk, this.host, ROOT), place),
      segmentBytes,
    });
    if (found.discarded !== null) this.#around.onDiscarded(this.node);
    const identity = wiring.identity(found.identity, place);
    this.incarnation = identity.incarnation;
    this.#chat = new ChatMachine(bounds);
    this.#store = watch.store(this.node, wiring.store(found.store, place));
    const log = watch.log(this.node, identity.incarnation, wiring.log(found.log, place));
    await this.#assemble({ ...found, identity, log, store: this.#store }, this.#chat, disk, place);
  }

  async #assemble(directory: DataDirectory, chat: ChatMachine, disk: Disk, place: Place): Promise<void> {
    const { config, clients, watch, wiring, random } = this.#around;
    const { clock } = place;
    const handle = this.#createEngine(directory, chat, disk, place);
    const engine = watch.engine(this.node, wiring.engine(handle.engine, place));
    const peers = filePeers(engine, handle.streams);
    const files = await openFiles({ disk, roots: chat.files, peers, clock, random, logger: silentLogger });
    this.#files = files;
    handle.streams.onRequest((_node, question) => files.answer(question));
    const edge = new Edge({
      config,
      node: this.node,
      engine,
      bus: handle.bus,
      view: chat,
      store: directory.store,
      files,
      clock,
      random,
      logger: silentLogger,
      turn: (action) => this.#turn(action),
      hasher: new InstantHasher(),
      secureBytes: (count) => Uint8Array.from({ length: count }, () => random.below(256)),
    });
    this.#edge = edge;
    await handle.start();
    files.start();
    const { httpPort } = nodeConfig(config, this.node);
    const door = new FileDoor({
      uploads: edge.uploads,
      downloads: new Downloads({ view: chat, store: directory.store, files, clock }),
      sessions: new HttpSessions(chat, edge.service),
      onFault: (error) => this.#onFatal(error),
    });
    clients.listen(httpPort, {
      host: this.host,
      accept: (socket) => edge.openNative(wiring.socket(socket, place)),
      answer: (request) => door.answer(request),
    });
  }

  #createEngine(
    directory: DataDirectory,
    chat: ChatMachine,
    disk: Disk,
    place: Place,
  ): EngineHandle<Result, ChatEvent> {
    const { config, compaction, watch, wiring, peers, random } = this.#around;
    const { incarnation } = directory.identity;
    this.#transport = new SimulatedTransport(peers, this.host, { node: this.node, incarnation });
    const markIndex = (): number => directory.store.mark?.index ?? 0;
    this.#handle = createEngine<Result, ChatEvent>({
      ...directory,
      node: this.node,
      cluster: { name: config.cluster, nodes: config.nodes },
      machine: watch.machine(this.node, wiring.machine(chat, place), markIndex),
      transport: inVersions(watch.transport(wiring.transport(this.#transport, place)), formats),
      clock: place.clock,
      random,
      logger: this.#logger(),
      disk,
      room: ROOM,
      timings: config.timings,
      compaction,
      turn: (action) => this.#turn(action),
      onFatal: (error) => this.#onFatal(error),
      onRemoved: (error) => this.#onFatal(error),
      mayVote: (node) => (this.#files === null ? true : this.#files.hasEverything(node)),
      hasReaders: (node) => this.#edge?.delivery.presence.mayBeOn(node) ?? true,
    });
    return this.#handle;
  }

  #turn(action: () => void): void {
    this.host.world.after(0, 'timer', this.host, action);
  }

  /** As `main` at SIGTERM: leadership first, then the people, then the disk. */
  async stop(): Promise<void> {
    const [handle, edge] = [this.#handle, this.#edge];
    if (handle === null || edge === null) return;
    const { engine } = handle;
    if (engine.status().role === 'leader') await engine.handOver();
    await this.#bounded(edge.leave());
    await this.#bounded(edge.flush());
    edge.stop();
    this.#files?.stop();
    await engine.stop();
    await this.#store?.close();
    this.end(true);
  }

  async #bounded(work: Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.host.clock.after(limits.operationMs, resolve);
      void work.then(() => {
        timer.cancel();
        resolve();
      });
    });
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
