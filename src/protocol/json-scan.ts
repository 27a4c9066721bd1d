/**
 * What `JSON.parse` does not tell: how deep a text nests, and whether an object names a key twice (the parser keeps the last one and
 * is silent). Works on any text, JSON or not, in one pass.
 */

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

export interface JsonScan {
  readonly depth: number;
  /** Keys of all objects, repeated ones counted each time. */
  readonly keys: number;
}

export function scanJson(text: string): JsonScan {
  let depth = 0;
  let open = 0;
  let keys = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) {
      at = endOfString(text, at);
    } else if (unit === colon) {
      keys++;
    } else if (unit === 0x7b || unit === 0x5b) {
      open++;
      if (open > depth) depth = open;
    } else if (unit === 0x7d || unit === 0x5d) {
      open--;
    }
  }
  return { depth, keys };
}

/** The first key that one object holds twice. For texts that `JSON.parse` takes. */
export function repeatedKey(text: string): string | null {
  for (const { key, isRepeated } of keysOf(text)) if (isRepeated) return key;
  return null;
}

const deepestJson = 16;

/** What a body of JSON means; undefined when it is none, nests deeper than 16, repeats a key, or names `__proto__`. */
export function parseStrictJson(text: string): unknown {
  if (scanJson(text).depth > deepestJson) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  for (const { key, isRepeated } of keysOf(text)) if (isRepeated || key === '__proto__') return undefined;
  return value;
}

/** All keys in their order, and whether their object has named them before. */
function* keysOf(text: string): Generator<{ readonly key: string; readonly isRepeated: boolean }> {
  const open: Set<string>[] = [];
  let last = '';
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) {
      const end = endOfString(text, at);
      last = text.slice(at, end + 1);
      at = end;
    } else if (unit === 0x7b) {
      open.push(new Set());
    } else if (unit === 0x7d) {
      open.pop();
    } else if (unit === colon) {
      // Two spellings of a key, one with escapes, are the same key.
      const key = String(JSON.parse(last));
      const seen = open.at(-1);
      yield { key, isRepeated: seen?.has(key) ?? false };
      seen?.add(key);
    }
  }
}

/** Place of the quote that ends the string beginning at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes++;
  return backslashes % 2 === 1;
}
