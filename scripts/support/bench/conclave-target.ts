import type { RealCluster } from '../real-cluster.ts';
import type { BenchTarget } from './target.ts';

/** Three Conclave nodes, through the client library; with readers, a group whose members all get each message. */
export function conclaveTarget(
  cluster: RealCluster,
  load: { readonly connections: number; readonly valueBytes: number; readonly readers: number },
): BenchTarget {
  return {
    name: 'conclave',
    driver: new URL(load.readers > 0 ? 'fan-out-driver.ts' : 'conclave-driver.ts', import.meta.url).href,
    settings: { nodes: cluster.httpAddresses, ...load },
    pids: () => cluster.runningIds.map((id) => cluster.process(id).pid),
    durability:
      'written through to the disks of a majority (O_DSYNC), deduplicated by session and number, applied, receipted',
    report: () => cluster.reportAll(),
  };
}
