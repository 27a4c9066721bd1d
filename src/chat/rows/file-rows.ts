/** Rows of files, as those of `row-codec.ts`. */
import { ByteWriter, MalformedBytes, readAll } from '../codecs/bytes.ts';
import type { FileId, FileReference, UploadLease } from '../vocabulary/file-types.ts';

const version = 1;

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

export function encodeFileReference(reference: FileReference): Uint8Array {
  writer.begin(version);
  writer.text(reference.conversation);
  writer.integer(reference.sequence);
  writer.text(reference.manifest);
  writer.integer(reference.bytes);
  writer.integer(reference.owner);
  return writer.take();
}

export function decodeFileReference(id: FileId, value: Uint8Array): FileReference | null {
  return readAll(value, (reader) => {
    if (reader.byte() !== version) throw new MalformedBytes('unknown version');
    return {
      id,
      conversation: reader.text(),
      sequence: reader.integer(),
      manifest: reader.text(),
      bytes: reader.integer(),
      owner: reader.integer(),
    };
  });
}

export function encodeUploadLease(lease: UploadLease): Uint8Array {
  writer.begin(version);
  writer.integer(lease.bytes);
  writer.integer(lease.untilMs);
  writer.integer(lease.index);
  return writer.take();
}

/** `id`: account and manifest, as in the key. */
export function decodeUploadLease(id: string, value: Uint8Array): UploadLease | null {
  const [account, manifest] = id.split('/');
  if (manifest === undefined) return null;
  return readAll(value, (reader) => {
    if (reader.byte() !== version) throw new MalformedBytes('unknown version');
    return {
      account: Number(account),
      manifest,
      bytes: reader.integer(),
      untilMs: reader.integer(),
      index: reader.integer(),
    };
  });
}
