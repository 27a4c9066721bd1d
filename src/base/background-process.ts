/** Work that a node gives to a process of its own, because it would hold up the loop and is less urgent than what the node itself does. */
import { type ChildProcess, fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';

export interface BackgroundProgram {
  /** Its file. */
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Until it is told to end, it alone keeps no program alive. It talks by messages, and ends with its parent. */
export function startInBackground({ path, args = [], env = {} }: BackgroundProgram): ChildProcess {
  const child = fork(path, args, {
    execArgv: ['--import', import.meta.resolve('tsx')],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.unref();
  child.channel?.unref();
  return child;
}

/** To be called once it is up, not sooner: on a busy machine, a process of low priority takes seconds to start. */
export function giveWay(child: ChildProcess, logger: Logger): void {
  if (child.pid === undefined) return;
  try {
    setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch (error) {
    const cause = error instanceof Error ? error.message : 'unknown';
    logger.warn({ cause, program: child.spawnargs.at(-1) }, 'a background process runs at normal priority');
  }
}

/** Resolves when it is gone, by force after a second. Null: there is none. */
export async function endInBackground(child: ChildProcess | null, clock: Clock): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  // From here on its end is waited for: without this a node with nothing else to do would end in the middle of the wait.
  child.ref();
  if (child.connected) child.disconnect();
  const insist = clock.after(1_000, () => child.kill('SIGKILL'));
  await gone;
  insist.cancel();
}
