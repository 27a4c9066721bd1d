/**
 * One node of a cluster, wired together: configuration and key, the two stores on disk, the chat as the state machine, consensus
 * between the peers, and the gateways that people connect to. Signals and exit codes are here; everything else is in its room.
 */
import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { destination, pino } from 'pino';
import { codedDisk } from './base/coded-disk.ts';
import { type ClusterConfig, isLoopback, type NodeConfig, nodeConfig } from './base/config.ts';
import type { Disk } from './base/disk.ts';
import { CodedError } from './base/errors.ts';
import { EXIT_SOFTWARE, exitCodeFor } from './base/exit-codes.ts';
import type { Logger } from './base/logger.ts';
import { seededRandom } from './base/prng.ts';
import { systemClock } from './base/system-clock.ts';
import { isPlainText } from './base/transport-config.ts';
import { ChatMachine } from './chat/machine.ts';
import type { ChatEvent, Result } from './chat/vocabulary/types.ts';
import { defaultConfigPath, readConfig } from './cli/cluster/nodes.ts';
import {
  type Arguments,
  configFlag,
  type Program,
  runProgram,
  versionText,
} from './cli/program/arguments.ts';
import { type Files, openFiles } from './files/files.ts';
import { filePeers } from './gateway/files/file-peers.ts';
import { createGateway, type Gateway } from './gateway/gateway.ts';
import { BackupRecord } from './gateway/operations/backup-record.ts';
import { DiskFigures } from './gateway/operations/disk-figures.ts';
import { operationsToken } from './gateway/operations/operations-token.ts';
import { waitForRoom } from './gateway/operations/waiting-page.ts';
import { formats } from './replication/formats/versions.ts';
import type { Engine } from './replication/ports/engine.ts';
import { createEngine, type EngineHandle } from './replication/raft-engine.ts';
import { openDataDirectory, withRemedy } from './replication/storage/data-directory.ts';
import { loadClusterKey } from './replication/transport/cluster-key.ts';
import { createTcpTransport } from './replication/transport/tcp-transport.ts';
import { inVersions } from './replication/transport/versioned-transport.ts';
import { openSearch, type Search } from './search/search.ts';
import type { StateStore } from './store/state-store.ts';
import { TransportSecurity } from './tls/transport-security.ts';
import { nodeDisk } from './wal/node-disk.ts';

/** Between two questions whether this node has caught up. */
const askAgainMs = 50;

const program: Program = {
  command: 'npm run node --',
  summary: 'Runs one node of a cluster until SIGTERM or Ctrl-C. SIGHUP takes up new certificates.',
  flags: [
    { name: 'id', value: 'N', help: 'which node of the configuration this is' },
    configFlag,
    { name: 'data', value: 'DIR', help: 'where this node keeps its data (default data/node-N)' },
    {
      name: 'peer-listen',
      value: 'PORT',
      help: 'listen for the other nodes there, where something else forwards the port of the file',
    },
    { name: 'log-level', value: 'LEVEL', help: 'debug, info, warn or error (default info)' },
  ],
  notes: [
    [
      'Exit codes: 0 stopped, 64 command line, 65 damaged data, 69 port in use, 70 a bug, 74 the disk failed (start again: it',
      'recovers), 75 data directory in use, 77 cluster key, 78 configuration or certificates, 79 removed from the cluster.',
    ].join('\n'),
  ],
};

interface Node {
  readonly self: NodeConfig;
  readonly store: StateStore;
  readonly files: Files;
  readonly search: Search;
  readonly handle: EngineHandle<Result, ChatEvent>;
  readonly gateway: Gateway;
  readonly security: TransportSecurity;
  readonly logger: Logger;
  readonly life: { stopping: boolean };
  /** Resolves when this node is no member any more. */
  readonly removed: Promise<CodedError>;
}

