/** What the editor writes to. While it is quiet nothing of that is seen: neither prompt nor what is typed. */
import { Writable } from 'node:stream';

export type TerminalOutput = NodeJS.WritableStream & { readonly columns?: number };

export class QuietOutput extends Writable {
  quiet = false;
  readonly #target: TerminalOutput;

  constructor(target: TerminalOutput) {
    super({ decodeStrings: false });
    this.#target = target;
    // The editor redraws what it has broken into rows.
    target.on('resize', () => this.emit('resize'));
  }

  get columns(): number | undefined {
    return this.#target.columns;
  }

  /** At once: others write to the same target, and the order is that of the calls. */
  override _write(text: string, _encoding: BufferEncoding, done: () => void): void {
    if (!this.quiet) this.#target.write(text);
    done();
  }
}
