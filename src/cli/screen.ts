/** Text above the line being typed: what arrives never tears what a person is writing. */
import { clearScreenDown, cursorTo, type Interface, moveCursor } from 'node:readline';
import type { ShowKind } from './dialogue.ts';

export type Style = 'plain' | Exclude<ShowKind, 'reply'>;

/** SGR parameters; `plain` has none. */
const styles: Readonly<Record<Style, string>> = { plain: '', message: '36', error: '31', notice: '2' };
/** Of a terminal that does not say how wide it is, or says nothing by 0. */
const usualColumns = 80;

/** Whether to colour: only on a terminal that can, and not when NO_COLOR is set to anything (no-color.org). */
export function wantsColour(
  isTerminal: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const refused = environment.NO_COLOR !== undefined && environment.NO_COLOR !== '';
  return isTerminal && !refused && environment.TERM !== 'dumb';
}

export class Screen {
  readonly #editor: Interface;
  readonly #output: NodeJS.WritableStream & { readonly columns?: number };
  readonly #colour: boolean;
  readonly #status = new Map<string, string>();
  #prompt = '';

  constructor(editor: Interface, output: NodeJS.WritableStream, colour: boolean) {
    this.#editor = editor;
    this.#output = output;
    this.#colour = colour;
  }

  /** Shows lines above the prompt and puts prompt, typed text and cursor back where they were. */
  print(lines: readonly string[], style: Style): void {
    const { rows } = this.#editor.getCursorPos();
    this.clear();
    const text = lines.map((line) => `${this.#styled(line, style)}\n`).join('');
    // The editor redraws from `rows` above the cursor, where it believes its first row to be.
    this.#output.write(text + '\n'.repeat(rows));
    this.#editor.prompt(true);
  }

  /** Takes away the prompt and what is typed after it. */
  clear(): void {
    moveCursor(this.#output, 0, -this.#editor.getCursorPos().rows);
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
  }

  /** Of the next prompt that is shown. */
  setPrompt(prompt: string): void {
    this.#prompt = prompt;
  }

  /** The prompt with what stands above it; what is typed stays. */
  showPrompt(): void {
    const { columns: told = 0 } = this.#output;
    const columns = told > 0 ? told : usualColumns;
    const rows = [...this.#status.values()].map((line) => line.slice(0, columns - 1));
    this.#editor.setPrompt([...rows, this.#prompt].join('\n'));
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
    this.#editor.setPrompt(this.#prompt);
    this.#editor.prompt(true);
  }

  #styled(line: string, style: Style): string {
    const code = styles[style];
    return this.#colour && code !== '' && line !== '' ? `\u001b[${code}m${line}\u001b[0m` : line;
  }
}