async function main(args: Arguments): Promise<number> {
  const id = args.number('id', 1, 1_000);
  if (id === undefined)
    throw new CodedError('USAGE', '--id is missing: which node of the configuration is this?');
  const configPath = resolve(args.text('config') ?? defaultConfigPath);
  const config = readConfig(configPath);
  const self = nodeConfig(config, id);
  const logger = makeLogger(args.text('log-level') ?? 'info', id);
  const root = resolve(args.text('data') ?? join('data', `node-${id}`));
  const peerListen = args.number('peer-listen', 1, 65_535) ?? self.peerPort;
  const disk = nodeDisk(root);
  await codedDisk(disk).makeDirectory('.');
  const clock = systemClock;
  const security = await TransportSecurity.load({ config, configPath, node: self.id, clock, logger });
  process.on('SIGHUP', () => void security.reload());
  const key = await loadClusterKey(configPath, config.profile === 'loopback-demo');
  const token = isLoopback(self.host) ? null : operationsToken(key);
  const page = { self, tls: isPlainText(config, 'http') ? null : security.server, operationsToken: token };
  const room = { ...page, disk, settings: config.disk, clock, logger, stopAsked };
  if (!(await waitForRoom(room))) return 0;
  const node = await assemble({ config, self, peerListen, root, disk, security, key, logger });
  await start(node);
  const reason = await Promise.race([stopAsked(), node.removed]);
  const removed = typeof reason !== 'string';
  logger.info({ reason: removed ? reason.code : reason }, 'stopping');
  await stop(node);
  if (removed) throw reason;
  return 0;
}

interface Place {
  readonly config: ClusterConfig;
  readonly self: NodeConfig;
  readonly peerListen: number;
  readonly root: string;
  readonly disk: Disk;
  readonly security: TransportSecurity;
  readonly key: Uint8Array;
  readonly logger: Logger;
}

async function assemble(place: Place): Promise<Node> {
  const { config, self, peerListen, root, disk, security, key, logger } = place;
  const clock = systemClock;
  const random = seededRandom(random53());
  const owner = { cluster: config.cluster, node: self.id, random53 };
  const figures = new DiskFigures();
  const { onRound, onBatch } = figures;
  const directory = { root, disk, clock, onRound, onBatch };
  const { identity, log, store, discarded } = await openDataDirectory({ ...owner, ...directory });
  const machine = new ChatMachine();
  let onRemoved: (error: CodedError) => void = () => undefined;
  const removed = new Promise<CodedError>((resolve) => {
    onRemoved = resolve;
  });
  const transport = createTcpTransport({
    cluster: config.cluster,
    node: self.id,
    incarnation: identity.incarnation,
    host: self.host,
    port: peerListen,
    peers: config.nodes.filter(({ id }) => id !== self.id),
    key,
    tls: security.peer,
    random,
    logger,
    onWrongKey: (error) => die(error, logger),
  });
  const handle = createEngine<Result, ChatEvent>({
    node: self.id,
    cluster: { name: config.cluster, nodes: config.nodes },
    identity,
    log,
    store,
    discarded,
    disk,
    room: config.disk,
    machine,
    transport: inVersions(transport, formats),
    clock,
    random,
    logger,
    timings: config.timings,
    compaction: config.compaction,
    turn: setImmediate,
    onFatal: (error) => die(error, logger),
    onRemoved,
    mayVote: (node) => files.hasEverything(node),
    hasReaders: (node) => gateway.mayHaveReaders(node),
  });
  const { engine, bus, streams } = handle;
  // The engine asks neither the files nor the gateway before it is started.
  const files = await openFiles({
    disk,
    roots: machine.files,
    peers: filePeers(engine, streams),
    clock,
    random,
    logger,
    scrubBytesPerSecond: config.files.scrubBytesPerSecond,
    reserveBytes: config.files.reserveBytes,
  });
  const search = openSearch(root, {
    view: machine,
    store,
    clock,
    logger,
    hasRoom: () => hasRoomToSpare(engine.status().storage?.room ?? null),
  });
  streams.onRequest((_node, question) => files.answer(question));
  const gateway = await createGateway({
    config,
    node: self.id,
    engine,
    bus,
    view: machine,
    store,
    storage: {
      state: store,
      log,
      figures,
      disk,
      backups: await BackupRecord.open(disk, logger),
      version: versionText(),
    },
    files,
    search,
    security,
    peerRefusals: () => transport.counters.refused,
    clock,
    random,
    logger,
    operatorKey: key,
    killSelf: () => process.kill(process.pid, 'SIGKILL'),
  });
  return {
    self,
    store,
    files,
    search,
    handle,
    gateway,
    security,
    logger,
    life: { stopping: false },
    removed,
  };
}

