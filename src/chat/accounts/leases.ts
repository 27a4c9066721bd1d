/**
 * Guests' leases, in the order of their renewal: since all leases are equally long, the front is the first to lapse. Each entry looks at
 * the front only.
 */
import { limits } from '../../base/limits.ts';
import { encodeLease, type LeaseData } from '../rows/account-rows.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import { rowPrefix } from '../rows/row-codec.ts';
import type { Moment } from '../vocabulary/moment.ts';
import type { AccountId } from '../vocabulary/types.ts';

class Lease implements Row, LeaseData {
  readonly account: AccountId;
  readonly key: string;
  noted = false;
  renewedIndex: number;
  untilMs: number;

  constructor(data: LeaseData) {
    this.account = data.account;
    this.key = rowPrefix.guestLease + data.account;
    this.renewedIndex = data.renewedIndex;
    this.untilMs = data.untilMs;
  }

  encode(): Uint8Array {
    return encodeLease(this);
  }
}

/** When a node died, hundreds may be due at once: the rest waits for the next entries. */
const lapsesPerEntry = 16;

export class Leases {
  readonly #changes: ChangeSet;
  /** Ascending by renewal, then by account. */
  readonly #byAccount = new Map<AccountId, Lease>();

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  get size(): number {
    return this.#byAccount.size;
  }

  grant(account: AccountId, moment: Moment): void {
    this.#renew(new Lease({ account, renewedIndex: 0, untilMs: 0 }), moment);
  }

  /** Those that still have one; in ascending order, so that a restored node has them in the same. */
  renew(accounts: readonly AccountId[], moment: Moment): void {
    for (const account of [...new Set(accounts)].sort((a, b) => a - b)) {
      const lease = this.#byAccount.get(account);
      if (lease !== undefined) this.#renew(lease, moment);
    }
  }

  drop(account: AccountId): void {
    const lease = this.#byAccount.get(account);
    if (lease === undefined) return;
    this.#byAccount.delete(account);
    this.#changes.delete(lease);
  }

  /** Whose lease is over; to be dropped with their accounts. */
  lapsed(clusterMs: number): readonly AccountId[] {
    if (this.#byAccount.size === 0) return nobody;
    const due: AccountId[] = [];
    for (const lease of this.#byAccount.values()) {
      if (due.length >= lapsesPerEntry || lease.untilMs > clusterMs) break;
      due.push(lease.account);
    }
    return due;
  }

  restore(all: readonly LeaseData[]): void {
    const inOrder = [...all].sort((a, b) => a.renewedIndex - b.renewedIndex || a.account - b.account);
    for (const data of inOrder) this.#byAccount.set(data.account, new Lease(data));
  }

  rows(): Iterable<Row> {
    return this.#byAccount.values();
  }

  clear(): void {
    this.#byAccount.clear();
  }

  #renew(lease: Lease, moment: Moment): void {
    this.#byAccount.delete(lease.account);
    this.#byAccount.set(lease.account, lease);
    lease.renewedIndex = moment.index;
    lease.untilMs = moment.clusterMs + limits.guestLeaseMs;
    this.#changes.put(lease);
  }
}

const nobody: readonly AccountId[] = [];
