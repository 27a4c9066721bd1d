/** Who may look after the cluster without its key: accounts with the role of an administrator. */
import { encodeGrant } from '../codecs/administration-codec.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import { rowPrefix } from '../rows/row-codec.ts';
import type { AccountId } from '../vocabulary/types.ts';

class Grant implements Row {
  readonly key: string;
  noted = false;

  constructor(account: AccountId) {
    this.key = rowPrefix.administrator + account;
  }

  encode(): Uint8Array {
    return encodeGrant();
  }
}

export class Administrators {
  readonly #changes: ChangeSet;
  readonly #grants = new Map<AccountId, Grant>();

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  has(account: AccountId): boolean {
    return this.#grants.has(account);
  }

  get size(): number {
    return this.#grants.size;
  }

  grant(account: AccountId): void {
    if (this.#grants.has(account)) return;
    const grant = new Grant(account);
    this.#grants.set(account, grant);
    this.#changes.put(grant);
  }

  revoke(account: AccountId): void {
    const grant = this.#grants.get(account);
    if (grant === undefined) return;
    this.#grants.delete(account);
    this.#changes.delete(grant);
  }

  restore(all: readonly AccountId[]): void {
    for (const account of all) this.#grants.set(account, new Grant(account));
  }

  rows(): Iterable<Row> {
    return this.#grants.values();
  }

  clear(): void {
    this.#grants.clear();
  }
}
