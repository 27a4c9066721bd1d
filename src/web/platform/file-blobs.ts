/** Files between the browser and the cluster: what a person chose as a source, what was fetched as a blob. */

import { MIB } from '../../base/limits.ts';
import type { Client } from '../../client/client.ts';
import type { FileSource } from '../../client/ports.ts';
import { safeFileName } from '../../protocol/file-name.ts';
import type { FileEntry } from '../../protocol/requests.ts';

/** Pictures that a browser draws and never runs: no SVG, which is a document. */
const shownTypes: ReadonlySet<string> = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
]);
/** Larger ones are shown by their name. */
const largestPreviewBytes = 12 * MIB;
/** Previews kept; the oldest goes first. */
const previewsKept = 60;

export function isShownImage({ type, bytes }: FileEntry): boolean {
  return shownTypes.has(type) && bytes <= largestPreviewBytes;
}

const previews = new Map<string, Promise<string | null>>();

/** Address of the image in this page, or null when it could not be fetched. */
export function previewOf(client: Client, file: FileEntry): Promise<string | null> {
  const known = previews.get(file.manifest);
  if (known !== undefined) return known;
  const made = fetchBlob(client, file).then((blob) => (blob === null ? null : URL.createObjectURL(blob)));
  previews.set(file.manifest, made);
  const [oldest] = previews;
  if (previews.size > previewsKept && oldest !== undefined) {
    previews.delete(oldest[0]);
    void oldest[1].then((address) => {
      if (address !== null) URL.revokeObjectURL(address);
    });
  }
  return made;
}

/** Of a type that a browser shows as a picture, or of none that it knows. */
export async function fetchBlob(
  client: Client,
  file: FileEntry,
  onProgress?: (bytes: number) => void,
): Promise<Blob | null> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const outcome = await client.fetchFile(
    file,
    async (piece) => {
      pieces.push(new Uint8Array(piece));
    },
    onProgress,
  );
  if (outcome.kind !== 'fetched') return null;
  const type = shownTypes.has(file.type) ? file.type : 'application/octet-stream';
  return new Blob(pieces, { type });
}

/** Saved under a name that cannot lead anywhere else. */
export function saveBlob(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = safeFileName(name);
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export function sourceOf(file: File): FileSource {
  return {
    name: file.name === '' ? 'image.png' : file.name,
    type: file.type,
    bytes: file.size,
    read: async (from, to) => new Uint8Array(await file.slice(from, to).arrayBuffer()),
  };
}
