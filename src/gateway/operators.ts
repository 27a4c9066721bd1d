/** What those who look after a cluster may ask of a node, put together. */
import type { Edge } from './edge.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { Operators } from './http-port.ts';
import { ActionJournal } from './operations/action-journal.ts';
import type { BackupRoutesOptions } from './operations/backup-routes.ts';
import type { CheckupOptions } from './operations/checkup.ts';
import type { ClusterView } from './operations/cluster-view.ts';
import { OperatorGate } from './operations/operator-gate.ts';
import type { Hasher } from './secrets/hasher.ts';
import { Exporter } from './transfer/exporter.ts';
import { Importer } from './transfer/importer.ts';

export interface OperatorsPlace {
  readonly edge: Edge;
  readonly hasher: Hasher;
  readonly clusterView: ClusterView;
}

/** Null without a cluster key. */
export function assembleOperators(options: GatewayOptions, place: OperatorsPlace): Operators | null {
  const { operatorKey: key, node, clock, engine, config, view, store, files, logger, killSelf } = options;
  const { edge, hasher, clusterView } = place;
  if (key === undefined) return null;
  const { service } = edge;
  const { proposeOwn } = service;
  const barrier = (): Promise<void> => service.barrier();
  const isDemonstration = config.profile === 'loopback-demo';
  return {
    gate: new OperatorGate({ key, node, clock }),
    journal: new ActionJournal({ node, clock, logger, proposeOwn }),
    members: { engine, loopbackOnly: isDemonstration },
    accounts: service.administration,
    transfer: {
      importer: new Importer({ hasher, proposeOwn, files }),
      newExporter: (withFiles) => new Exporter(view, store, withFiles ? files.reader : null),
      barrier,
      logger,
    },
    backup: backupOf(options, barrier),
    checkup: checkupOf(options),
    cluster: {
      node,
      clusterView,
      view,
      barrier,
      killSelf: isDemonstration ? (killSelf ?? null) : null,
    },
  };
}

function checkupOf(options: GatewayOptions): CheckupOptions | null {
  const { node, clock, engine, files, security, storage } = options;
  if (storage === undefined) return null;
  return {
    node,
    clock,
    storage,
    version: storage.version,
    status: () => engine.status(),
    missingChunks: () => files.status().missing,
    certificates: () => security?.expiries() ?? [],
  };
}

function backupOf(options: GatewayOptions, barrier: () => Promise<void>): BackupRoutesOptions | null {
  const { view, storage, files, config, node, clock, logger } = options;
  if (storage === undefined) return null;
  const { state: store, backups } = storage;
  const { cluster } = config;
  return {
    source: () => ({
      store,
      files,
      cluster,
      node,
      nowMs: Math.floor(clock.wallMs()),
      fileBytes: view.files.clusterBytes,
    }),
    barrier,
    finished: () => void backups.finished(clock.wallMs()),
    logger,
  };
}
