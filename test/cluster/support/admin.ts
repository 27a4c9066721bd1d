import { spawn } from 'node:child_process';
import { checkout } from '../../../scripts/support/node-process.ts';
import type { RealCluster } from '../../../scripts/support/real-cluster.ts';

export interface Ran {
  readonly code: number | null;
  /** Of stdout and stderr. */
  readonly text: string;
}

/** The admin command, with the cluster's file as it is now. */
export function runAdmin(cluster: RealCluster, ...operands: readonly string[]): Promise<Ran> {
  const flags = ['--import', 'tsx', `${checkout}src/cli/admin.ts`, '--config', cluster.configPath];
  const child = spawn(process.execPath, [...flags, ...operands], { cwd: checkout });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += String(chunk);
    });
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, text })));
}
