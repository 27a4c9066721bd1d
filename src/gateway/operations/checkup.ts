/** `/admin/checkup`, behind the operators' door: what only the node itself can say of its health. `npm run admin -- doctor` asks all of them. */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import type { Disk } from '../../base/disk.ts';
import type { EngineStatus } from '../../replication/ports/engine.ts';
import type { Expiry } from '../../tls/material.ts';
import type { NodeStorage } from './node-storage.ts';

export interface CheckupOptions {
  readonly node: number;
  readonly version: string;
  readonly clock: Clock;
  readonly status: () => EngineStatus;
  readonly storage: Pick<NodeStorage, 'log' | 'backups' | 'disk'>;
  readonly missingChunks: () => number;
  readonly certificates: () => readonly Expiry[];
}

export interface Checkup {
  readonly node: number;
  readonly version: string;
  readonly platform: string;
  /** The wall clock. */
  readonly timeMs: number;
  readonly format: number | null;
  readonly disk: {
    readonly freeBytes: number;
    readonly totalBytes: number;
    readonly lowBytes: number | null;
  };
  /** Of a small file, written and synced: the middle one and the slowest of a few. */
  readonly syncMs: { readonly median: number; readonly slowest: number };
  readonly logBytes: number;
  readonly memoryBytes: number;
  readonly missingChunks: number;
  readonly backupFinishedMs: number | null;
  readonly certificates: readonly Expiry[];
}

const probeFile = 'checkup.probe';
const probeBytes = 4_096;
const probes = 7;

export function addCheckupRoute(scope: FastifyInstance, options: CheckupOptions): void {
  let running: Promise<Checkup> | null = null;
  scope.get('/admin/checkup', async () => {
    // Whoever asks at the same time gets the same answer: the disk is busy enough.
    running ??= checkUp(options).finally(() => {
      running = null;
    });
    return running;
  });
}

async function checkUp(options: CheckupOptions): Promise<Checkup> {
  const { node, version, clock, status, storage, missingChunks, certificates } = options;
  const { log, backups, disk } = storage;
  const { format, storage: figures } = status();
  return {
    node,
    version,
    platform: `Node ${process.versions.node}, ${process.platform} ${process.arch}`,
    timeMs: clock.wallMs(),
    format: format ?? null,
    disk: { ...(await disk.space()), lowBytes: figures?.room?.lowBytes ?? null },
    syncMs: await probe(disk, clock),
    logBytes: log.bytes,
    memoryBytes: process.memoryUsage.rss(),
    missingChunks: missingChunks(),
    backupFinishedMs: backups.finishedMs,
    certificates: certificates(),
  };
}

async function probe(disk: Disk, clock: Clock): Promise<Checkup['syncMs']> {
  const file = await disk.open(probeFile);
  const took: number[] = [];
  try {
    for (let n = 0; n < probes; n++) {
      const startMs = clock.monotonicMs();
      await file.write(new Uint8Array(probeBytes).fill(n), 0);
      await file.sync();
      took.push(clock.monotonicMs() - startMs);
    }
  } finally {
    await file.close();
    await disk.remove(probeFile);
  }
  took.sort((a, b) => a - b);
  return { median: took[Math.floor(probes / 2)] ?? 0, slowest: took.at(-1) ?? 0 };
}
