/** Who wants to be told of one kind of event. */
export class Listeners<Arguments extends readonly unknown[]> {
  readonly #listeners = new Set<(...values: Arguments) => void>();

  add(listener: (...values: Arguments) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(...values: Arguments): void {
    for (const listener of this.#listeners) listener(...values);
  }
}
