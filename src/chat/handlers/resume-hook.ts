import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { ownHook } from './hook-rights.ts';

type ResumeHook = Extract<Command, { kind: 'resume-hook' }>;

/** It goes on where it stood: nothing is left out. */
export function resumeHook(context: Context, command: ResumeHook): Result {
  const hook = ownHook(context, command.hook);
  if (typeof hook === 'string') return reject(hook);
  const { cursor } = hook;
  context.tables.hooks.note({ cursor, failures: 0, fault: '', suspended: false }, hook.id);
  return accept({ kind: 'hook-resumed', hook: hook.id });
}
