/** The node's side: its state at one log index, and every file that this state refers to, as records. */
import { CodedError } from '../base/errors.ts';
import { decodeManifest } from '../protocol/manifest.ts';
import type { StateStore } from '../store/state-store.ts';
import { FrameReader } from '../store/transfer.ts';
import { manifestIn } from './reader.ts';
import { type BackupRecord, encodeRecord } from './records.ts';

export interface BackupSourceOptions {
  readonly store: Pick<StateStore, 'exportSnapshot'>;
  readonly files: BackupFiles;
  readonly cluster: string;
  readonly node: number;
  readonly nowMs: number;
  /** Of all files, about. */
  readonly fileBytes: number;
}

export interface BackupFiles {
  /** Until the returned function is called, no chunk is removed here, whatever becomes of the message that refers to it. */
  hold(): () => void;
  /** Verified; rejects with CodedError UNAVAILABLE when no reachable node has it. */
  readonly reader: { read(address: string): Promise<Uint8Array> };
}

/**
 * Nothing is held up by it: the state is read from a snapshot of the database, files as anybody's download reads them. Memory is bounded but for
 * the addresses of chunks, which a node holds anyway.
 */
export async function* backupRecords(
  options: BackupSourceOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const release = options.files.hold();
  try {
    for await (const record of recordsOf(options)) yield encodeRecord(record);
  } finally {
    release();
  }
}

async function* recordsOf(options: BackupSourceOptions): AsyncGenerator<BackupRecord, void, undefined> {
  const { store, cluster, node, nowMs: madeMs, fileBytes } = options;
  const { mark, chunks } = await store.exportSnapshot();
  const copy = chunks[Symbol.asyncIterator]();
  const manifests = new Set<string>();
  let frames = 0;
  try {
    yield { kind: 'head', head: { version: 1, cluster, node, madeMs, index: mark.index, fileBytes } };
    const reader = new FrameReader();
    for (let next = await copy.next(); next.done !== true; next = await copy.next()) {
      const frame = next.value;
      for (const item of reader.read(frame)) {
        const manifest = manifestIn(item);
        if (manifest !== null) manifests.add(manifest);
      }
      frames++;
      yield { kind: 'frame', frame };
    }
  } finally {
    await copy.return?.();
  }
  const counts = yield* pieces(options.files, manifests);
  yield { kind: 'end', end: { frames, ...counts } };
}

async function* pieces(
  files: BackupFiles,
  manifests: ReadonlySet<string>,
): AsyncGenerator<BackupRecord, { readonly pieces: number; readonly missing: number }, undefined> {
  const written = new Set<string>();
  const missing = new Set<string>();
  for (const manifest of manifests) {
    const record = await pieceAt(files, manifest);
    (record.kind === 'piece' ? written : missing).add(manifest);
    yield record;
    const chunks = record.kind === 'piece' ? (decodeManifest(record.content)?.chunks ?? []) : [];
    for (const chunk of chunks) {
      if (written.has(chunk) || missing.has(chunk)) continue;
      const piece = await pieceAt(files, chunk);
      (piece.kind === 'piece' ? written : missing).add(chunk);
      yield piece;
    }
  }
  return { pieces: written.size, missing: missing.size };
}

async function pieceAt(
  { reader }: BackupFiles,
  address: string,
): Promise<BackupRecord & { readonly kind: 'piece' | 'missing' }> {
  try {
    return { kind: 'piece', address, content: await reader.read(address) };
  } catch (error) {
    if (error instanceof CodedError && error.code === 'UNAVAILABLE') return { kind: 'missing', address };
    throw error;
  }
}
