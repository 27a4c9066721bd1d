/** What administrators ask about accounts: who there is, who is locked out, who may come. Whoever calls it has let them in. */
import { CodedError } from '../../base/errors.ts';
import { accountKey, groupKey } from '../../chat/accounts/attempts.ts';
import { foldName } from '../../chat/names/names.ts';
import type { Account, AttemptKey, Command, Result } from '../../chat/vocabulary/types.ts';
import type { ChatView, GroupView } from '../../chat/vocabulary/view.ts';
import type { Reply } from '../../protocol/requests.ts';
import type { Outcome } from '../../replication/ports/engine.ts';
import type { Policy } from './policy.ts';
import { rejection, settled } from './replies.ts';

export interface AdministrationOptions {
  readonly view: ChatView;
  readonly presence: { isOnline(account: number): boolean };
  readonly clusterClock: { nowMs(): number };
  readonly barrier: () => Promise<void>;
  readonly proposeOwn: (command: Command) => Promise<Outcome<Result>>;
  readonly policy: Pick<Policy, 'nodePorts'>;
}

/** An account as administrators see it; nothing that opens it. */
export interface AccountEntry {
  readonly name: string;
  readonly kind: Account['kind'];
  readonly displayName: string | null;
  readonly email: string | null;
  readonly uuid: string;
  readonly createdMs: number;
  readonly online: boolean;
  readonly administrator: boolean;
  /** `limited`: until `untilMs` from now nothing is tried; `locked`: until it is unlocked. */
  readonly access: 'open' | 'limited' | 'locked';
  readonly retryAfterMs: number | null;
}

/** A group as administrators see it. */
export interface OperatorGroupEntry {
  readonly name: string;
  /** Null: announced from elsewhere, or the owner is gone. */
  readonly owner: string | null;
  readonly members: number;
  readonly messages: number;
  /** With a password. */
  readonly closed: boolean;
  /** Its own port on every node. */
  readonly port: number | null;
  readonly createdMs: number;
}

type Refused = Exclude<Reply, { kind: 'receipt' }>;
export type Administered<T> = { readonly kind: 'done'; readonly value: T } | Refused;

export class Administration {
  readonly #options: AdministrationOptions;

  constructor(options: AdministrationOptions) {
    this.#options = options;
  }

