/** Who is here. Asked now and then; a change is told in between where the node tells it. */
import type { Clock, Timer } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import type { UserEntry } from '../../protocol/requests.ts';
import type { AppState } from '../model/app-state.ts';
import type { Store } from './store.ts';

const askEveryMs = 20_000;

export class People {
  readonly #client: Client;
  readonly #store: Store<AppState>;
  readonly #clock: Clock;
  #timer: Timer | null = null;

  constructor(client: Client, store: Store<AppState>, clock: Clock) {
    this.#client = client;
    this.#store = store;
    this.#clock = clock;
  }

  begin(): void {
    this.end();
    void this.#ask();
    this.#timer = this.#clock.after(askEveryMs, () => this.begin());
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** By the beginning of their names. */
  async find(beginning: string): Promise<readonly UserEntry[]> {
    const pattern = beginning.replace(/[*?]/g, '');
    const outcome = pattern === '' ? await this.#client.users() : await this.#client.search(pattern);
    return outcome.kind === 'receipt' ? outcome.value.users : [];
  }

  async #ask(): Promise<void> {
    const outcome = await this.#client.online();
    if (outcome.kind !== 'receipt') return;
    const online = new Set(outcome.value.online.map(({ name }) => name));
    this.#store.update((state) => (sameNames(state.online, online) ? state : { ...state, online }));
  }
}

function sameNames(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((name) => b.has(name));
}
