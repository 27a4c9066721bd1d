/**
 * What an access token opens. The one table: `Service` asks it about every request, whatever dialect or route it came by, and the few doors
 * that are no request (files, the stream of events) ask it by their own name. Who logged in with a password may do everything.
 */
import type { TokenScope } from '../../chat/vocabulary/token-types.ts';
import type { ChatView, SessionView } from '../../chat/vocabulary/view.ts';
import type { ClientRequest } from '../../protocol/requests.ts';
import type { Identity } from '../connections/context.ts';
import { type Rejection, rejection } from './replies.ts';

/** `any`: every token. `login`: no token at all, since it would let one reach beyond its scopes or its life. */
type Need = TokenScope | 'any' | 'login';

/** What is no request of the protocol. */
export type Door =
  | 'events'
  | 'upload'
  | 'download'
  | 'derive-session'
  | 'end-session'
  | 'mark-read'
  | 'invite'
  | 'administer';

const needs: { readonly [Op in ClientRequest['op'] | Door]: Need } = {
  register: 'any',
  login: 'any',
  'enter-guest': 'any',
  'enter-bearer': 'any',
  'enter-token': 'any',
  logout: 'any',
  profile: 'any',
  'change-password': 'login',
  'set-profile': 'login',
  delete: 'login',
  'derive-session': 'login',
  'end-session': 'login',
  invite: 'admin',
  administer: 'admin',
  'mark-read': 'read',
  'create-token': 'login',
  'revoke-token': 'login',
  tokens: 'login',
  'create-hook': 'hooks',
  'remove-hook': 'hooks',
  'resume-hook': 'hooks',
  hooks: 'hooks',
  send: 'send',
  edit: 'send',
  'delete-message': 'send',
  react: 'send',
  amendments: 'read',
  watch: 'read',
  typing: 'send',
  'send-file': 'files',
  upload: 'files',
  download: 'read',
  events: 'read',
  users: 'read',
  search: 'read',
  online: 'read',
  groups: 'read',
  members: 'read',
  conversations: 'read',
  history: 'read',
  find: 'read',
  'visit-group': 'send',
  'create-group': 'manage-groups',
  'join-group': 'manage-groups',
  'leave-group': 'manage-groups',
  'rename-group': 'manage-groups',
  'set-group-password': 'manage-groups',
  'set-group-retention': 'manage-groups',
  'remove-member': 'manage-groups',
  'transfer-group': 'manage-groups',
  'delete-group': 'manage-groups',
  'announce-group': 'manage-groups',
};

/** Why whoever asks may not, on account of a token; null when they may as far as that goes. */
export function scopeFault(identity: Identity | null, what: ClientRequest['op'] | Door): Rejection | null {
  const token = identity?.token;
  if (token === undefined) return null;
  const need = needs[what];
  if (need === 'any' || (need !== 'login' && token.scopes.includes(need))) return null;
  const text = need === 'login' ? 'This needs a login, not a token.' : `This needs the scope ${need}.`;
  return rejection('SCOPE_MISSING', text);
}

/** Whose session it is; null when nobody's, or when the token that opened it is no more. */
export function identityOf(view: ChatView, session: SessionView): Identity | null {
  const account = session.account === null ? undefined : view.accountById(session.account);
  if (account === undefined) return null;
  const known = { account: account.id, name: account.name };
  if (session.token === null) return known;
  const token = view.token(session.token);
  return token === undefined ? null : { ...known, token };
}
