import { readFile } from 'node:fs/promises';

/** USER_HZ: fixed at 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** User and system time of a process so far, in milliseconds; null where /proc does not tell (no Linux, or the process is gone). */
export async function cpuTimeMs(pid: number): Promise<number | null> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
  // The second field, the program's name, is in parentheses and may hold anything: count from its end (proc(5), utime and stime).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return (ticks * 1_000) / ticksPerSecond;
}
