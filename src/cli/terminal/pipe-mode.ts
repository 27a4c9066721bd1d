/**
 * The terminal client without a terminal: lines from a pipe, one after another, each answered before the next is sent. Replies and messages
 * go to stdout, so that a script reads nothing else there.
 */

import { type Line, LineSplitter } from '../../protocol/lines.ts';
import type { Dialogue, Verdict } from '../dialogues/dialogue.ts';
import { exitAccepted, exitRejected, exitUnknown } from '../program/outcome-codes.ts';

export interface PipeModeOptions {
  readonly input: AsyncIterable<Uint8Array>;
  readonly dialogue: Pick<Dialogue, 'execute' | 'refusal'>;
  readonly show: (lines: readonly string[]) => void | Promise<void>;
  /** True once nobody reads the output any more. */
  readonly isOutputGone: () => boolean;
}

/** Returns the exit code: the worst of all lines. Stops at `q`, when no node can be reached, and when the output is gone. */
export async function runPipeMode(options: PipeModeOptions): Promise<number> {
  let worst = exitAccepted;
  for await (const line of linesOf(options.input)) {
    const verdict = await execute(options, line);
    worst = Math.max(worst, codeOf(verdict));
    const isLast = verdict === 'quit' || verdict === 'unreachable' || line.kind === 'too-long';
    if (isLast || options.isOutputGone()) break;
  }
  return worst;
}

async function execute(options: PipeModeOptions, line: Line): Promise<Verdict> {
  if (line.kind !== 'line') {
    await options.show([
      options.dialogue.refusal(line.kind === 'too-long' ? 'LINE_TOO_LONG' : 'BAD_ENCODING'),
    ]);
    return 'rejected';
  }
  return options.dialogue.execute(line.text);
}

/** The last line counts without its end too: nobody cut a local pipe in the middle. */
async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const splitter = new LineSplitter();
  for await (const chunk of input) yield* splitter.push(chunk);
  if (splitter.startedBytes > 0) yield* splitter.push(new Uint8Array([10]));
}

function codeOf(verdict: Verdict): number {
  switch (verdict) {
    case 'accepted':
    case 'quit':
      return exitAccepted;
    case 'rejected':
      return exitRejected;
    case 'unknown':
    case 'unreachable':
      return exitUnknown;
  }
}
