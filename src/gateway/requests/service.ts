/**
 * The chat as every dialect sees it: one request in, one of three outcomes out. Authentication, validation that is friendly (the
 * authority is `apply`), hash before propose, a barrier before every read.
 */
import { unreachable } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError, errorTable } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import { encodeProposal } from '../../chat/codecs/codec.ts';
import { formatOf } from '../../chat/codecs/command-format.ts';
import type { Actor, Asked, ChatEvent, Command, Numbering, Result } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { Watchers } from '../../delivery/watchers.ts';
import { isAmendmentRequest } from '../../protocol/amendments.ts';
import { isGroupRequest } from '../../protocol/group-requests.ts';
import {
  type ChangeRequest,
  type ClientRequest,
  type HistoryRequest,
  isRead,
  type MessageEntry,
  type ReadRequest,
  type Reply,
  type Success,
  type UserEntry,
} from '../../protocol/requests.ts';
import type { Engine, Outcome } from '../../replication/ports/engine.ts';
import { AddressLimits } from '../connections/address-limits.ts';
import type { ConnectionContext } from '../connections/context.ts';
import type { Counters } from '../connections/counters.ts';
import type { Uploads } from '../files/uploads.ts';
import { ConversationReads, type PresenceView } from '../reads/conversation-reads.ts';
import { HistoryReader, type HistoryStore } from '../reads/history.ts';
import { MessageSearch, type SearchPort } from '../reads/message-search.ts';
import { ReadBarrier } from '../reads/read-barrier.ts';
import type { Hasher } from '../secrets/hasher.ts';
import type { SecureBytes } from '../secrets/identifiers.ts';
import { AccountService } from './account-service.ts';
import { addressFault } from './address-fault.ts';
import { Administration } from './administration.ts';
import { AmendmentService } from './amendment-service.ts';
import { Authentication } from './authentication.ts';
import { Entrance } from './entrance.ts';
import { FileService } from './file-service.ts';
import { GroupService } from './group-service.ts';
import { Guard } from './guard.ts';
import { HookService, type HookServiceOptions } from './hook-service.ts';
import { withPreparedNames } from './name-preparation.ts';
import type { Policy } from './policy.ts';
import { readRejection, receipt, refused, rejection } from './replies.ts';
import { holding, isPublic } from './request-rules.ts';
import { scopeFault } from './scopes.ts';
import { Successes } from './successes.ts';
import { TokenService } from './token-service.ts';

export interface ServiceOptions {
  readonly engine: Pick<Engine<Result, ChatEvent>, 'propose' | 'barrier'>;
  readonly view: ChatView;
  readonly store: HistoryStore;
  readonly presence: PresenceView;
  readonly watchers: Pick<Watchers, 'typing'>;
  readonly hasher: Pick<Hasher, 'hash' | 'verify'>;
  readonly clock: Clock;
  readonly clusterClock: { nowMs(): number };
  readonly secureBytes: SecureBytes;
  readonly counters: Counters;
  readonly logger: Logger;
  readonly policy: Policy;
  readonly uploads: Pick<Uploads, 'isComplete'>;
  /** Left out: there are no webhooks. */
  readonly hooks?: HookServiceOptions['hooks'];
  /** Absent or null: messages cannot be searched here. */
  readonly search?: SearchPort | null;
}

