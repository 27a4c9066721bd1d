/** What the keyboard and a pipe have before them: a line in, its answer out, whatever the dialect. */

import type { ErrorCode } from '../../base/errors.ts';

/** `unreachable`: no node was connected with when the line was given up. */
export type Verdict = 'accepted' | 'rejected' | 'unknown' | 'unreachable' | 'quit';

/** `notice`: what a person should know and a script must not read. */
export type ShowKind = 'reply' | 'error' | 'message' | 'notice';

/** A promise when the other side takes its time: nothing more is shown, and nothing acknowledged, before it is fulfilled. */
export type Show = (lines: readonly string[], kind: ShowKind) => void | Promise<void>;

/** What a keyboard has in the dialects that complete and mark. */
export const keyboardHelp: readonly string[] = [
  'Tab - complete a command, a name or a path',
  'above the prompt - what became of your last message: sent, held by the cluster, delivered, read',
];

/** What may stand in place of `fragment`, the end of the line so far. */
export interface Completion {
  readonly candidates: readonly string[];
  readonly fragment: string;
}

export interface Dialogue {
  /** Stands above the first prompt. */
  readonly opening: readonly string[];
  /** Of the next line. */
  readonly prompt: string;
  /** The next line is a password: it is not shown, and taken as it is. */
  readonly isSecret?: boolean;
  /** An empty line means something. */
  readonly takesEmpty?: boolean;
  /** Shows the answer and says how it ended. */
  execute(line: string): Promise<Verdict>;
  /** Needs no answer of the cluster: it does not wait behind lines that do. */
  isImmediate(line: string): boolean;
  /** Such a line is not offered again. */
  holdsPassword(line: string): boolean;
  /** In this dialect's form: of a line that was not taken at all. */
  refusal(code: ErrorCode): string;
  /** What has to be answered with `y` first; null: nothing. */
  question?(line: string): string | null;
  /** The line that says `text` to this user or group, where a person can be offered to answer. */
  answerTo?(address: string, text: string): string;
  complete?(line: string): Promise<Completion>;
}
