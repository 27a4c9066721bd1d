/** Text above the line being typed: what arrives never tears what a person is writing. */
import { clearScreenDown, cursorTo, type Interface, moveCursor } from 'node:readline';
import type { ShowKind } from '../dialogues/dialogue.ts';
import type { QuietOutput, TerminalOutput } from './quiet-output.ts';

export type Style = 'plain' | Exclude<ShowKind, 'reply'>;

/** SGR parameters; `plain` has none. */
const styles: Readonly<Record<Style, string>> = { plain: '', message: '36', error: '31', notice: '2' };
/** Of a terminal that does not say how wide it is, or says nothing by 0. */
export const usualColumns = 80;

/** Whether to colour: only on a terminal that can, and not when NO_COLOR is set to anything (no-color.org). */
export function wantsColour(
  isTerminal: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const refused = environment.NO_COLOR !== undefined && environment.NO_COLOR !== '';
  return isTerminal && !refused && environment.TERM !== 'dumb';
}

export interface ScreenOptions {
  readonly editor: Interface;
  /** What the editor writes to, and what is behind it. */
  readonly quiet: QuietOutput;
  readonly output: TerminalOutput;
  readonly colour: boolean;
}

export class Screen {
  readonly #editor: Interface;
  /** While it is quiet, prompt and status are drawn from here. */
  readonly #quiet: QuietOutput;
  readonly #output: TerminalOutput;
  readonly #colour: boolean;
  readonly #status = new Map<string, string>();
  #prompt = '';
  #isSecret = false;
  /** Rows above the prompt that were drawn from here. */
  #rows = 0;

  constructor({ editor, quiet, output, colour }: ScreenOptions) {
    this.#editor = editor;
    this.#quiet = quiet;
    this.#output = output;
    this.#colour = colour;
  }

  /** Shows lines above the prompt and puts prompt, typed text and cursor back where they were. */
  print(lines: readonly string[], style: Style): void {
    const { rows } = this.#editor.getCursorPos();
    this.clear();
    const text = lines.map((line) => `${this.#styled(line, style)}\n`).join('');
    if (this.#quiet.quiet) {
      this.#output.write(text);
      this.#draw(this.#statusRows());
      return;
    }
    // The editor redraws from `rows` above the cursor, where it believes its first row to be.
    this.#output.write(text + '\n'.repeat(rows));
    this.#editor.prompt(true);
  }

  /** Takes away the prompt and what is typed after it. */
  clear(): void {
    const rows = this.#quiet.quiet ? this.#rows : this.#editor.getCursorPos().rows;
    moveCursor(this.#output, 0, -rows);
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
  }

  /** Of the next prompt that is shown. `isSecret`: what is typed behind it is not. */
  setPrompt(prompt: string, isSecret = false): void {
    this.#prompt = prompt;
    this.#isSecret = isSecret;
  }

  /** The person has pressed Enter: what is written next begins a row. */
  entered(): void {
    if (!this.#quiet.quiet) return;
    this.#output.write('\n');
    this.#rows = 0;
  }

  /** The prompt with what stands above it; what is typed stays. */
  showPrompt(): void {
    if (this.#isSecret) {
      this.clear();
      this.#quiet.quiet = true;
      this.#editor.setPrompt(this.#prompt);
      this.#editor.prompt(true);
      this.#draw(this.#statusRows());
      return;
    }
    if (this.#quiet.quiet) {
      this.clear();
      this.#quiet.quiet = false;
      this.#output.write('\n'.repeat(this.#editor.getCursorPos().rows));
    }
    this.#editor.setPrompt([...this.#statusRows(), this.#prompt].join('\n'));
    this.#editor.prompt(true);
  }

  /** A row above the prompt; null takes it away. */
  setStatus(of: string, line: string | null): void {
    if (line === null ? !this.#status.delete(of) : this.#status.get(of) === line) return;
    if (line !== null) this.#status.set(of, line);
    this.showPrompt();
  }

  /** Until the next prompt is shown. */
  dropStatus(): void {
    if (this.#status.size === 0) return;
    if (this.#quiet.quiet) {
      this.clear();
      this.#draw([]);
      return;
    }
    this.#editor.setPrompt(this.#prompt);
    this.#editor.prompt(true);
  }

  #statusRows(): readonly string[] {
    const { columns: told = 0 } = this.#output;
    const columns = told > 0 ? told : usualColumns;
    return [...this.#status.values()].map((line) => line.slice(0, columns - 1));
  }

  #draw(rows: readonly string[]): void {
    this.#rows = rows.length;
    this.#output.write([...rows, this.#prompt].join('\n'));
  }

  #styled(line: string, style: Style): string {
    const code = styles[style];
    return this.#colour && code !== '' && line !== '' ? `\u001b[${code}m${line}\u001b[0m` : line;
  }
}
