/** What differs between the line dialects before a session exists: the form in which a connection is refused. */
import { assert, unreachable } from '../../base/assert.ts';
import { type ErrorCode, errorTable } from '../../base/errors.ts';
import type { Dialect } from '../../protocol/detect.ts';
import { formatPipeError } from '../../protocol/pipe-errors.ts';

export type LineDialect = Dialect;

const dialects: readonly LineDialect[] = ['pipe', 'messenger', 'slash', 'words', 'registry'];

/** The dialect of that name; the configuration admits no other. */
export function asDialect(name: string): LineDialect {
  const dialect = dialects.find((known) => known === name);
  assert(dialect !== undefined, 'a configured dialect is a known one');
  return dialect;
}

/** One line with its end. */
export function errorLine(dialect: LineDialect, code: ErrorCode): string {
  return `${errorText(dialect, code)}\n`;
}

/** The same without its end. */
export function errorText(dialect: LineDialect, code: ErrorCode): string {
  const { text } = errorTable[code];
  switch (dialect) {
    case 'pipe':
      return formatPipeError(code);
    case 'messenger':
      return `9|${text}`;
    case 'slash':
      return `ERROR: ${text}`;
    case 'words':
      return text;
    case 'registry':
      return 'FAILED';
    default:
      unreachable(dialect);
  }
}
