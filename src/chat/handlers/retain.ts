import { amendmentStream } from '../conversations/amendments.ts';
import type { Conversation } from '../conversations/conversation.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type Retain = Extract<Command, { kind: 'retain' }>;

/** Messages, and amendments, that one entry takes away: the bound of its work. */
export const retainStep = 256;

/**
 * The front of a conversation goes, with all that belongs to it. Nothing depends on how many are in it: whose cursor is below, stands at the
 * beginning.
 */
export function retain(context: Context, { conversation: id, defaultMs }: Retain): Result {
  if (context.session !== null || context.actor !== null) return reject('DENIED');
  const { tables, moment } = context;
  const conversation = tables.conversations.byId(id);
  if (conversation === undefined) return reject('UNKNOWN_GROUP');
  const revision = tables.amendments.headOf(id)?.lastRevision ?? 0;
  const reach = { sequence: conversation.lastSequence, revision };
  const old = tables.retention.check(id, reach, defaultMs, moment.clusterMs);
  if (old === null)
    return accept({ kind: 'retained', conversation: id, first: conversation.firstSequence, more: false });
  const { firstRevision = 1 } = tables.retention.of(id) ?? {};
  const first = nextFirst(conversation.firstSequence, old.sequence);
  // A text may stand in an amendment: that one goes when its message has gone.
  const areMessagesDone = first > old.sequence;
  const revisions = areMessagesDone ? nextFirst(firstRevision, old.revision) : firstRevision;
  cut(context, conversation, first, revisions);
  const more = !areMessagesDone || revisions <= old.revision;
  return accept({ kind: 'retained', conversation: id, first, more });
}

/** One step nearer to being behind `last`. */
function nextFirst(first: number, last: number): number {
  return Math.max(first, Math.min(last + 1, first + retainStep));
}

function cut(context: Context, conversation: Conversation, first: number, firstRevision: number): void {
  const { tables } = context;
  const { id, firstSequence } = conversation;
  for (let sequence = firstSequence; sequence < first; sequence++) {
    tables.amendments.forget(id, sequence);
    tables.senders.forgetMessage(id, sequence);
  }
  tables.files.releaseBelow(id, first);
  if (first > firstSequence) {
    conversation.cutFront(first);
    tables.conversations.trim(id, first);
    context.emit({ kind: 'trimmed', conversation: id, below: first });
  }
  const { firstRevision: before = 1 } = tables.retention.of(id) ?? {};
  if (firstRevision > before) tables.conversations.trim(amendmentStream(id), firstRevision);
  tables.retention.cut(id, first, firstRevision);
}