  /** By name, those behind `after`, at most `limit`. */
  async users(
    after: string,
    limit: number,
  ): Promise<Administered<{ readonly users: readonly AccountEntry[]; readonly more: boolean }>> {
    const refused = await this.#catchUp();
    if (refused !== null) return refused;
    const all = this.#options.view.accounts();
    const folded = foldName(after);
    const from = all.findIndex(({ name }) => foldName(name) > folded);
    const users = from < 0 ? [] : all.slice(from, from + limit).map((account) => this.#entry(account));
    return { kind: 'done', value: { users, more: from >= 0 && from + limit < all.length } };
  }

  /** By name, those behind `after`, at most `limit`. */
  async groups(
    after: string,
    limit: number,
  ): Promise<Administered<{ readonly groups: readonly OperatorGroupEntry[]; readonly more: boolean }>> {
    const refused = await this.#catchUp();
    if (refused !== null) return refused;
    const { view } = this.#options;
    const folded = foldName(after);
    const all = [...view.groups()].sort((a, b) => (foldName(a.name) < foldName(b.name) ? -1 : 1));
    const from = all.findIndex(({ name }) => foldName(name) > folded);
    const groups = from < 0 ? [] : all.slice(from, from + limit).map((group) => groupEntry(view, group));
    return { kind: 'done', value: { groups, more: from >= 0 && from + limit < all.length } };
  }

  /** The same again changes nothing. A guest is no administrator. */
  async setRole(
    name: string,
    administrator: boolean,
  ): Promise<Administered<{ readonly name: string; readonly administrator: boolean }>> {
    const { view, proposeOwn } = this.#options;
    const refused = await this.#catchUp();
    if (refused !== null) return refused;
    const account = view.accountByName(name) ?? view.accountByEmail(name);
    if (account === undefined) return rejection('UNKNOWN_USER');
    const answer = settled(await proposeOwn({ kind: 'set-role', account: account.id, administrator }));
    return answer.kind === 'applied'
      ? { kind: 'done', value: { name: account.name, administrator } }
      : answer;
  }

  /** Forgets all failures at the account's password, and its own at those of groups. */
  async unlock(name: string): Promise<Administered<{ readonly name: string; readonly forgotten: number }>> {
    const { view, proposeOwn } = this.#options;
    const refused = await this.#catchUp();
    if (refused !== null) return refused;
    const account = view.accountByName(name) ?? view.accountByEmail(name);
    if (account === undefined) return rejection('UNKNOWN_USER');
    const keys = this.#keysOf(account).filter((key) => view.attempt(key) !== undefined);
    if (keys.length === 0) return { kind: 'done', value: { name: account.name, forgotten: 0 } };
    const attempts = keys.map((key) => ({ key, failures: 0, cleared: true }));
    const answer = settled(await proposeOwn({ kind: 'note-attempts', attempts }));
    if (answer.kind !== 'applied') return answer;
    return { kind: 'done', value: { name: account.name, forgotten: keys.length } };
  }

  /** The code stays where it was made: its hash is all that is told. The same hash again is the same invitation. */
  async invite(
    codeHash: string,
    uses: number,
    lifetimeMs: number,
  ): Promise<Administered<{ readonly uses: number; readonly lifetimeMs: number }>> {
    const answer = settled(
      await this.#options.proposeOwn({ kind: 'create-invitation', codeHash, uses, lifetimeMs }),
    );
    return answer.kind === 'applied' ? { kind: 'done', value: { uses, lifetimeMs } } : answer;
  }

  /** Every node opens the port, and closes the one that the group had; null: closes it. The same again changes nothing. */
  async listen(
    group: string,
    port: number | null,
  ): Promise<Administered<{ readonly group: string; readonly port: number | null }>> {
    const { policy, proposeOwn } = this.#options;
    if (port !== null && policy.nodePorts.has(port)) {
      return rejection('CONFLICT', `Port ${port} is a node's own.`);
    }
    const answer = settled(await proposeOwn({ kind: 'set-group-listener', name: group, port }));
    if (answer.kind === 'rejection' && answer.code === 'CONFLICT') {
      return rejection('CONFLICT', `Port ${port} is another group's.`);
    }
    return answer.kind === 'applied' ? { kind: 'done', value: { group, port } } : answer;
  }

  /** Null once this node knows all that was committed before. */
  async #catchUp(): Promise<Refused | null> {
    try {
      await this.#options.barrier();
      return null;
    } catch (error) {
      if (error instanceof CodedError) return rejection(error.code, error.message);
      throw error;
    }
  }

  #keysOf({ id }: Account): readonly AttemptKey[] {
    return [accountKey(id), ...this.#options.view.groups().map((group) => groupKey(group.id, id))];
  }

  #entry(account: Account): AccountEntry {
    const { view, presence, clusterClock } = this.#options;
    const { id, name, kind, displayName, email, uuid, createdMs } = account;
    const attempt = view.attempt(accountKey(id));
    const leftMs = (attempt?.untilMs ?? 0) - clusterClock.nowMs();
    const isLimited = attempt !== undefined && leftMs > 0 && !attempt.isLocked;
    return {
      name,
      kind,
      displayName,
      email,
      uuid,
      createdMs,
      online: presence.isOnline(id),
      administrator: view.isAdministrator(id),
      access: attempt?.isLocked ? 'locked' : isLimited ? 'limited' : 'open',
      retryAfterMs: isLimited ? Math.ceil(leftMs) : null,
    };
  }
}

function groupEntry(view: ChatView, group: GroupView): OperatorGroupEntry {
  const { name, owner, memberCount, lastSequence, passwordHash, listenerPort, createdMs } = group;
  return {
    name,
    owner: owner === null ? null : (view.accountById(owner)?.name ?? null),
    members: memberCount,
    messages: lastSequence,
    closed: passwordHash !== null,
    port: listenerPort,
    createdMs,
  };
}
