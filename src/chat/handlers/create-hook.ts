import { groupNameIn, lobbyName } from '../../base/addresses.ts';
import { limits } from '../../base/limits.ts';
import type { Conversation } from '../conversations/conversation.ts';
import { directConversationId } from '../conversations/conversations.ts';
import { foldName } from '../names/names.ts';
import { isDisplayName } from '../names/profile-fields.ts';
import type { Account, Command, RejectionCode, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { ownedGroup } from './group-rights.ts';

type CreateHook = Extract<Command, { kind: 'create-hook' }>;

/** Of a group by its owner, of a direct conversation by either side. The same again is the same one. */
export function createHook(context: Context, command: CreateHook): Result {
  const { actor, moment, tables } = context;
  const { to, name, url } = command;
  if (actor === null) return reject('AUTH_REQUIRED');
  if (actor.kind === 'guest') return reject('DENIED');
  if (!isDisplayName(name)) return reject('BAD_DISPLAY_NAME');
  if (url !== null && url.length > limits.hookUrlChars) return reject('TOO_LONG');
  const place = placeFor(context, actor, to);
  if (typeof place === 'string') return reject(place);
  const others = tables.hooks.in(place.id);
  const namesake = others.find((other) => other.name === name);
  if (namesake !== undefined) {
    const isSame = namesake.account === actor.id && namesake.url === url;
    return isSame ? accept({ kind: 'hook-created', hook: namesake.id }) : reject('NAME_TAKEN');
  }
  const isFull = others.length >= limits.hooksPerConversation || tables.hooks.size >= limits.hooks;
  if (isFull) return reject('LIMIT_REACHED');
  tables.hooks.add({
    id: moment.index,
    direction: url === null ? 'in' : 'out',
    account: actor.id,
    conversation: place.id,
    name,
    url,
    createdMs: moment.wallMs,
    cursor: place.lastSequence,
    failures: 0,
    fault: '',
    suspended: false,
  });
  return accept({ kind: 'hook-created', hook: moment.index });
}

type Place = Pick<Conversation, 'id' | 'lastSequence'>;

/** A direct conversation begins with its first message, a hook in it may be there before. */
function placeFor(context: Context, actor: Account, to: string): Place | RejectionCode {
  const { accounts, conversations } = context.tables;
  const group = groupNameIn(to);
  // What is said to everyone is nobody's to pass on.
  if (group !== null) return foldName(group) === lobbyName ? 'DENIED' : ownedGroup(context, group);
  const other = accounts.byName(to);
  if (other === undefined) return 'UNKNOWN_USER';
  const id = directConversationId(actor.id, other.id);
  return conversations.byId(id) ?? { id, lastSequence: 0 };
}
