/** Those connections of a node that belong to the members of a conversation, found by whichever is shorter: its members or who is here. */
import type { AccountId } from '../chat/vocabulary/types.ts';
import type { GroupView } from '../chat/vocabulary/view.ts';

export class MemberSelection<Subscriber> {
  readonly #byAccount: ReadonlyMap<AccountId, ReadonlySet<Subscriber>>;

  constructor(byAccount: ReadonlyMap<AccountId, ReadonlySet<Subscriber>>) {
    this.#byAccount = byAccount;
  }

  all(): readonly Subscriber[] {
    return this.#collect(this.#byAccount.keys());
  }

  among(accounts: Iterable<AccountId>): readonly Subscriber[] {
    return this.#collect(accounts);
  }

  ofGroup(group: GroupView, admits: (account: AccountId) => boolean): readonly Subscriber[] {
    if (group.memberCount <= this.#byAccount.size) return this.#collect(filtered(group.members(), admits));
    const here = filtered(this.#byAccount.keys(), (account) => group.includes(account) && admits(account));
    return this.#collect(here);
  }

  #collect(accounts: Iterable<AccountId>): readonly Subscriber[] {
    const found: Subscriber[] = [];
    for (const account of accounts) {
      const subscribers = this.#byAccount.get(account);
      if (subscribers !== undefined) found.push(...subscribers);
    }
    return found;
  }
}

function* filtered(
  accounts: Iterable<AccountId>,
  admits: (account: AccountId) => boolean,
): Iterable<AccountId> {
  for (const account of accounts) if (admits(account)) yield account;
}
