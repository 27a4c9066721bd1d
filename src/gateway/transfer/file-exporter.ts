/** The content of one file as lines of an export: its manifest, then its chunks, each read when the one before it was taken. */
import { CodedError } from '../../base/errors.ts';
import type { Files } from '../../files/files.ts';
import { decodeManifest } from '../../protocol/manifest.ts';
import type { ExportLine } from './export-line.ts';

export type FileSource = Pick<Files['reader'], 'read'>;

/** What no reachable node has is told in the place where it would stand: an export does not fail for a file that is lost. */
export async function* fileLines(
  files: FileSource,
  manifest: string,
): AsyncGenerator<ExportLine, void, void> {
  const encoded = await readOrNull(files, manifest);
  const described = encoded === null ? null : decodeManifest(encoded);
  if (encoded === null || described === null) {
    yield { kind: 'unreadable', manifest };
    return;
  }
  yield { kind: 'file', manifest, content: base64(encoded) };
  for (const [place, address] of described.chunks.entries()) {
    const content = await readOrNull(files, address);
    if (content === null) yield { kind: 'unreadable', manifest, place };
    else yield { kind: 'chunk', manifest, place, content: base64(content) };
  }
}

async function readOrNull(files: FileSource, address: string): Promise<Uint8Array | null> {
  try {
    return await files.read(address);
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}
