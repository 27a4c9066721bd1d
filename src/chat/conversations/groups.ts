/** The groups: by id, by name without regard to case, in the order of their names, and their members in the order of theirs. */

import { foldName } from '../names/names.ts';
import type { AccountId, ConversationId } from '../vocabulary/types.ts';
import type { Group } from './conversation.ts';

export class Groups {
  readonly #byId = new Map<ConversationId, Group>();
  readonly #byFoldedName = new Map<string, Group>();
  readonly #byPort = new Map<number, Group>();
  /** Made when somebody asks; null after a change. Readers ask more often than groups come and go. */
  #inOrder: readonly Group[] | null = null;
  readonly #membersInOrder = new Map<ConversationId, readonly AccountId[]>();

  get size(): number {
    return this.#byId.size;
  }

  byId(id: ConversationId): Group | undefined {
    return this.#byId.get(id);
  }

  byName(name: string): Group | undefined {
    return this.#byFoldedName.get(foldName(name));
  }

  /** Those that have a port of their own. No two have the same. */
  byPort(): ReadonlyMap<number, Group> {
    return this.#byPort;
  }

  all(): Iterable<Group> {
    return this.#byId.values();
  }

  inOrder(): readonly Group[] {
    this.#inOrder ??= [...this.#byId.values()].sort((a, b) => (a.folded < b.folded ? -1 : 1));
    return this.#inOrder;
  }

  /** `nameOf`: of an account that is there; names never change. */
  membersInOrder(id: ConversationId, nameOf: (id: AccountId) => string): readonly AccountId[] {
    const known = this.#membersInOrder.get(id);
    if (known !== undefined) return known;
    const group = this.#byId.get(id);
    if (group === undefined) return [];
    const named = Array.from(group.members(), (account) => ({ account, folded: foldName(nameOf(account)) }));
    named.sort((a, b) => (a.folded < b.folded ? -1 : 1));
    const ordered = named.map(({ account }) => account);
    this.#membersInOrder.set(id, ordered);
    return ordered;
  }

  /** Members came or went. */
  forgetOrder(group: Group): void {
    this.#membersInOrder.delete(group.id);
  }

  add(group: Group): void {
    this.#byId.set(group.id, group);
    this.#byFoldedName.set(group.folded, group);
    if (group.listenerPort !== null) this.#byPort.set(group.listenerPort, group);
    this.#inOrder = null;
  }

  change(group: Group, change: (group: Group) => void): void {
    this.#byFoldedName.delete(group.folded);
    if (group.listenerPort !== null) this.#byPort.delete(group.listenerPort);
    change(group);
    this.add(group);
  }

  remove(group: Group): void {
    this.#byId.delete(group.id);
    this.#byFoldedName.delete(group.folded);
    if (group.listenerPort !== null) this.#byPort.delete(group.listenerPort);
    this.#membersInOrder.delete(group.id);
    this.#inOrder = null;
  }

  clear(): void {
    this.#byId.clear();
    this.#byFoldedName.clear();
    this.#byPort.clear();
    this.#membersInOrder.clear();
    this.#inOrder = null;
  }
}
