/** What `Service` asks about a request before it runs. */
import type { ClientRequest, ReadRequest } from '../../protocol/requests.ts';
import type { Policy } from './policy.ts';

/** What decides who is asking, and what takes its time to hash or to look up: nothing overtakes it. */
export const holding: ReadonlySet<ClientRequest['op']> = new Set([
  'register',
  'login',
  'enter-guest',
  'enter-bearer',
  'enter-token',
  'logout',
  'delete',
  'change-password',
  'create-group',
  'join-group',
  'set-group-password',
  'edit',
  'delete-message',
  'react',
]);

/** Readable without an account. */
export function isPublic({ op }: ReadRequest, policy: Policy): boolean {
  if (op === 'groups') return policy.publicRegistry;
  return policy.publicUserList && (op === 'users' || op === 'search' || op === 'online');
}
