/** A stream of bytes as lines of UTF-8, as fast as they are asked for: of the stream no more is held than the line that is being read. */
import { CodedError } from '../../base/errors.ts';
import { MIB } from '../../base/limits.ts';

const lineFeed = 0x0a;
/** The longest line of an export holds a manifest of 1 MiB in base64. */
export const longestLineBytes = 4 * MIB;

/** Without line ends and empty lines. Throws CodedError USAGE at a line over the bound. */
export async function* textLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  let begun: Uint8Array[] = [];
  let begunBytes = 0;
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(lineFeed); end >= 0; end = piece.indexOf(lineFeed, from)) {
      const text = textOf([...begun, piece.subarray(from, end)]);
      if (text !== '') yield text;
      begun = [];
      begunBytes = 0;
      from = end + 1;
    }
    begun.push(piece.subarray(from));
    begunBytes += piece.length - from;
    if (begunBytes > longestLineBytes)
      throw new CodedError('USAGE', 'a line is longer than any of an export');
  }
  const rest = textOf(begun);
  if (rest !== '') yield rest;
}

function textOf(pieces: readonly Uint8Array[]): string {
  const text = Buffer.concat(pieces).toString('utf8');
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
