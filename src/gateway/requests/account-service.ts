/**
 * What dialects ask about accounts beside registration and login: one's own profile, guests, and accounts that are known by a secret alone
 * (the registry dialect). Guests of this node are kept alive here for as long as their connections are.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { bearerName, isName } from '../../chat/names/names.ts';
import { isUuid } from '../../chat/names/uuid.ts';
import type { Account, AccountId, Command, Receipt, Result } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { Profile, Reply } from '../../protocol/requests.ts';
import type { Outcome } from '../../replication/ports/engine.ts';
import type { AddressLimits } from '../connections/address-limits.ts';
import type { ConnectionContext } from '../connections/context.ts';
import { hashSecret, newUuid, type SecureBytes } from '../secrets/identifiers.ts';
import { holdsName, type Propose } from './authentication.ts';
import { isAllowedName, preparedName } from './name-preparation.ts';
import { type Policy, registrationFault } from './policy.ts';
import { type Rejection, receipt, registrationLimited, rejection, settled } from './replies.ts';

export interface AccountServiceOptions {
  readonly view: ChatView;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly secureBytes: SecureBytes;
  readonly addresses: Pick<AddressLimits, 'register'>;
  readonly barrier: () => Promise<void>;
  readonly propose: Propose;
  /** A command of the node itself, for nobody. */
  readonly proposeOwn: (command: Command) => Promise<Outcome<Result>>;
}

/** A new account of the registry dialect. The secret is shown this once and kept nowhere. */
export interface Bearer {
  readonly kind: 'bearer';
  /** A UUID of version 4. */
  readonly secret: string;
  readonly name: string;
}

/** Two secrets whose public names are equal are as rare as 1 in 2^32; three times in a row is a fault elsewhere. */
const bearerAttempts = 3;

export class AccountService {
  readonly #options: AccountServiceOptions;
  /** How many connections each has here. */
  readonly #guests = new Map<AccountId, number>();
  /** Connections whose guest is about to enter; one that has gone meanwhile is here no more. */
  readonly #entering = new Set<ConnectionContext>();
  #renewal: Timer | null = null;
  #stopped = false;

  constructor(options: AccountServiceOptions) {
    this.#options = options;
  }

  /** Behind a barrier. */
  profileOf(context: ConnectionContext): Reply {
    const profile = this.#profile(context);
    return profile === null ? rejection('AUTH_REQUIRED') : receipt({ op: 'profile', ...profile });
  }