async function start(node: Node): Promise<void> {
  const { handle, gateway } = node;
  try {
    await handle.start();
    node.files.start();
    node.search.start();
    await gateway.listen();
  } catch (error) {
    // Whatever was opened must not keep the process from ending.
    await gateway.stop();
    await handle.engine.stop();
    throw withRemedy(error, node.self.id);
  }
  void announce(node);
}

/** Ready means: there is a leader, and this node has applied what was committed when it came. */
async function announce({ self, handle, life }: Node): Promise<void> {
  while (!(await caughtUp(handle.engine))) {
    if (life.stopping) return;
    // An engine that has ceased refuses at once, and would be asked for ever without anything else getting its turn.
    await delay(askAgainMs);
  }
  const { id, host, chatPort, httpPort } = self;
  console.log(`node ${id} ready: chat ${host}:${chatPort} http ${host}:${httpPort}`);
}

async function caughtUp(engine: Engine<Result, ChatEvent>): Promise<boolean> {
  try {
    await engine.barrier();
    return true;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'UNAVAILABLE') return false;
    throw error;
  }
}

/** Leadership goes first, then the people, then the disk: no request of a library client fails. */
async function stop({ handle, gateway, files, search, security, store, logger, life }: Node): Promise<void> {
  life.stopping = true;
  const { engine } = handle;
  if (engine.status().role === 'leader') {
    const handedOver = await engine.handOver();
    logger.info({ handedOver }, 'leadership');
  }
  security.stop();
  await gateway.stop();
  files.stop();
  await search.stop();
  await engine.stop();
  await store.close();
}

/** What can be made again waits until there is room for what cannot. */
function hasRoomToSpare(room: { readonly freeBytes: number; readonly lowBytes: number } | null): boolean {
  return room === null || room.freeBytes > 2 * room.lowBytes;
}

function stopAsked(): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
    // Started by a program that wants no orphans: its end closes the channel, perhaps while this node was still starting.
    if (process.env.CONCLAVE_PARENT !== 'ipc') return;
    process.once('disconnect', () => resolve('parent gone'));
    if (!process.connected) resolve('parent gone');
  });
}

/** The node cannot go on. Nothing is saved or said to anyone: a kill is as safe as a planned stop. */
function die(error: unknown, logger: Logger): never {
  if (error instanceof CodedError) {
    logger.error({ code: error.code, cause: causeOf(error) }, error.message);
    console.error(error.message);
    process.exit(exitCodeFor(error.code));
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  logger.error({ stack }, 'the node contradicts itself and stops');
  process.exit(EXIT_SOFTWARE);
}

function causeOf(error: Error): string | undefined {
  return error.cause instanceof Error ? error.cause.message : undefined;
}

function makeLogger(level: string, node: number): Logger {
  const levels = ['debug', 'info', 'warn', 'error'];
  if (!levels.includes(level))
    throw new CodedError('USAGE', `--log-level must be one of ${levels.join(', ')}`);
  // Synchronous: the last line before an abort is the one that matters.
  return pino({ level, base: { node } }, destination({ dest: 2, sync: true }));
}

function random53(): number {
  return Number(randomBytes(8).readBigUInt64BE() >> 11n);
}

process.on('unhandledRejection', (error) => {
  console.error(error);
  process.exit(EXIT_SOFTWARE);
});
await runProgram(program, main);
// Everything was stopped in order; a handle that is still open must not keep a stopped node alive.
process.exit();
