/** Requests that are being answered: how many at once, and when the last of them is. */
export class UnderWay {
  readonly #most: number;
  #count = 0;
  #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** False when there are too many. What was begun is ended once. */
  begin(): boolean {
    if (this.#count >= this.#most) return false;
    this.#count += 1;
    return true;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async ended(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
