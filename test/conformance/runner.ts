import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { confChangeHandler } from './confchange.ts';
import { interactionHandler } from './interaction.ts';
import { quorumHandler } from './quorum.ts';
import { compareOutput, type Directive, type Divergence, parseScript, ScriptError } from './script.ts';

type Handler = (directive: Directive) => string;

const handlers: ReadonlyMap<string, () => Handler> = new Map([
  ['interaction', interactionHandler],
  ['confchange', confChangeHandler],
  ['quorum', quorumHandler],
]);

export interface ScriptResult {
  readonly passed: number;
  readonly total: number;
  readonly firstDivergence: Divergence | null;
}

export interface FileResult extends ScriptResult {
  /** Relative to the folder that was asked for. */
  readonly path: string;
}

/** `kind` is the name of the folder that holds the script. */
export function runScript(kind: string, text: string): ScriptResult {
  let directives: readonly Directive[];
  try {
    directives = parseScript(text);
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    return { passed: 0, total: 1, firstDivergence: { line: error.line ?? 1, text: error.message } };
  }
  const handler = handlers.get(kind)?.();
  if (handler === undefined || directives.length === 0) {
    const text = handler === undefined ? `unknown kind of script: ${kind}` : 'no directives';
    return { passed: 0, total: directives.length, firstDivergence: { line: 1, text } };
  }
  let passed = 0;
  let firstDivergence: Divergence | null = null;
  for (const directive of directives) {
    const divergence = runDirective(handler, directive);
    if (divergence === null) passed++;
    else firstDivergence ??= divergence;
  }
  return { passed, total: directives.length, firstDivergence };
}

function runDirective(handler: Handler, directive: Directive): Divergence | null {
  try {
    return compareOutput(directive, handler(directive));
  } catch (error) {
    // Whatever stops a directive, a violated invariant of the core included, is its result.
    const reason = error instanceof ScriptError ? error.message : String(error);
    return { line: directive.line, text: `${directive.command}: ${reason}` };
  }
}

/** Runs every `*.txt` below the folder, in order of path. */
export async function runFolder(
  folder: string,
  onResult: (result: FileResult) => void = () => undefined,
): Promise<readonly FileResult[]> {
  const results: FileResult[] = [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.txt'));
  for (const path of files.map((entry) => join(entry.parentPath, entry.name)).sort()) {
    const kind = basename(dirname(resolve(path)));
    const result = { path: relative(folder, path), ...runScript(kind, await readFile(path, 'utf8')) };
    results.push(result);
    onResult(result);
  }
  return results;
}
