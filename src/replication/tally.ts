/** Counts by reason. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** To be handed on as a function. */
  readonly count = (reason: string): void => {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  };

  all(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