  async setProfile(
    context: ConnectionContext,
    change: { readonly displayName?: string | null; readonly email?: string | null },
    numbering: Parameters<Propose>[2],
  ): Promise<Reply> {
    const { displayName, email } = change;
    return this.#options.propose(
      context,
      {
        kind: 'set-profile',
        ...(displayName === undefined ? {} : { displayName }),
        ...(email === undefined ? {} : { email }),
      },
      numbering,
    );
  }

  /**
   * Logs a raw line connection in under a name that nobody has, without a password. The lease lasts as long as the connection:
   * whoever closes it calls `leaveGuest`.
   */
  async enterGuest(context: ConnectionContext, typed: string): Promise<Reply> {
    const name = preparedName(typed);
    if (context.identity !== null) return rejection('ALREADY_LOGGED_IN');
    const fault = this.guestFault(name);
    if (fault !== null) return fault;
    this.#entering.add(context);
    try {
      return await this.#enter(context, name);
    } finally {
      this.#entering.delete(context);
    }
  }

  /** What every node says of such a guest, whatever the state; null: nothing against it. */
  guestFault(name: string): Rejection | null {
    const { view, policy } = this.#options;
    if (!policy.guests) return rejection('DENIED', 'Guests are not admitted here.');
    if (isAllowedName(name, policy.names)) return null;
    return rejection(view.isConfusable(name) ? 'NAME_CONFUSABLE' : 'BAD_NAME');
  }

  async #enter(context: ConnectionContext, name: string): Promise<Reply> {
    const { view, secureBytes, proposeOwn, barrier, addresses } = this.#options;
    await barrier();
    if (holdsName(view.accountByName(name))) return rejection('NAME_TAKEN');
    const waitMs = addresses.register(context.address);
    if (waitMs !== null) return registrationLimited(waitMs);
    const names = isName(name) ? {} : { names: 'unicode' as const };
    const uuid = newUuid(secureBytes);
    const answer = settled(await proposeOwn({ kind: 'enter-guest', name, uuid, ...names }));
    if (answer.kind !== 'applied') return answer;
    const account = entered(answer.receipt);
    if (account === null) return rejection('INTERNAL');
    context.identity = { account, name };
    this.hold(account);
    if (!this.#entering.has(context)) await this.leaveGuest(context);
    return receipt({ op: 'login', user: name });
  }

  /** The guest's connection is gone: the account goes with it. Does nothing for others; never rejects. */
  async leaveGuest(context: ConnectionContext): Promise<void> {
    const { identity } = context;
    this.#entering.delete(context);
    if (identity === null || !this.#guests.delete(identity.account)) return;
    // Without a majority the lease ends it a little later.
    await this.#options.propose(context, { kind: 'delete-account', name: identity.name }, null);
  }

  /** A connection here is this account's: a guest's lease is renewed while it is. Does nothing for others. */
  hold(account: AccountId): void {
    if (this.#options.view.accountById(account)?.kind !== 'guest') return;
    this.#guests.set(account, (this.#guests.get(account) ?? 0) + 1);
    this.#planRenewal();
  }

  /** The connection is gone; the guest may come back, here or elsewhere, until its lease is over. */
  release(account: AccountId): void {
    const connections = this.#guests.get(account) ?? 0;
    if (connections > 1) this.#guests.set(account, connections - 1);
    else this.#guests.delete(account);
  }

  /** An account whose owner knows it by a secret. */
  async newBearer(context: ConnectionContext): Promise<Bearer | Exclude<Reply, { kind: 'receipt' }>> {
    const refusal = this.#bearerRefusal(context);
    if (refusal !== null) return refusal;
    for (let attempt = 1; ; attempt++) {
      const secret = newUuid(this.#options.secureBytes);
      const answer = await this.#registerBearer(context, secret);
      if (answer.kind === 'applied') return { kind: 'bearer', secret, name: bearerName(hashSecret(secret)) };
      const isTaken = answer.kind === 'rejection' && answer.code === 'NAME_TAKEN';
      if (!isTaken || attempt === bearerAttempts) return answer;
    }
  }

  /** Logs a raw line connection in by a bearer's secret, as whoever it is: a connection may change from one to the other. */
  async loginBearer(context: ConnectionContext, secret: string): Promise<Reply> {
    const { barrier } = this.#options;
    if (!isUuid(secret)) return rejection('BAD_CREDENTIALS');
    await barrier();
    const account = this.#bearerBy(hashSecret(secret));
    if (account === undefined) return rejection('BAD_CREDENTIALS');
    context.identity = { account: account.id, name: account.name, credential: account.credential };
    return receipt({ op: 'login', user: account.name });
  }

  /** The same for a secret that its owner made, so that it may be asked again: a new account where there is none. */
  async enterBearer(context: ConnectionContext, secret: string): Promise<Reply> {
    const known = await this.loginBearer(context, secret);
    if (known.kind !== 'rejection' || known.code !== 'BAD_CREDENTIALS' || !isUuid(secret)) return known;
    const refusal = this.#bearerRefusal(context);
    if (refusal !== null) return refusal;
    const answer = await this.#registerBearer(context, secret);
    // Also where another attempt was faster.
    const isThere =
      answer.kind === 'applied' || (answer.kind === 'rejection' && answer.code === 'NAME_TAKEN');
    return isThere ? this.loginBearer(context, secret) : answer;
  }

  stop(): void {
    this.#stopped = true;
    this.#renewal?.cancel();
  }

  #bearerRefusal({ invitation, address }: ConnectionContext): Rejection | null {
    const { addresses, policy } = this.#options;
    const closed = registrationFault(policy, invitation);
    if (closed !== null) return rejection('DENIED', closed);
    const waitMs = addresses.register(address);
    return waitMs === null ? null : registrationLimited(waitMs);
  }

  async #registerBearer(
    { invitation }: ConnectionContext,
    secret: string,
  ): Promise<ReturnType<typeof settled>> {
    const { secureBytes, proposeOwn } = this.#options;
    const uuid = newUuid(secureBytes);
    const shown = invitation === null ? {} : { invitation: hashSecret(invitation) };
    return settled(
      await proposeOwn({ kind: 'register-bearer', secretHash: hashSecret(secret), uuid, ...shown }),
    );
  }

  /** The full hash decides; that the name is found by a part of it tells nobody more than the name does. */
  #bearerBy(secretHash: string): Account | undefined {
    const account = this.#options.view.accountByName(bearerName(secretHash));
    return account?.kind === 'bearer' && account.passwordHash === secretHash ? account : undefined;
  }

  #profile({ identity }: ConnectionContext): Profile | null {
    const account = identity === null ? undefined : this.#options.view.accountById(identity.account);
    if (account === undefined) return null;
    const { name, displayName, email, uuid, createdMs } = account;
    return { user: name, displayName, email, uuid, createdMs };
  }

  #planRenewal(): void {
    if (this.#renewal !== null || this.#stopped) return;
    this.#renewal = this.#options.clock.after(limits.guestLeaseMs / 3, () => {
      this.#renewal = null;
      void this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const { view, proposeOwn } = this.#options;
    // Those that the state has lost meanwhile (their lease was over) are not held on to.
    for (const guest of this.#guests.keys())
      if (view.accountById(guest) === undefined) this.#guests.delete(guest);
    if (this.#guests.size === 0) return;
    this.#planRenewal();
    await proposeOwn({ kind: 'renew-guests', accounts: [...this.#guests.keys()] });
  }
}

function entered(receipt: Receipt): AccountId | null {
  return receipt.kind === 'guest-entered' ? receipt.account : null;
}
