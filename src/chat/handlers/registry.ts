import type { Command, Result } from '../vocabulary/types.ts';
import { acknowledge } from './acknowledge.ts';
import { advanceCursors } from './advance-cursors.ts';
import { announceGroup } from './announce-group.ts';
import { cancelUpload } from './cancel-upload.ts';
import { changePassword } from './change-password.ts';
import type { Context } from './context.ts';
import { createGroup } from './create-group.ts';
import { createHook } from './create-hook.ts';
import { createInvitation } from './create-invitation.ts';
import { createToken } from './create-token.ts';
import { deleteAccount } from './delete-account.ts';
import { deleteGroup } from './delete-group.ts';
import { deleteMessage } from './delete-message.ts';
import { deriveSession } from './derive-session.ts';
import { editMessage } from './edit-message.ts';
import { enterGuest } from './enter-guest.ts';
import { enterToken } from './enter-token.ts';
import { importRecord } from './import-record.ts';
import { joinGroup } from './join-group.ts';
import { leaseUpload } from './lease-upload.ts';
import { leaveGroup } from './leave-group.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { noteAction } from './note-action.ts';
import { noteAttempts } from './note-attempts.ts';
import { noteHooks } from './note-hooks.ts';
import { noteOutcome } from './note-outcome.ts';
import { noteTokenUses } from './note-token-uses.ts';
import { postToHook } from './post-to-hook.ts';
import { react } from './react.ts';
import { register } from './register.ts';
import { registerBearer } from './register-bearer.ts';
import { rehash } from './rehash.ts';
import { removeHook } from './remove-hook.ts';
import { removeMember } from './remove-member.ts';
import { renameGroup } from './rename-group.ts';
import { renewGuests } from './renew-guests.ts';
import { resumeHook } from './resume-hook.ts';
import { retain } from './retain.ts';
import { revokeToken } from './revoke-token.ts';
import { send } from './send.ts';
import { sendFile } from './send-file.ts';
import { setGroupListener } from './set-group-listener.ts';
import { setGroupPassword } from './set-group-password.ts';
import { setGroupRetention } from './set-group-retention.ts';
import { setProfile } from './set-profile.ts';
import { setRole } from './set-role.ts';
import { transferGroup } from './transfer-group.ts';
import { visitGroup } from './visit-group.ts';

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
  'send-file': sendFile,
  'change-password': changePassword,
  rehash,
  'set-profile': setProfile,
  'enter-guest': enterGuest,
  'renew-guests': renewGuests,
  'register-bearer': registerBearer,
  'create-group': createGroup,
  'announce-group': announceGroup,
  'visit-group': visitGroup,
  'join-group': joinGroup,
  'leave-group': leaveGroup,
  'rename-group': renameGroup,
  'set-group-password': setGroupPassword,
  'set-group-listener': setGroupListener,
  'remove-member': removeMember,
  'transfer-group': transferGroup,
  'delete-group': deleteGroup,
  'set-group-retention': setGroupRetention,
  retain,
  'edit-message': editMessage,
  'delete-message': deleteMessage,
  react,
  'advance-cursors': advanceCursors,
  acknowledge,
  import: importRecord,
  'note-attempts': noteAttempts,
  'create-invitation': createInvitation,
  'create-token': createToken,
  'revoke-token': revokeToken,
  'enter-token': enterToken,
  'note-token-uses': noteTokenUses,
  'set-role': setRole,
  'note-action': noteAction,
  'note-outcome': noteOutcome,
  'derive-session': deriveSession,
  'create-hook': createHook,
  'remove-hook': removeHook,
  'resume-hook': resumeHook,
  'post-to-hook': postToHook,
  'note-hooks': noteHooks,
};

export function run(context: Context, command: Command): Result {
  // The table's type pairs each kind with its command; TypeScript cannot carry that pairing through a look-up.
  const handler = handlers[command.kind] as (context: Context, command: Command) => Result;
  return handler(context, command);
}
