/** A process that simulates: is given one job, tells each run, ends. */
import { simulateSeed } from '../../../test/simulation/simulate.ts';
import type { Job, Said } from './jobs.ts';

function tell(said: Said): void {
  // Whoever asked may be gone, and with it the channel: then there is nobody to work for.
  if (process.connected) process.send?.(said);
  else process.exit(1);
}

async function work(job: Job): Promise<void> {
  for (let i = 0; i < job.runs; i++) {
    const report = await simulateSeed({ ...job, seed: job.firstSeed + i * job.step });
    tell({ kind: 'report', report });
    // Lets the platform do its own work, such as to send what was told.
    await new Promise((resolve) => setImmediate(resolve));
    if (job.untilFailure && report.findings.length > 0) break;
  }
  tell({ kind: 'done' });
  process.disconnect();
}

process.once('message', (job: Job) => void work(job));
