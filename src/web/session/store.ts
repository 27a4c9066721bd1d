/** One value that the page shows, changed as a whole; whoever draws is told once for all changes of a turn. */
export class Store<State> {
  #state: State;
  readonly #listeners = new Set<() => void>();
  readonly #plan: (action: () => void) => void;
  #isPlanned = false;

  /** `plan` runs an action soon, once: after the turn, or before the next picture. */
  constructor(state: State, plan: (action: () => void) => void = queueMicrotask) {
    this.#state = state;
    this.#plan = plan;
  }

  get state(): State {
    return this.#state;
  }

  update(change: (state: State) => State): void {
    const next = change(this.#state);
    if (next === this.#state) return;
    this.#state = next;
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#plan(() => {
      this.#isPlanned = false;
      for (const listener of [...this.#listeners]) listener();
    });
  }

  set(change: Partial<State>): void {
    this.update((state) => ({ ...state, ...change }));
  }

  /** Returns a function that ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