export class Service {
  readonly history: HistoryReader;
  /** What only some dialects ask: guests, bearers. */
  readonly accounts: AccountService;
  /** For administrators only. */
  readonly administration: Administration;
  /** Access tokens of accounts. */
  readonly tokens: TokenService;
  readonly hooks: HookService;
  /** Whoever checks a password asks it first: `g:<group>:<account>` is the key of a group's. */
  readonly guard: Guard;
  /** What one address may do before a login. */
  readonly addresses: AddressLimits;
  /** A command of the node itself, for nobody: what is behind it has let whoever asked in. */
  readonly proposeOwn: (command: Command) => Promise<Outcome<Result>>;
  readonly #options: ServiceOptions;
  readonly #barrier: ReadBarrier;
  readonly #authentication: Authentication;
  readonly #files: FileService;
  readonly #amendments: AmendmentService;
  readonly #entrance: Entrance;
  readonly #groups: GroupService;
  readonly #reads: ConversationReads;
  readonly #search: MessageSearch;
  readonly #successes: Successes;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#barrier = new ReadBarrier(options.engine, options.clock);
    this.history = new HistoryReader(options);
    this.#search = new MessageSearch(options.view, this.history, options.search ?? null);
    this.#reads = new ConversationReads(options.view, options.presence);
    this.#successes = new Successes(options.view, options.presence);
    this.proposeOwn = (command) =>
      options.engine.propose(encodeProposal({ numbering: null, actor: null, command }), formatOf(command));
    const shared = {
      ...options,
      barrier: () => this.barrier(),
      propose: (context: ConnectionContext, command: Command, numbering: Numbering | null) =>
        this.#propose(context, command, numbering),
      proposeOwn: this.proposeOwn,
    };
    this.guard = new Guard({ ...shared, isOn: options.policy.limitsGuessing });
    this.addresses = new AddressLimits(options.clock, options.policy.addresses);
    this.#files = new FileService(shared);
    this.#amendments = new AmendmentService(shared);
    const parts = { ...shared, guard: this.guard, addresses: this.addresses };
    this.#authentication = new Authentication(parts);
    this.accounts = new AccountService(parts);
    this.#entrance = new Entrance(this.accounts, this.#authentication, parts);
    this.administration = new Administration(parts);
    this.#groups = new GroupService(parts);
    this.hooks = new HookService({ ...shared, hooks: options.hooks ?? null });
    this.tokens = new TokenService(this.#authentication, shared);
  }

  /**
   * Never rejects. Changes of one connection are proposed in the order of the calls: at once, or, when a request that decides
   * who is asking or hashes a password is still running, right behind it.
   */
  execute(context: ConnectionContext, asked: ClientRequest, numbering: Numbering | null): Promise<Reply> {
    const request = withPreparedNames(asked);
    const decides = holding.has(request.op);
    if (context.gate === null && !decides) return this.#run(context, request, numbering);
    const before = context.gate ?? Promise.resolve();
    const running = before.then(() => this.#run(context, request, numbering));
    if (decides) {
      const gate: Promise<void> = running.then(() => {
        if (context.gate === gate) context.gate = null;
      });
      context.gate = gate;
    }
    return running;
  }

  /** A conversation again as the reader takes it, or the rejection. */
  async historyPages(
    context: ConnectionContext,
    asked: HistoryRequest,
  ): Promise<AsyncGenerator<readonly MessageEntry[], void, void> | Reply> {
    if (context.identity === null) return rejection('AUTH_REQUIRED');
    const barred = scopeFault(context.identity, asked.op);
    if (barred !== null) return barred;
    const request = withPreparedNames(asked);
    this.#options.counters.reads += 1;
    try {
      await this.#barrier.passFor(request);
      // The barrier may have brought the end of the session or of the account.
      if (context.identity === null) return rejection('AUTH_REQUIRED');
      return this.history.pages(context.identity.account, request);
    } catch (error) {
      return this.#failed(error, context, request, null);
    }
  }

  /** Rejects with `CodedError` UNAVAILABLE when there is no majority. */
  barrier(read: { readonly stale: boolean } = fresh): Promise<void> {
    return this.#barrier.passFor(read);
  }

  #run(context: ConnectionContext, request: ClientRequest, numbering: Numbering | null): Promise<Reply> {
    const barred = scopeFault(context.identity, request.op);
    if (barred !== null) return Promise.resolve(barred);
    const reply = isRead(request)
      ? this.#read(context, request).then((read) => labelled(request, read))
      : this.#change(context, request, numbering);
    return reply.catch((error: unknown) => this.#failed(error, context, request, numbering));
  }

  #failed(
    error: unknown,
    { requestId, session }: ConnectionContext,
    request: ClientRequest,
    numbering: Numbering | null,
  ): Reply {
    if (error instanceof CodedError) {
      return isRead(request) ? readRejection(error) : rejection(error.code, error.message);
    }
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
    // What a request of a session is called: the beginning of the session's id, which opens nothing, and its number.
    const number = numbering === null ? '' : `/${numbering.sequence}`;
    const called = requestId ?? (session === null ? null : session.slice(0, 8) + number);
    this.#options.logger.error({ op: request.op, request: called, cause }, 'a request failed unexpectedly');
    return rejection('INTERNAL');
  }

