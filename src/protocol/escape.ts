/**
 * Text of strangers within one line of output. A line break is shown as `\n`, every other control character (C0, DEL, C1) as `\xNN`,
 * so that no text can end its line, forge another, or command a terminal. Not control characters but as dangerous are those
 * that reorder what is seen (bidirectional embeddings, overrides, isolates) and the separators that some readers take for
 * line breaks: shown as `\uNNNN`. Stored text is as it came; only its display is escaped, and a backslash stays a backslash.
 */
export function escapeLine(text: string): string {
  return risky.test(text) ? text.replace(riskyEach, escapeUnit) : text;
}

// Built from escapes, since the characters themselves have no place in a source file.
const riskyUnits = '\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069';
const risky = new RegExp(`[${riskyUnits}]`);
const riskyEach = new RegExp(`[${riskyUnits}]`, 'g');

function escapeUnit(unit: string): string {
  if (unit === '\n') return '\\n';
  const code = unit.charCodeAt(0);
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
