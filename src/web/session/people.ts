/** Who is here, and who is writing: told by the node as it changes, kept nowhere. */
import type { Clock, Timer } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import type { ClientEvent } from '../../client/types.ts';
import type { UserEntry } from '../../protocol/requests.ts';
import type { AppState } from '../model/app-state.ts';
import { afterPresence, withoutTyping, withTyping } from '../model/presence.ts';
import type { Store } from './store.ts';

/** How long somebody is said to be writing. */
const typingMs = 5_000;
/** Own writing is told at most so often. */
const tellMs = 2_500;

export class People {
  readonly #client: Client;
  readonly #store: Store<AppState>;
  readonly #clock: Clock;
  readonly #timers = new Map<string, Timer>();
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(client: Client, store: Store<AppState>, clock: Clock) {
    this.#client = client;
    this.#store = store;
    this.#clock = clock;
    client.onEvent((event) => this.#happened(event));
  }

  begin(): void {
    void this.#client.watch();
  }

  end(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  /** This person is writing to that address. */
  writes(address: string): void {
    const now = this.#clock.monotonicMs();
    if (now - this.#toldMs < tellMs || this.#store.state.node === null) return;
    this.#toldMs = now;
    void this.#client.typing(address);
  }

  /** By the beginning of their names. */
  async find(beginning: string): Promise<readonly UserEntry[]> {
    const pattern = beginning.replace(/[*?]/g, '');
    const outcome = pattern === '' ? await this.#client.users() : await this.#client.search(pattern);
    return outcome.kind === 'receipt' ? outcome.value.users : [];
  }

  #happened(event: ClientEvent): void {
    if (event.ev === 'presence') {
      const { users, complete = false } = event;
      this.#store.update((state) => ({ ...state, online: afterPresence(state.online, users, complete) }));
    } else if (event.ev === 'typing' && event.user !== this.#store.state.me) {
      this.#writes(event.conversation, event.user);
    }
  }

  #writes(conversation: string, user: string): void {
    const key = `${conversation} ${user}`;
    this.#timers.get(key)?.cancel();
    const over = (): void => {
      this.#timers.delete(key);
      this.#store.update((state) => ({ ...state, typing: withoutTyping(state.typing, conversation, user) }));
    };
    this.#timers.set(key, this.#clock.after(typingMs, over));
    this.#store.update((state) => ({ ...state, typing: withTyping(state.typing, conversation, user) }));
  }
}
