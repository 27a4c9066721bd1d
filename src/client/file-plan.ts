/** A source read once, from end to end: its manifest, and so the address that stands for all of it. */
import {
  type ChunkAddress,
  chunkBytes,
  chunkCount,
  encodeManifest,
  type Manifest,
} from '../protocol/manifest.ts';
import type { Digest, FileSource } from './ports.ts';

export interface FilePlan {
  readonly manifest: Manifest;
  readonly encoded: Uint8Array;
  readonly address: ChunkAddress;
}

export async function planFile(source: FileSource, digest: Digest): Promise<FilePlan> {
  const chunks: ChunkAddress[] = [];
  for (let place = 0; place < chunkCount(source.bytes); place++) {
    chunks.push(await digest.sha256(await readChunk(source, place)));
  }
  const manifest = { bytes: source.bytes, chunks };
  const encoded = encodeManifest(manifest);
  return { manifest, encoded, address: await digest.sha256(encoded) };
}

export function readChunk(source: FileSource, place: number): Promise<Uint8Array> {
  const from = place * chunkBytes;
  return source.read(from, Math.min(source.bytes, from + chunkBytes));
}
