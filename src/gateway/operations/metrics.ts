/** What Prometheus may ask. Nothing is counted here: each figure is read where it is kept, when it is asked for. */
import { basename } from 'node:path';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Cursors } from '../../delivery/cursors.ts';
import type { Hub } from '../../delivery/hub.ts';
import type { FilesStatus } from '../../files/files.ts';
import type { EngineStatus, StorageStatus } from '../../replication/ports/engine.ts';
import type { Expiry } from '../../tls/material.ts';
import type { Counters } from '../connections/counters.ts';
import type { Hasher } from '../secrets/hasher.ts';
import type { NodeStorage } from './node-storage.ts';

export interface MetricsSources {
  readonly status: () => EngineStatus;
  readonly counters: Counters;
  readonly hasher: Pick<Hasher, 'load'>;
  readonly hub: Hub;
  readonly cursors: Cursors;
  readonly files: () => FilesStatus;
  readonly certificates: () => readonly Expiry[];
  readonly peerRefusals: () => Readonly<Record<string, number>>;
  readonly storage: NodeStorage | null;
  /** Messages that the index for searches lacks; null: not looked yet. */
  readonly searchMissing: () => number | null;
}

const nanosecondsPerSecond = 1e9;
/** The histogram's own interval, which each of its samples contains. */
const sampleMs = 20;
const roles: readonly EngineStatus['role'][] = [
  'leader',
  'follower',
  'candidate',
  'learner',
  'observer',
  'founding',
];

function lateSeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / nanosecondsPerSecond - sampleMs / 1_000);
}

/** What alarms begin with, before a colon. */
const alarmKinds = ['disk', 'log', 'state', 'group port', 'other'];

