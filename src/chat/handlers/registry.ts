import type { Command, Result } from '../types.ts';
import { advanceCursors } from './advance-cursors.ts';
import { cancelUpload } from './cancel-upload.ts';
import { changePassword } from './change-password.ts';
import type { Context } from './context.ts';
import { deleteAccount } from './delete-account.ts';
import { enterGuest } from './enter-guest.ts';
import { leaseUpload } from './lease-upload.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { register } from './register.ts';
import { registerBearer } from './register-bearer.ts';
import { rehash } from './rehash.ts';
import { renewGuests } from './renew-guests.ts';
import { send } from './send.ts';
import { setProfile } from './set-profile.ts';

type Handlers = {
  readonly [Kind in Command['kind']]: (context: Context, command: Extract<Command, { kind: Kind }>) => Result;
};

/** Every command has its handler, or this does not compile. */
const handlers: Handlers = {
  register,
  login,
  logout,
  'delete-account': deleteAccount,
  send,
  'lease-upload': leaseUpload,
  'cancel-upload': cancelUpload,
  'advance-cursors': advanceCursors,
  'change-password': changePassword,
  rehash,
  'set-profile': setProfile,
  'enter-guest': enterGuest,
  'renew-guests': renewGuests,
  'register-bearer': registerBearer,
};

export function run(context: Context, command: Command): Result {
  // The table's type pairs each kind with its command; TypeScript cannot carry that pairing through a look-up.
  const handler = handlers[command.kind] as (context: Context, command: Command) => Result;
  return handler(context, command);
}
