/** What was applied, as whoever asked is told it. A receipt that logs somebody in or out changes who is behind the connection. */
import { groupMark, lobbyName } from '../../base/addresses.ts';
import { unreachable } from '../../base/assert.ts';
import { CodedError } from '../../base/errors.ts';
import type { AccountReceipt } from '../../chat/vocabulary/account-types.ts';
import type { HookReceipt } from '../../chat/vocabulary/hook-types.ts';
import type { TokenReceipt } from '../../chat/vocabulary/token-types.ts';
import type { ConversationId, Receipt } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { Success } from '../../protocol/requests.ts';
import type { ConnectionContext } from '../connections/context.ts';

export class Successes {
  readonly #view: ChatView;
  readonly #presence: { isOnline(account: number): boolean };

  constructor(view: ChatView, presence: { isOnline(account: number): boolean }) {
    this.#view = view;
    this.#presence = presence;
  }

  of(context: ConnectionContext, receipt: Receipt): Success {
    switch (receipt.kind) {
      case 'registered':
        return { op: 'register', user: receipt.name };
      case 'logged-in':
        context.identity = { account: receipt.account, name: receipt.name };
        return { op: 'login', user: receipt.name };
      case 'logged-out':
        context.identity = null;
        return { op: 'logout' };
      case 'account-deleted':
        context.identity = null;
        return { op: 'delete', user: receipt.name };
      case 'sent':
        return this.#sent(receipt);
      case 'amended': {
        // Whoever asked gives the answer the name of what was asked; so for groups.
        const { kind: _kind, ...value } = receipt;
        return { op: 'edit', ...value };
      }
      case 'group-created':
      case 'group-announced':
      case 'group-joined':
      case 'group-left':
      case 'group-visited':
      case 'group-changed':
      case 'member-removed':
      case 'group-deleted':
        return { op: 'join-group', group: receipt.name, conversation: receipt.group };
      case 'token-created':
      case 'token-revoked':
      case 'token-entered':
        return this.#tokenSuccess(context, receipt);
      case 'hook-created':
      case 'hook-removed':
      case 'hook-resumed':
        return hookSuccess(receipt);
      // Answers to what no client asks this way.
      case 'retained':
      case 'imported':
      case 'action-noted':
      case 'session-derived':
      case 'upload-leased':
      case 'upload-cancelled':
      case 'cursors-advanced':
        throw new CodedError('INTERNAL');
      default:
        return accountSuccess(context, receipt);
    }
  }

  #tokenSuccess(context: ConnectionContext, receipt: TokenReceipt): Success {
    switch (receipt.kind) {
      case 'token-created':
        return { op: 'create-token', id: receipt.token, expiresMs: receipt.expiresMs };
      case 'token-revoked':
        return { op: 'revoke-token', id: receipt.token };
      case 'token-entered': {
        const { account, name, token: id } = receipt;
        // One that has ended meanwhile opens nothing more.
        const token = this.#view.token(id) ?? { id, scopes: [] };
        context.identity = { account, name, token };
        return { op: 'login', user: name };
      }
      default:
        unreachable(receipt);
    }
  }

  #sent(receipt: Extract<Receipt, { kind: 'sent' }>): Success {
    const { conversation, to, sequence, index, number, sentMs } = receipt;
    const name = to === null ? this.#nameOfMany(conversation) : (this.#view.accountById(to)?.name ?? '');
    const online = to === null || this.#presence.isOnline(to);
    // Written out: putting an object together from others costs a hundred times as much, and this is every message's path.
    return { op: 'send', conversation, sequence, index, number, sentMs, to: name, online };
  }

  #nameOfMany(conversation: ConversationId): string {
    const group = this.#view.conversation(conversation);
    return groupMark + (group?.kind === 'group' ? group.name : lobbyName);
  }
}

function hookSuccess({ kind, hook: id }: HookReceipt): Success {
  switch (kind) {
    case 'hook-created':
      // The secret is the service's to tell.
      return { op: 'create-hook', id, secret: '' };
    case 'hook-removed':
      return { op: 'remove-hook', id };
    case 'hook-resumed':
      return { op: 'resume-hook', id };
  }
}

function accountSuccess(context: ConnectionContext, receipt: AccountReceipt): Success {
  switch (receipt.kind) {
    case 'guest-entered':
      context.identity = { account: receipt.account, name: receipt.name };
      return { op: 'login', user: receipt.name };
    case 'password-changed':
      return { op: 'change-password' };
    case 'profile-set':
      return { op: 'set-profile' };
    case 'bearer-registered':
    case 'noted':
      throw new CodedError('INTERNAL');
    default:
      unreachable(receipt);
  }
}