  #change(context: ConnectionContext, request: ChangeRequest, numbering: Numbering | null): Promise<Reply> {
    // A session is judged by the replicated state, which knows its earlier answers; a raw line by what this connection is.
    const anonymous = numbering === null && context.identity === null;
    if (isGroupRequest(request)) return this.#groups.change(context, request, numbering);
    if (isAmendmentRequest(request)) return this.#amendments.change(context, request, numbering);
    switch (request.op) {
      case 'register':
        return this.#authentication.register(context, request, numbering);
      case 'login':
        return this.#authentication.login(context, request, numbering);
      case 'enter-guest':
      case 'enter-bearer':
        return this.#entrance.enter(context, request, numbering);
      case 'change-password':
        return this.#authentication.changePassword(context, request, numbering);
      case 'set-profile':
        if (anonymous) return refused('AUTH_REQUIRED');
        return this.accounts.setProfile(context, request, numbering);
      case 'logout':
        if (anonymous) return refused('AUTH_REQUIRED');
        return this.#propose(context, { kind: 'logout' }, numbering);
      case 'delete':
        if (anonymous) return refused('AUTH_REQUIRED');
        if (request.user.length > limits.nameMaxChars) return refused('DENIED');
        return this.#propose(context, { kind: 'delete-account', name: request.user }, numbering);
      case 'send':
        if (anonymous) return refused('AUTH_REQUIRED');
        return this.#send(context, request, numbering);
      case 'create-token':
      case 'revoke-token':
      case 'enter-token':
        if (anonymous) return refused('AUTH_REQUIRED');
        return this.tokens.change(context, request, numbering);
      case 'create-hook':
      case 'remove-hook':
      case 'resume-hook':
        if (anonymous) return refused('AUTH_REQUIRED');
        return this.hooks.change(context, request, numbering);
      case 'send-file':
        if (anonymous) return refused('AUTH_REQUIRED');
        return this.#files.send(context, request, numbering);
      default:
        unreachable(request);
    }
  }

  #send(
    context: ConnectionContext,
    request: Extract<ChangeRequest, { op: 'send' }>,
    numbering: Numbering | null,
  ): Promise<Reply> {
    const { to, text, replyTo = null, receipt: wantsReceipt = false } = request;
    const fault = addressFault(to);
    if (fault !== null) return refused(fault);
    if (Buffer.byteLength(text) > limits.messageBytes) return refused('TOO_LONG');
    const body = { kind: 'text', text } as const;
    return this.#propose(context, { kind: 'send', to, body, replyTo, wantsReceipt }, numbering);
  }

  #propose(context: ConnectionContext, command: Command, numbering: Numbering | null): Promise<Reply> {
    return this.propose(context, command, numbering).then((outcome) => this.#answer(context, outcome));
  }

  /** For what is no request of any dialect. */
  propose(
    context: ConnectionContext,
    command: Command,
    numbering: Numbering | null = null,
  ): Promise<Outcome<Result>> {
    const actor = actorOf(context);
    const asked = numbering === null ? askedBy(context, command) : command;
    return this.#options.engine.propose(
      encodeProposal({ numbering, actor, command: asked }),
      formatOf(asked),
    );
  }

  #answer(context: ConnectionContext, outcome: Outcome<Result>): Reply {
    const { counters } = this.#options;
    switch (outcome.kind) {
      case 'applied':
        counters.proposalsApplied += 1;
        return outcome.result.ok
          ? { kind: 'receipt', value: this.#successes.of(context, outcome.result.receipt) }
          : rejection(outcome.result.code);
      case 'refused':
        counters.proposalsRefused += 1;
        return rejection(outcome.code);
      case 'unknown':
        counters.proposalsUnknown += 1;
        return { kind: 'unknown', text: errorTable.UNKNOWN_OUTCOME.text };
      default:
        unreachable(outcome);
    }
  }

  async #read(context: ConnectionContext, request: ReadRequest): Promise<Reply> {
    const { policy, counters, view } = this.#options;
    counters.reads += 1;
    const hidden = !isPublic(request, policy);
    if (hidden && context.identity === null) return rejection('AUTH_REQUIRED');
    await this.#barrier.passFor(request);
    // The barrier may have brought the end of the session or of the account.
    if (hidden && context.identity === null) return rejection('AUTH_REQUIRED');
    switch (request.op) {
      case 'profile':
        return this.accounts.profileOf(context);
      case 'users':
        return receipt({ op: 'users', users: this.#entries(view.accounts()) });
      case 'search':
        if (request.pattern.length > limits.searchPatternChars) return rejection('TOO_LONG');
        return receipt({ op: 'search', users: this.#entries(view.searchAccounts(request.pattern)) });
      case 'online':
        return receipt({ op: 'online', online: this.#reads.online() });
      case 'groups':
        return receipt({
          op: 'groups',
          groups: this.#reads.groups(context.identity?.account ?? null, request),
        });
      default:
        if (context.identity === null) return rejection('AUTH_REQUIRED');
        return receipt(await this.#readOwn(context.identity.account, request));
    }
  }

  async #readOwn(account: number, request: Extract<ReadRequest, { op: OwnRead }>): Promise<Success> {
    switch (request.op) {
      case 'members':
        return { op: 'members', members: this.#reads.members(account, request) };
      case 'conversations':
        return { op: 'conversations', conversations: this.#reads.conversations(account) };
      case 'tokens':
        return this.tokens.list(account);
      // The connection that asks for it is told.
      case 'watch':
        return { op: 'watch', on: request.on ?? true };
      case 'typing': {
        const conversation = this.history.conversation(account, request.with);
        if (conversation !== null) this.#options.watchers.typing(account, conversation.id);
        return { op: 'typing' };
      }
      case 'amendments':
        return { op: 'amendments', amendments: await this.#amendments.read(account, request) };
      case 'hooks':
        return { op: 'hooks', hooks: this.hooks.list(account) };
      case 'history':
        return { op: 'history', messages: await this.history.one(account, request) };
      case 'find':
        return await this.#search.find(account, request);
      default:
        unreachable(request);
    }
  }

  #entries(accounts: readonly { readonly id: number; readonly name: string }[]): readonly UserEntry[] {
    const { presence } = this.#options;
    return accounts.map(({ id, name }) => ({ name, online: presence.isOnline(id) }));
  }
}

type OwnRead = Exclude<ReadRequest['op'], 'profile' | 'users' | 'search' | 'online' | 'groups'>;

function actorOf({ identity, session }: ConnectionContext): Actor | null {
  if (identity === null) return null;
  const { account, credential, token, hook } = identity;
  if (session !== null) return { account, session };
  if (token !== undefined) return { account, session, token: token.id };
  if (hook !== undefined) return { account, session, hook };
  return credential === undefined ? { account, session } : { account, session, credential };
}

const fresh = { stale: false } as const;

function askedBy({ identity, asked }: ConnectionContext, command: Command): Command | Asked {
  return asked === null || identity === null ? command : { kind: 'asked', key: asked.key, command };
}

function labelled(request: ReadRequest, reply: Reply): Reply {
  return reply.kind === 'receipt' && request.stale === true ? { ...reply, stale: true } : reply;
}
