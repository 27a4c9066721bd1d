import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { ownHook } from './hook-rights.ts';

type RemoveHook = Extract<Command, { kind: 'remove-hook' }>;

export function removeHook(context: Context, command: RemoveHook): Result {
  const hook = ownHook(context, command.hook);
  if (typeof hook === 'string') return reject(hook);
  context.tables.hooks.remove(hook.id);
  return accept({ kind: 'hook-removed', hook: hook.id });
}
