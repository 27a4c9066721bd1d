/**
 * Guests and bearers of native sessions. They come in as on a line connection, and are then bound to the session as by any login: so a
 * repeated number gets its first answer, and a resumed session is theirs again.
 */
import { firstCredential } from '../chat/handlers/register.ts';
import type { Numbering } from '../chat/types.ts';
import type { ChangeRequest, Reply } from '../protocol/requests.ts';
import type { AccountService } from './account-service.ts';
import { type Authentication, impossibleCredential, type Propose } from './authentication.ts';
import { ConnectionContext } from './context.ts';
import { hashSecret, newUuid } from './identifiers.ts';
import { rejection } from './replies.ts';

type EntranceRequest = Extract<ChangeRequest, { op: 'enter-guest' | 'enter-bearer' }>;

export class Entrance {
  readonly #accounts: AccountService;
  readonly #authentication: Pick<Authentication, 'answeredFor' | 'refuse'>;
  readonly #propose: Propose;
  readonly #barrier: () => Promise<void>;

  constructor(
    accounts: AccountService,
    authentication: Pick<Authentication, 'answeredFor' | 'refuse'>,
    { propose, barrier }: { readonly propose: Propose; readonly barrier: () => Promise<void> },
  ) {
    this.#accounts = accounts;
    this.#authentication = authentication;
    this.#propose = propose;
    this.#barrier = barrier;
  }

  async enter(
    context: ConnectionContext,
    request: EntranceRequest,
    numbering: Numbering | null,
  ): Promise<Reply> {
    if (numbering === null) return this.#comeIn(context, request, null);
    // A first attempt may have been answered by another node.
    await this.#barrier();
    const account = this.#authentication.answeredFor(numbering);
    if (account !== null) {
      return this.#propose(context, { kind: 'login', account, credential: impossibleCredential }, numbering);
    }
    if (context.identity !== null) return rejection('ALREADY_LOGGED_IN');
    const door = new ConnectionContext(null, context.address);
    const reply = await this.#comeIn(door, request, guestUuid(numbering));
    if (reply.kind === 'rejection') {
      return this.#authentication.refuse(context, reply.code, numbering, reply.text);
    }
    if (door.identity === null) return reply;
    const { account: own, credential = firstCredential } = door.identity;
    const bound = await this.#propose(context, { kind: 'login', account: own, credential }, numbering);
    // The session's connection holds the guest from here on. One that is not bound is left to its lease: another attempt may bind it.
    this.#accounts.release(own);
    return bound;
  }

  #comeIn(context: ConnectionContext, request: EntranceRequest, uuid: string | null): Promise<Reply> {
    if (request.op === 'enter-guest') return this.#accounts.enterGuest(context, request.user, uuid);
    context.invitation = request.invitation ?? context.invitation;
    return this.#accounts.enterBearer(context, request.secret);
  }
}

/** The same for every attempt at this number, on any node; for anyone else as good as random. */
function guestUuid({ secretHash, sequence }: Numbering): string {
  const digest = Buffer.from(hashSecret(`guest ${sequence} ${secretHash}`), 'hex');
  return newUuid((count) => digest.subarray(0, count));
}