function kindOf(alarm: string): string {
  const [kind = ''] = alarm.split(':');
  return alarmKinds.includes(kind) ? kind : 'other';
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #loopDelay: IntervalHistogram = monitorEventLoopDelay({ resolution: sampleMs });

  constructor(sources: MetricsSources) {
    this.#loopDelay.enable();
    this.#addEngine(sources.status);
    this.#addDisk(sources.status);
    if (sources.storage !== null) this.#addStorage(sources.storage);
    this.#addGateway(sources);
    this.#addFiles(sources.files);
    this.#addSecurity(sources);
    this.#addProcess();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  stop(): void {
    this.#loopDelay.disable();
  }

  #addEngine(status: () => EngineStatus): void {
    this.#gauge('conclave_raft_term', 'Current term.', () => status().term);
    this.#gauge(
      'conclave_raft_commit_index',
      'Highest quorum-durable log index known here.',
      () => status().commitIndex,
    );
    this.#gauge(
      'conclave_raft_applied_index',
      'Highest log index applied here.',
      () => status().appliedIndex,
    );
    this.#gauge('conclave_raft_has_leader', '1 while a leader is known.', () =>
      status().leader === null ? 0 : 1,
    );
    this.#gauge('conclave_alarms', 'Alarms that are raised.', () => status().alarms.length);
    this.#labelled('conclave_alarms_by_kind', 'Alarms that are raised, by what they are about.', 'kind', () =>
      alarmKinds.map((kind) => [kind, status().alarms.filter((alarm) => kindOf(alarm) === kind).length]),
    );
    this.#labelled('conclave_raft_role', 'The role of this node: 1 for the one it has.', 'role', () =>
      roles.map((role) => [role, status().role === role ? 1 : 0]),
    );
    this.#addMembers(status);
  }

  #addDisk(status: () => EngineStatus): void {
    const storage = (): StorageStatus => status().storage ?? { rebuilds: 0, checkedIndex: 0, room: null };
    this.#gauge(
      'conclave_disk_free_bytes',
      'Left on the file system of the data; 0 while unknown.',
      () => storage().room?.freeBytes ?? 0,
    );
    this.#gauge(
      'conclave_disk_low_bytes',
      'The mark below which the disk counts as low on space; 0 while unknown.',
      () => storage().room?.lowBytes ?? 0,
    );
    this.#counter(
      'conclave_state_rebuilds_total',
      'Times that this node replaced its state, or built it anew, after damage.',
      () => storage().rebuilds,
    );
    this.#gauge(
      'conclave_state_checked_index',
      'Highest log index at which the state was compared with another node.',
      () => storage().checkedIndex,
    );
  }

  #addMembers(status: () => EngineStatus): void {
    this.#gauge(
      'conclave_voters',
      'Members that count toward the majority.',
      () => status().members.filter(({ voter, oldVoter }) => voter || oldVoter).length,
    );
    this.#gauge(
      'conclave_voters_reachable',
      'Of those, how many this node has a connection with, itself included.',
      () => status().members.filter(({ voter, reachable }) => voter && reachable).length,
    );
    this.#labelled(
      'conclave_peer_reachable',
      'Whether this node has a connection with a member.',
      'peer',
      () => status().members.map((member) => [String(member.id), member.reachable ? 1 : 0]),
    );
    this.#labelled(
      'conclave_peer_lag_entries',
      'Entries a member is behind; on the leader only.',
      'peer',
      () =>
        status().members.flatMap((member) => (member.lag === null ? [] : [[String(member.id), member.lag]])),
    );
  }

  #addStorage({ state, log, figures, backups }: NodeStorage): void {
    for (const metric of figures.metrics) this.#registry.registerMetric(metric);
    this.#gauge('conclave_log_bytes', 'Size of the log on the disk.', () => log.bytes);
    this.#gauge(
      'conclave_state_pending_bytes',
      'Of the applied state, not written yet.',
      () => state.pendingBytes,
    );
    this.#gauge(
      'conclave_backup_finished_timestamp_seconds',
      'When this node was last read to its end for a backup, in seconds since 1970; 0: never.',
      () => (backups.finishedMs ?? 0) / 1_000,
    );
  }

  #addGateway({ counters, hasher, hub, searchMissing }: MetricsSources): void {
    this.#labelledCounter('conclave_proposals_total', 'Proposals of this node by outcome.', 'outcome', () => [
      ['applied', counters.proposalsApplied],
      ['refused', counters.proposalsRefused],
      ['unknown', counters.proposalsUnknown],
    ]);
    this.#labelled('conclave_connections', 'Open connections.', 'port', () => [
      ['chat', counters.chatConnections],
      ['native', counters.nativeConnections],
    ]);
    this.#counter(
      'conclave_leader_changes_total',
      'Times that this node heard of a new leader: elections.',
      () => counters.leaderChanges,
    );
    this.#counter('conclave_rejections_total', 'Requests that were rejected.', () => counters.rejections);
    this.#counter('conclave_reads_total', 'Linearizable reads.', () => counters.reads);
    this.#counter('conclave_pushes_total', 'Messages pushed to readers.', () => counters.pushes);
    this.#counter('conclave_slow_readers_total', 'Readers cut off.', () => counters.slowReaders);
    this.#counter(
      'conclave_connections_refused_total',
      'Connections over the limit.',
      () => counters.connectionsRefused,
    );
    this.#counter(
      'conclave_attempts_limited_total',
      'Attempts at a password that were refused unseen.',
      () => counters.attemptsLimited,
    );
    this.#counter(
      'conclave_tls_handshakes_failed_total',
      'TLS handshakes on the ports for people that failed.',
      () => counters.handshakesFailed,
    );
    this.#labelledCounter(
      'conclave_webhook_attempts_total',
      'Messages sent to webhooks, by outcome.',
      'outcome',
      () => [
        ['taken', counters.hookDeliveries],
        ['failed', counters.hookFailures],
      ],
    );
    this.#counter('conclave_bad_frames_total', 'Native frames refused.', () => counters.badFrames);
    this.#gauge('conclave_hash_load', 'Password hashes waiting or running.', () => hasher.load);
    this.#gauge('conclave_subscribers', 'Logged-in connections.', () => hub.subscribers);
    this.#gauge(
      'conclave_delivery_waiting_events',
      'Events that wait behind one that many are told.',
      () => hub.waiting,
    );
    this.#counter(
      'conclave_outbox_overflows_total',
      'Times that a reader was too slow and read on from the store.',
      () => hub.overflows,
    );
    this.#gauge(
      'conclave_search_missing_messages',
      'Messages that are not in the index for searches yet; -1 while unknown.',
      () => searchMissing() ?? -1,
    );
  }

  #addFiles(status: () => FilesStatus): void {
    this.#gauge('conclave_file_chunks', 'Chunks of files on this node.', () => status().chunks);
    this.#gauge(
      'conclave_file_chunks_missing',
      'Chunks that messages refer to and this node lacks.',
      () => status().missing,
    );
    this.#gauge(
      'conclave_file_chunks_gone',
      'Chunks that messages refer to and no voter has.',
      () => status().gone,
    );
    this.#counter(
      'conclave_file_chunks_damaged_total',
      'Chunks found damaged, and dropped.',
      () => status().damaged,
    );
    this.#counter(
      'conclave_file_chunks_fetched_total',
      'Chunks brought from other nodes.',
      () => status().fetched,
    );
    this.#counter(
      'conclave_file_chunks_collected_total',
      'Unreferenced chunks removed.',
      () => status().collected,
    );
    this.#counter(
      'conclave_file_chunks_scrubbed_total',
      'Chunks read again to find damage.',
      () => status().scrubbed,
    );
  }

  #addSecurity({ certificates, peerRefusals }: MetricsSources): void {
    this.#labelled(
      'conclave_certificate_not_after_seconds',
      'When a certificate in use expires, in seconds since 1970.',
      'file',
      () => certificates().map(({ path, notAfterMs }) => [basename(path), notAfterMs / 1_000]),
    );
    this.#labelledCounter(
      'conclave_peer_connections_refused_total',
      'Connections between nodes that were refused since the start.',
      'reason',
      () => Object.entries(peerRefusals()),
    );
  }

  #addProcess(): void {
    const delay = this.#loopDelay;
    this.#labelled(
      'conclave_event_loop_delay_seconds',
      'Delay of the event loop since the last scrape.',
      'percentile',
      () => {
        const values: [string, number][] = [
          ['50', lateSeconds(delay.percentile(50))],
          ['99', lateSeconds(delay.percentile(99))],
          ['100', lateSeconds(delay.max)],
        ];
        delay.reset();
        return values;
      },
    );
    this.#gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
    this.#gauge('process_heap_bytes', 'Heap in use.', () => process.memoryUsage().heapUsed);
    this.#counter('process_cpu_seconds_total', 'CPU time, user and system.', () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    });
  }

  #gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect: () => gauge.set(read()),
    });
  }

  #counter(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      name,
      help,
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  #labelledCounter(
    name: string,
    help: string,
    label: string,
    read: () => readonly (readonly [string, number])[],
  ): void {
    const counter: Counter<string> = new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        for (const [value, figure] of read()) counter.inc({ [label]: value }, figure);
      },
    });
  }

  #labelled(
    name: string,
    help: string,
    label: string,
    read: () => readonly (readonly [string, number])[],
  ): void {
    const gauge: Gauge<string> = new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect: () => {
        gauge.reset();
        for (const [value, figure] of read()) gauge.set({ [label]: value }, figure);
      },
    });
  }
}
