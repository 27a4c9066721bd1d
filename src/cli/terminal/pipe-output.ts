/** Standard output that may be slow or gone, and standard input that is worth reading while it is not. */

/** Whoever read us has left (`… | head`): nothing more can be said, and nothing more is asked. */
export class PipeOutput {
  #gone = false;
  readonly #leaving: Promise<void>;

  constructor() {
    this.#leaving = new Promise((resolve) => {
      process.stdout.on('error', () => {
        this.#gone = true;
        process.stdin.destroy();
        resolve();
      });
    });
  }

  get isGone(): boolean {
    return this.#gone;
  }

  async show(lines: readonly string[]): Promise<void> {
    if (this.#gone || process.stdout.write(lines.map((line) => `${line}\n`).join(''))) return;
    const drained = new Promise<void>((resolve) => {
      process.stdout.once('drain', resolve);
    });
    await Promise.race([drained, this.#leaving]);
  }

  /** Input is worth reading only while the output is there. */
  async *input(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of process.stdin) yield chunk;
    } catch (error) {
      if (!this.#gone) throw error;
    }
  }
}
