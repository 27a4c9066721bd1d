/** All accounts: by id, by name and e-mail without regard to case, and in the order of their names. */
import { assert } from '../../base/assert.ts';
import { limits } from '../../base/limits.ts';
import { isGlob, matchesGlob } from '../names/glob.ts';
import { foldName, isName } from '../names/names.ts';
import { skeletonOf } from '../names/skeleton.ts';
import { encodeAccount } from '../rows/account-rows.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import { rowPrefix } from '../rows/row-codec.ts';
import type { Account, AccountId } from '../vocabulary/types.ts';

class AccountRow implements Row {
  account: Account;
  readonly key: string;
  readonly folded: string;
  readonly skeleton: string;
  noted = false;

  constructor(account: Account) {
    this.account = account;
    this.key = rowPrefix.account + account.id;
    this.folded = foldName(account.name);
    this.skeleton = skeletonOf(account.name);
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
  /** Names of each skeleton, counted: those of the registry dialect are among the others. */
  readonly #alike = new Map<string, { plain: number; other: number }>();
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

  /**
   * Whether a name that nobody has is drawn like one that somebody has. Two ASCII names never count: `bob1` and `bobl` are both
   * people's.
   */
  isConfusable(name: string): boolean {
    const alike = this.#alike.get(skeletonOf(name));
    if (alike === undefined) return false;
    return alike.other > 0 || (alike.plain > 0 && !isName(name));
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
    this.#countAlike(row, -1);
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
    this.#alike.clear();
    this.#foldedNames.length = 0;
    this.#inOrder.length = 0;
  }

  #index(account: Account): AccountRow {
    const row = new AccountRow(account);
    this.#byId.set(account.id, row);
    this.#byFoldedName.set(row.folded, row);
    if (account.email !== null) this.#byFoldedEmail.set(foldName(account.email), row);
    this.#countAlike(row, 1);
    return row;
  }

  #countAlike({ skeleton, account }: AccountRow, by: 1 | -1): void {
    const alike = this.#alike.get(skeleton) ?? { plain: 0, other: 0 };
    if (isName(account.name)) alike.plain += by;
    else alike.other += by;
    if (alike.plain + alike.other > 0) this.#alike.set(skeleton, alike);
    else this.#alike.delete(skeleton);
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
