/** What a program may ask of the cluster, each as one method: the outcome has the type of what was asked. */
import { limits } from '../base/limits.ts';
import type { ClientRequest, Reply, Success } from '../protocol/requests.ts';
import type {
  AmendmentsOptions,
  FindOptions,
  HistoryOptions,
  Outcome,
  ProfileChange,
  RegistrationExtras,
  RequestOf,
  SendOptions,
} from './types.ts';

export abstract class ClientRequests {
  register(user: string, password: string, extras: RegistrationExtras = {}): Promise<Outcome<'register'>> {
    return this.ask({ op: 'register', user, password, ...extras });
  }

  login(user: string, password: string): Promise<Outcome<'login'>> {
    return this.ask({ op: 'login', user, password });
  }

  /** Ends the session; the next request begins another one. */
  logout(): Promise<Outcome<'logout'>> {
    return this.ask({ op: 'logout' });
  }

  /** Deletes the own account, the one logged in, and ends the session. */
  deleteAccount(user: string): Promise<Outcome<'delete'>> {
    return this.ask({ op: 'delete', user });
  }

  /** Ends all other sessions of the account; this one stays. */
  changePassword(current: string, password: string): Promise<Outcome<'change-password'>> {
    return this.ask({ op: 'change-password', current, password });
  }

  /** Null takes away, absent leaves as it is. */
  setProfile(profile: ProfileChange): Promise<Outcome<'set-profile'>> {
    return this.ask({ op: 'set-profile', ...profile });
  }

  /** The own account. */
  profile(): Promise<Outcome<'profile'>> {
    return this.ask({ op: 'profile' });
  }

  /** One's own access tokens; not to be asked by one. */
  tokens(): Promise<Outcome<'tokens'>> {
    return this.ask({ op: 'tokens' });
  }

  revokeToken(id: number): Promise<Outcome<'revoke-token'>> {
    return this.ask({ op: 'revoke-token', id });
  }

  /** `to`: a user's name, `#` and a group's name, or `#lobby`. `text`: 1 to 8,192 bytes of UTF-8. */
  send(to: string, text: string, options: SendOptions = {}): Promise<Outcome<'send'>> {
    return this.ask({ op: 'send', to, text, ...options });
  }

  /** Another text for a message of one's own. `conversation`: its id, as messages name it. */
  edit(conversation: string, sequence: number, text: string): Promise<Outcome<'edit'>> {
    return this.ask({ op: 'edit', conversation, sequence, text });
  }

  /** One of one's own, or any in a group that one owns. */
  deleteMessage(conversation: string, sequence: number): Promise<Outcome<'delete-message'>> {
    return this.ask({ op: 'delete-message', conversation, sequence });
  }

  /** An emoji or a short word of at most 32 bytes; `remove` takes it back. */
  react(
    conversation: string,
    sequence: number,
    reaction: string,
    options: { readonly remove?: boolean } = {},
  ): Promise<Outcome<'react'>> {
    return this.ask({ op: 'react', conversation, sequence, reaction, ...options });
  }

  /** From now on, also on later connections, events tell who is online (first all of them) and who is typing. */
  watch(on = true): Promise<Outcome<'watch'>> {
    return this.ask({ op: 'watch', on });
  }

  /** Those in the conversation (an address, as in `send`, or its id) who watch are told, for five seconds. */
  typing(address: string): Promise<Outcome<'typing'>> {
    return this.ask({ op: 'typing', with: address });
  }

  /** What has become of messages behind a revision of their conversation. */
  amendments(conversation: string, options: AmendmentsOptions = {}): Promise<Outcome<'amendments'>> {
    const { limit = limits.historyDefaultMessages, ...range } = options;
    return this.ask({ op: 'amendments', conversation, limit, ...range });
  }

  /** A file whose chunks have been uploaded: see `sendFile`. */
  protected sendUploaded(request: RequestOf<'send-file'>): Promise<Outcome<'send-file'>> {
    return this.ask(request);
  }

  /** With a password it is closed: to join one must know it, and only members read. */
  createGroup(group: string, password?: string): Promise<Outcome<'create-group'>> {
    return this.ask({ op: 'create-group', group, ...secret(password) });
  }

  joinGroup(group: string, password?: string): Promise<Outcome<'join-group'>> {
    return this.ask({ op: 'join-group', group, ...secret(password) });
  }

  /** As its owner: older messages go. 0: they are kept for ever; without `days`: as the cluster is configured. */
  setGroupRetention(group: string, days?: number): Promise<Outcome<'set-group-retention'>> {
    return this.ask({ op: 'set-group-retention', group, ...(days === undefined ? {} : { days }) });
  }

  leaveGroup(group: string): Promise<Outcome<'leave-group'>> {
    return this.ask({ op: 'leave-group', group });
  }

  groups(): Promise<Outcome<'groups'>> {
    return this.ask({ op: 'groups' });
  }

  /** By name. */
  members(group: string): Promise<Outcome<'members'>> {
    return this.ask({ op: 'members', group });
  }

  /** One's own, the newest first, with how much of each is unread. */
  conversations(): Promise<Outcome<'conversations'>> {
    return this.ask({ op: 'conversations' });
  }

  /** Who is online, by the time of their connection. */
  online(): Promise<Outcome<'online'>> {
    return this.ask({ op: 'online' });
  }

  users(): Promise<Outcome<'users'>> {
    return this.ask({ op: 'users' });
  }

  /** By prefix, or by glob when the pattern holds `*` or `?`. */
  search(pattern: string): Promise<Outcome<'search'>> {
    return this.ask({ op: 'search', pattern });
  }

  /** The conversation with that address (see `send`), oldest first. */
  history(address: string, options: HistoryOptions = {}): Promise<Outcome<'history'>> {
    const { limit = limits.historyDefaultMessages, ...range } = options;
    return this.ask({ op: 'history', with: address, limit, ...range });
  }

  /** Messages with all these words, the newest first: see docs/protocol.md. */
  find(text: string, options: FindOptions = {}): Promise<Outcome<'find'>> {
    return this.ask({ op: 'find', text, ...options });
  }

  /** Any request, as a codec made it. */
  abstract request(request: ClientRequest): Promise<Reply>;

  protected async ask<Op extends Success['op'] & ClientRequest['op']>(
    request: RequestOf<Op>,
  ): Promise<Outcome<Op>> {
    const reply = await this.request(request);
    if (reply.kind !== 'receipt') return reply;
    if (isSuccessOf(reply.value, request.op)) return { kind: 'receipt', value: reply.value };
    return { kind: 'rejection', code: 'INTERNAL', text: 'The node answered another request.' };
  }
}

function secret(password: string | undefined): { readonly password?: string } {
  return password === undefined ? {} : { password };
}

function isSuccessOf<Op extends Success['op']>(
  value: Success,
  op: Op,
): value is Extract<Success, { readonly op: Op }> {
  return value.op === op;
}
