import { groupMark } from '../../base/addresses.ts';
import { limits } from '../../base/limits.ts';
import { exceedsBytes } from '../codecs/bytes.ts';
import type { HookView } from '../vocabulary/hook-types.ts';
import type { AccountId, Command, Result } from '../vocabulary/types.ts';
import { type Context, reject } from './context.ts';
import { append } from './send.ts';

type PostToHook = Extract<Command, { kind: 'post-to-hook' }>;

/** A message of whoever made the hook, under the hook's name. The gateway has seen its secret. */
export function postToHook(context: Context, { hook: id, text }: PostToHook): Result {
  const { actor, tables } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  const hook = tables.hooks.byId(id);
  if (hook?.direction !== 'in' || hook.account !== actor.id) return reject('UNKNOWN_HOOK');
  if (text.length === 0) return reject('BAD_REQUEST');
  if (exceedsBytes(text, limits.messageBytes)) return reject('TOO_LONG');
  const to = addressFor(context, hook, actor.id);
  if (to === null) return reject('UNKNOWN_USER');
  const body = { kind: 'text', text, via: hook.name } as const;
  return append(context, actor, { to, body, replyTo: null, wantsReceipt: false });
}

/** Null when the other side is gone. */
function addressFor({ tables }: Context, hook: HookView, own: AccountId): string | null {
  const group = tables.conversations.byId(hook.conversation);
  if (group?.kind === 'group') return groupMark + group.name;
  const [, ...sides] = hook.conversation.split(':').map(Number);
  const other = sides.find((id) => id !== own) ?? own;
  return tables.accounts.byId(other)?.name ?? null;
}
