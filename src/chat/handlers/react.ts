import { limits } from '../../base/limits.ts';
import { exceedsBytes } from '../codecs/bytes.ts';
import type { Reaction } from '../vocabulary/amendment-types.ts';
import type { Command, RejectionCode, Result } from '../vocabulary/types.ts';
import { amend } from './amend.ts';
import { amendable, unchanged } from './amendment-rights.ts';
import { type Context, reject } from './context.ts';

type React = Extract<Command, { kind: 'react' }>;

/** Anybody's who is in the conversation, for themselves. One that is there already, or is not there to be taken back, changes nothing. */
export function react(context: Context, { message, reaction, present }: React): Result {
  const found = amendable(context, message);
  if (typeof found === 'string') return reject(found);
  const { actor, conversation } = found;
  if (!isReaction(reaction)) return reject('BAD_REQUEST');
  const given = context.tables.amendments.of(conversation.id, message.sequence)?.reactions ?? [];
  const known = given.find((one) => one.reaction === reaction);
  const has = known?.accounts.includes(actor.id) === true;
  if (has === present) return unchanged(context, message);
  const fault = present ? faultIn(given, known) : null;
  if (fault !== null) return reject(fault);
  return amend(context, message, actor, { kind: 'reaction', reaction, present });
}

function faultIn(given: readonly Reaction[], known: Reaction | undefined): RejectionCode | null {
  const all = given.reduce((sum, { accounts }) => sum + accounts.length, 0);
  const isFull = known === undefined && given.length >= limits.reactionsPerMessage;
  return isFull || all >= limits.reactersPerMessage ? 'TOO_MANY_REACTIONS' : null;
}

/** An emoji or a short word: no blanks, nothing that controls a display. */
export function isReaction(reaction: string): boolean {
  if (reaction.length === 0 || exceedsBytes(reaction, limits.reactionBytes)) return false;
  return !/[\s\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(reaction);
}
