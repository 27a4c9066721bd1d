/**
 * Guests and bearers of native sessions. They come in as on a line connection, and the session is bound to them as by any login: so a
 * repeated number gets its first answer, and a resumed session is theirs again.
 */
import { firstCredential } from '../../chat/handlers/register.ts';
import { isName } from '../../chat/names/names.ts';
import type { Numbering } from '../../chat/vocabulary/types.ts';
import type { ChangeRequest, Reply } from '../../protocol/requests.ts';
import type { AddressLimits } from '../connections/address-limits.ts';
import { ConnectionContext } from '../connections/context.ts';
import { hashSecret, newUuid } from '../secrets/identifiers.ts';
import type { AccountService } from './account-service.ts';
import { type Authentication, impossibleCredential, type Propose } from './authentication.ts';
import { registrationLimited, rejection } from './replies.ts';

type EnterGuest = Extract<ChangeRequest, { op: 'enter-guest' }>;
type EnterBearer = Extract<ChangeRequest, { op: 'enter-bearer' }>;

export interface EntranceOptions {
  readonly propose: Propose;
  readonly barrier: () => Promise<void>;
  readonly addresses: Pick<AddressLimits, 'register'>;
}

export class Entrance {
  readonly #accounts: AccountService;
  readonly #authentication: Pick<Authentication, 'answeredFor' | 'isAnswered' | 'refuse'>;
  readonly #options: EntranceOptions;

  constructor(
    accounts: AccountService,
    authentication: Pick<Authentication, 'answeredFor' | 'isAnswered' | 'refuse'>,
    options: EntranceOptions,
  ) {
    this.#accounts = accounts;
    this.#authentication = authentication;
    this.#options = options;
  }

  async enter(
    context: ConnectionContext,
    request: EnterGuest | EnterBearer,
    numbering: Numbering | null,
  ): Promise<Reply> {
    if (numbering === null) return this.#comeInUnnumbered(context, request);
    // A first attempt may have been answered by another node.
    await this.#options.barrier();
    return request.op === 'enter-guest'
      ? this.#enterGuest(context, request, numbering)
      : this.#enterBearer(context, request, numbering);
  }

  #comeInUnnumbered(context: ConnectionContext, request: EnterGuest | EnterBearer): Promise<Reply> {
    if (request.op === 'enter-guest') return this.#accounts.enterGuest(context, request.user);
    context.invitation = request.invitation ?? context.invitation;
    return this.#accounts.enterBearer(context, request.secret);
  }

  /** One command, the same from every attempt: which of two nodes was faster decides nothing. */
  async #enterGuest(context: ConnectionContext, { user }: EnterGuest, numbering: Numbering): Promise<Reply> {
    const fault = this.#accounts.guestFault(user);
    if (fault !== null) return this.#authentication.refuse(context, fault.code, numbering, fault.text);
    if (!this.#authentication.isAnswered(numbering)) {
      const waitMs = this.#options.addresses.register(context.address);
      if (waitMs !== null) return registrationLimited(waitMs);
    }
    const names = isName(user) ? {} : { names: 'unicode' as const };
    const command = { kind: 'enter-guest', name: user, uuid: guestUuid(numbering), ...names } as const;
    return this.#options.propose(context, command, numbering);
  }

  /** Who shows the secret is always the same account, so its login is the same command from every attempt. */
  async #enterBearer(context: ConnectionContext, request: EnterBearer, numbering: Numbering): Promise<Reply> {
    const { propose } = this.#options;
    const account = this.#authentication.answeredFor(numbering);
    if (account !== null) {
      return propose(context, { kind: 'login', account, credential: impossibleCredential }, numbering);
    }
    if (context.identity !== null) return rejection('ALREADY_LOGGED_IN');
    const door = new ConnectionContext(null, context.address);
    const reply = await this.#comeInUnnumbered(door, request);
    // Of this node alone: another one may be letting the same request in.
    if (reply.kind === 'rejection' && reply.code === 'RATE_LIMITED') return reply;
    if (reply.kind === 'rejection') {
      return this.#authentication.refuse(context, reply.code, numbering, reply.text);
    }
    if (door.identity === null) return reply;
    const { account: own, credential = firstCredential } = door.identity;
    return propose(context, { kind: 'login', account: own, credential }, numbering);
  }
}

/** The same for every attempt at this number, on any node; for anyone else as good as random. */
function guestUuid({ secretHash, sequence }: Numbering): string {
  const digest = Buffer.from(hashSecret(`guest ${sequence} ${secretHash}`), 'hex');
  return newUuid((count) => digest.subarray(0, count));
}
