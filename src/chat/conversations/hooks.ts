/** Webhooks: by id, and by conversation, with which they go. */
import { limits } from '../../base/limits.ts';
import { ByteWriter, MalformedBytes, readAll } from '../codecs/bytes.ts';
import { readStanding, writeStanding } from '../codecs/hook-codec.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import { rowPrefix } from '../rows/row-codec.ts';
import type { HookId, HookProgress, HookView } from '../vocabulary/hook-types.ts';
import type { AccountId, ConversationId } from '../vocabulary/types.ts';

const version = 1;

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

class Hook implements Row {
  data: HookView;
  readonly key: string;
  noted = false;

  constructor(data: HookView) {
    this.data = data;
    this.key = rowPrefix.hook + data.id;
  }

  encode(): Uint8Array {
    const { account, conversation, name, url, createdMs } = this.data;
    writer.begin(version);
    writer.integer(account);
    writer.text(conversation);
    writer.text(name);
    // No address is empty.
    writer.text(url ?? '');
    writer.integer(createdMs);
    writeStanding(writer, this.data);
    return writer.take();
  }
}

export function decodeHook(id: HookId, value: Uint8Array): HookView | null {
  return readAll(value, (reader) => {
    if (reader.byte() !== version) throw new MalformedBytes('unknown version');
    const [account, conversation, name] = [reader.integer(), reader.text(), reader.text()];
    const [url, createdMs] = [reader.text() || null, reader.integer()];
    const direction = url === null ? 'in' : 'out';
    return { id, direction, account, conversation, name, url, createdMs, ...readStanding(reader) };
  });
}

export class Hooks {
  readonly #changes: ChangeSet;
  readonly #byId = new Map<HookId, Hook>();
  readonly #byConversation = new Map<ConversationId, Set<Hook>>();

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  get size(): number {
    return this.#byId.size;
  }

  byId(id: HookId): HookView | undefined {
    return this.#byId.get(id)?.data;
  }

  /** In the order in which they were made. */
  in(conversation: ConversationId): readonly HookView[] {
    const own = this.#byConversation.get(conversation);
    // Asked about each message, and most conversations have none.
    if (own === undefined) return none;
    return [...own].map(({ data }) => data).sort((a, b) => a.id - b.id);
  }

  /** In no particular order. */
  *all(): Generator<HookView> {
    for (const { data } of this.#byId.values()) yield data;
  }

  add(data: HookView): void {
    this.#changes.put(this.#index(data));
  }

  /** A cursor never moves back: nodes that took turns may tell of each other's past. */
  note(progress: Omit<HookProgress, 'hook'>, id: HookId): void {
    const hook = this.#byId.get(id);
    if (hook === undefined || progress.cursor < hook.data.cursor) return;
    const fault = progress.fault.slice(0, limits.hookFaultChars);
    const { cursor, failures, suspended } = progress;
    hook.data = { ...hook.data, cursor, failures, fault, suspended };
    this.#changes.put(hook);
  }

  remove(id: HookId): void {
    const hook = this.#byId.get(id);
    if (hook === undefined) return;
    this.#byId.delete(id);
    const { conversation } = hook.data;
    const others = this.#byConversation.get(conversation);
    others?.delete(hook);
    if (others?.size === 0) this.#byConversation.delete(conversation);
    this.#changes.delete(hook);
  }

  /** All of the conversation, or those that the account made. */
  removeIn(conversation: ConversationId, account: AccountId | null = null): void {
    for (const hook of this.in(conversation)) {
      if (account === null || hook.account === account) this.remove(hook.id);
    }
  }

  /** All that the account made. */
  removeOf(account: AccountId): void {
    for (const hook of [...this.all()]) if (hook.account === account) this.remove(hook.id);
  }

  restore(all: readonly HookView[]): void {
    for (const data of all) this.#index(data);
  }

  rows(): Iterable<Row> {
    return this.#byId.values();
  }

  clear(): void {
    this.#byId.clear();
    this.#byConversation.clear();
  }

  #index(data: HookView): Hook {
    const hook = new Hook(data);
    this.#byId.set(data.id, hook);
    const others = this.#byConversation.get(data.conversation);
    if (others === undefined) this.#byConversation.set(data.conversation, new Set([hook]));
    else others.add(hook);
    return hook;
  }
}

const none: readonly HookView[] = [];
