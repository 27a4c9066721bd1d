/** A process that simulates: is given one job, tells each run, ends. */
import { simulateSeed } from '../../../test/simulation/simulate.ts';
import { Trace } from '../../../test/simulation/trace.ts';
import type { Job, Said } from './jobs.ts';

const LAST_LINES = 16;

function tell(said: Said): void {
  // Whoever asked may be gone, and with it the channel: then there is nobody to work for.
  if (process.connected) process.send?.(said);
  else process.exit(1);
}

/** A trace costs more than it is worth until a run fails: then the run is made once more, and is the same. */
async function lastOf(options: Parameters<typeof simulateSeed>[0]): Promise<readonly string[]> {
  const trace = new Trace(null, LAST_LINES);
  await simulateSeed({ ...options, trace });
  return trace.lines;
}

async function work(job: Job): Promise<void> {
  for (let i = 0; i < job.runs; i++) {
    const options = { ...job, seed: job.firstSeed + i * job.step };
    const report = await simulateSeed(options);
    const failed = report.findings.length > 0 && !job.untilFailure;
    tell({ kind: 'report', report, last: failed ? await lastOf(options) : [] });
    // Lets the platform do its own work, such as to send what was told.
    await new Promise((resolve) => setImmediate(resolve));
    if (job.untilFailure && report.findings.length > 0) break;
  }
  tell({ kind: 'done' });
  process.disconnect();
}

process.once('message', (job: Job) => void work(job));
