/** The runs of one call, shared by several processes; each takes every so-manieth seed. */
import { type ChildProcess, fork } from 'node:child_process';
import type { RunReport } from '../../../test/simulation/run.ts';
import type { Job, Said } from './jobs.ts';
import { buildWorker } from './worker-program.ts';

export async function runInPool(
  job: Omit<Job, 'step'>,
  workers: number,
  onReport: (report: RunReport, last: readonly string[]) => void,
): Promise<void> {
  const program = await buildWorker();
  const count = Math.max(1, Math.min(workers, job.runs));
  const children: ChildProcess[] = [];
  let failed = false;
  const one = (at: number): Promise<void> => {
    const runs = Math.floor(job.runs / count) + (at < job.runs % count ? 1 : 0);
    // Reports hold maps, which the plain serialization would lose.
    const child = fork(program, [], { execArgv: ['--enable-source-maps'], serialization: 'advanced' });
    children.push(child);
    const work: Job = { ...job, firstSeed: job.firstSeed + at, step: count, runs };
    child.send(work);
    return new Promise((resolve, reject) => {
      child.on('message', (said: Said) => {
        if (said.kind === 'done') {
          resolve();
          return;
        }
        onReport(said.report, said.last);
        if (!job.untilFailure || said.report.findings.length === 0) return;
        failed = true;
        for (const other of children) other.kill();
      });
      child.once('error', reject);
      child.once('exit', (code) => {
        if (code === 0 || failed) resolve();
        else reject(new Error(`a simulating process ended with exit code ${code}`));
      });
    });
  };
  await Promise.all(Array.from({ length: count }, (_, at) => one(at)));
}
