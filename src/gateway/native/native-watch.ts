/** What a native connection, or a stream of events, that asked for it is told of the moment. One that lags misses changes, and is told all of it afterwards. */
import type { AccountId } from '../../chat/vocabulary/types.ts';
import type { PresenceNotice, TypingNotice, Watcher, Watchers } from '../../delivery/watchers.ts';
import type { NativeEvent } from '../../protocol/native.ts';

/** Where the events of a connection leave. */
export interface EventWriter {
  readonly lags: boolean;
  write(event: string): void;
}

export class NativeWatch implements Watcher {
  readonly #writer: EventWriter;
  readonly #watchers: Watchers;
  #account: AccountId = 0;
  #end: (() => void) | null = null;
  #missed = false;

  constructor(writer: EventWriter, watchers: Watchers) {
    this.#writer = writer;
    this.#watchers = watchers;
  }

  get account(): AccountId {
    return this.#account;
  }

  /** Asked for again it begins anew; null: it ends. */
  set(account: AccountId | null): void {
    this.#end?.();
    this.#end = null;
    if (account === null) return;
    this.#account = account;
    this.#end = this.#watchers.watch(this);
  }

  presence(notice: PresenceNotice, forms: Partial<Record<string, string>>): void {
    if (this.#writer.lags) {
      this.#missed = true;
    } else if (this.#missed && !notice.complete) {
      this.#missed = false;
      this.#watchers.tellAll(this);
    } else {
      const { users, complete } = notice;
      forms.native ??= encode({ ev: 'presence', users, ...(complete ? { complete } : {}) });
      this.#writer.write(forms.native);
    }
  }

  typing({ conversation, user }: TypingNotice, forms: Partial<Record<string, string>>): void {
    if (this.#writer.lags) return;
    forms.native ??= encode({ ev: 'typing', conversation, user });
    this.#writer.write(forms.native);
  }
}

function encode(event: NativeEvent): string {
  return JSON.stringify(event);
}
