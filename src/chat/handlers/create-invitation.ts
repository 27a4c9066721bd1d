import { limits } from '../../base/limits.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type CreateInvitation = Extract<Command, { kind: 'create-invitation' }>;

/** A node's own command, on behalf of an administrator. */
export function createInvitation(context: Context, command: CreateInvitation): Result {
  const { actor, moment, session, tables } = context;
  const { codeHash, uses, lifetimeMs } = command;
  if (session !== null || actor !== null) return reject('DENIED');
  const isSane = uses >= 1 && uses <= limits.invitationUses && lifetimeMs <= limits.invitationMs;
  if (!isSane || !/^[0-9a-f]{64}$/.test(codeHash)) return reject('BAD_REQUEST');
  // Asked again: whoever made the code sends its hash until somebody answers.
  if (tables.invitations.isGood(codeHash, moment.clusterMs)) return accept({ kind: 'noted' });
  const untilMs = moment.clusterMs + lifetimeMs;
  const made = tables.invitations.create({ codeHash, usesLeft: uses, untilMs }, moment.clusterMs);
  return made ? accept({ kind: 'noted' }) : reject('LIMIT_REACHED');
}
