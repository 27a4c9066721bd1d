import { isDisplayName, isEmail } from '../names/profile-fields.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type SetProfile = Extract<Command, { kind: 'set-profile' }>;

/** Display name and e-mail; what is absent stays, null takes away. */
export function setProfile(context: Context, command: SetProfile): Result {
  const { actor, tables } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  const { displayName = actor.displayName, email = actor.email } = command;
  if (displayName !== null && !isDisplayName(displayName)) return reject('BAD_DISPLAY_NAME');
  if (email !== null && !isEmail(email)) return reject('BAD_EMAIL');
  const holder = email === null ? undefined : tables.accounts.byEmail(email);
  if (holder !== undefined && holder.id !== actor.id) return reject('EMAIL_TAKEN');
  tables.accounts.replace({ ...actor, displayName, email });
  return accept({ kind: 'profile-set' });
}
