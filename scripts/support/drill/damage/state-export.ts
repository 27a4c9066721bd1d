/** All that a node holds, in one form whatever its files are like: rows, and records however they are cut into chunks. */
import { createHash } from 'node:crypto';
import { decodeChunk } from '../../../../src/store/chunk.ts';
import type { StateStore } from '../../../../src/store/state-store.ts';
import { FrameReader } from '../../../../src/store/transfer.ts';

export interface StateExport {
  readonly index: number;
  readonly digest: string;
}

/** Rejects with DATA_DAMAGED when anything that was written is missing or changed. */
export async function exportState(store: StateStore): Promise<StateExport> {
  const { mark, chunks } = await store.exportSnapshot();
  const reader = new FrameReader();
  const hash = createHash('sha256');
  for await (const chunk of chunks) {
    for (const item of reader.read(chunk)) {
      if (item.kind === 'mark') continue;
      const stream = /^s!(.*)!([0-9a-f]+)$/.exec(item.key);
      if (stream === null) hash.update(`row ${item.key} `).update(item.content);
      else hashRecords(hash, stream[1] ?? '', Number.parseInt(stream[2] ?? '', 16), item.content);
    }
  }
  if (!reader.complete) throw new Error('the export broke off');
  return { index: mark.index, digest: hash.digest('hex') };
}

function hashRecords(
  hash: ReturnType<typeof createHash>,
  stream: string,
  first: number,
  content: Buffer,
): void {
  for (const { sequence, record } of decodeChunk(content, first)) {
    hash.update(`record ${stream} ${sequence} ${record.length} `).update(record);
  }
}
