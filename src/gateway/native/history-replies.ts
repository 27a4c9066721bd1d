/** A conversation's history on the native protocol: a share of one page each, as soon as the reader takes it. */
import { encodeNative } from '../../protocol/native-codec.ts';
import type { MessageEntry } from '../../protocol/requests.ts';
import type { FrameWriter } from './frame-writer.ts';

export async function writePages(
  writer: FrameWriter,
  head: { readonly q: number; readonly stale?: true },
  pages: AsyncIterable<readonly MessageEntry[]>,
): Promise<void> {
  for await (const messages of pages) {
    const value = { op: 'history', messages } as const;
    for (const part of encodeNative({ ...head, ok: true, value, more: true })) writer.write(part);
    if (!(await writer.drained())) return;
  }
  for (const part of encodeNative({ ...head, ok: true, value: { op: 'history', messages: [] } })) {
    writer.write(part);
  }
}
