/** All accounts: by id, by name and e-mail without regard to case, and in the order of their names. */
import { assert } from '../base/assert.ts';
import { limits } from '../base/limits.ts';
import { encodeAccount } from './account-rows.ts';
import type { ChangeSet, Row } from './changes.ts';
import { isGlob, matchesGlob } from './glob.ts';
import { foldName } from './names.ts';
import { rowPrefix } from './row-codec.ts';
import type { Account, AccountId } from './types.ts';

class AccountRow implements Row {
  account: Account;
  readonly key: string;
  readonly folded: string;
  noted = false;

  constructor(account: Account) {
    this.account = account;
    this.key = rowPrefix.account + account.id;
    this.folded = foldName(account.name);
  }

  encode(): Uint8Array {
    return encodeAccount(this.account);
  }
}

export class Accounts {
  readonly #changes: ChangeSet;
  readonly #byId = new Map<AccountId, AccountRow>();
  readonly #byFoldedName = new Map<string, AccountRow>();
  readonly #byFoldedEmail = new Map<string, AccountRow>();
  /** Ascending by folded name. Kept beside its plain accounts, which is what readers get. */
  readonly #foldedNames: string[] = [];
  readonly #inOrder: Account[] = [];

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  byId(id: AccountId): Account | undefined {
    return this.#byId.get(id)?.account;
  }

  byName(name: string): Account | undefined {
    return this.#byFoldedName.get(foldName(name))?.account;
  }

  byEmail(email: string): Account | undefined {
    return this.#byFoldedEmail.get(foldName(email))?.account;
  }

  /** By folded name, ascending by code unit. */
  inOrder(): readonly Account[] {
    return this.#inOrder;
  }

  search(pattern: string): readonly Account[] {
    if (pattern.length > limits.searchPatternChars) return [];
    const folded = foldName(pattern);
    if (isGlob(folded)) {
      return this.#inOrder.filter((_, at) => matchesGlob(this.#foldedNames[at] ?? '', folded));
    }
    const from = this.#placeOf(folded);
    let to = from;
    while (this.#foldedNames[to]?.startsWith(folded)) to++;
    return this.#inOrder.slice(from, to);
  }

  add(account: Account): void {
    const row = this.#index(account);
    const place = this.#placeOf(row.folded);
    this.#foldedNames.splice(place, 0, row.folded);
    this.#inOrder.splice(place, 0, account);
    this.#changes.put(row);
  }

  /** Of the same id and name; everything else may be new. */
  replace(account: Account): void {
    const row = this.#byId.get(account.id);
    assert(row !== undefined && row.account.name === account.name, 'an account keeps its id and its name');
    if (row.account.email !== null) this.#byFoldedEmail.delete(foldName(row.account.email));
    if (account.email !== null) this.#byFoldedEmail.set(foldName(account.email), row);
    row.account = account;
    this.#inOrder[this.#placeOf(row.folded)] = account;
    this.#changes.put(row);
  }

  remove(id: AccountId): void {
    const row = this.#byId.get(id);
    if (row === undefined) return;
    if (row.account.email !== null) this.#byFoldedEmail.delete(foldName(row.account.email));
    this.#byId.delete(id);
    this.#byFoldedName.delete(row.folded);
    const place = this.#placeOf(row.folded);
    this.#foldedNames.splice(place, 1);
    this.#inOrder.splice(place, 1);
    this.#changes.delete(row);
  }

  restore(all: readonly Account[]): void {
    const rows = all.map((account) => this.#index(account));
    rows.sort((a, b) => (a.folded < b.folded ? -1 : 1));
    for (const row of rows) {
      this.#foldedNames.push(row.folded);
      this.#inOrder.push(row.account);
    }
  }

  rows(): Iterable<Row> {
    return this.#byId.values();
  }

  clear(): void {
    this.#byId.clear();
    this.#byFoldedName.clear();
    this.#byFoldedEmail.clear();
    this.#foldedNames.length = 0;
    this.#inOrder.length = 0;
  }

  #index(account: Account): AccountRow {
    const row = new AccountRow(account);
    this.#byId.set(account.id, row);
    this.#byFoldedName.set(row.folded, row);
    if (account.email !== null) this.#byFoldedEmail.set(foldName(account.email), row);
    return row;
  }

  /** Place of the first name that is not below `folded`, by halving. */
  #placeOf(folded: string): number {
    let from = 0;
    let to = this.#foldedNames.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#foldedNames[middle] ?? '') < folded) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
