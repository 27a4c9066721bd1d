import type { HookId, HookView } from '../vocabulary/hook-types.ts';
import type { RejectionCode } from '../vocabulary/types.ts';
import type { Context } from './context.ts';

/** One that is whoever asks's own, or stands in a group of theirs. */
export function ownHook({ actor, tables }: Context, id: HookId): HookView | RejectionCode {
  if (actor === null) return 'AUTH_REQUIRED';
  const hook = tables.hooks.byId(id);
  if (hook === undefined) return 'UNKNOWN_HOOK';
  const conversation = tables.conversations.byId(hook.conversation);
  const isOwner = conversation?.kind === 'group' && conversation.owner === actor.id;
  return hook.account === actor.id || isOwner ? hook : 'UNKNOWN_HOOK';
}
