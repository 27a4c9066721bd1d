/**
 * Files to and from the cluster, in chunks, over connections of their own. Any step may be repeated on any node: an upload asks which
 * chunks are missing and goes on there, a download with the next chunk; the message that carries a file is a numbered request like any
 * other, and so comes once.
 */
import type { ErrorCode } from '../base/errors.ts';
import { safeFileName, safeMediaType } from '../protocol/file-name.ts';
import {
  chunkBytes,
  chunkLength,
  decodeManifest,
  largestFileBytes,
  type Manifest,
  manifestBytes,
} from '../protocol/manifest.ts';
import type { FileEntry } from '../protocol/requests.ts';
import { type FilePlan, planFile, readChunk } from './file-plan.ts';
import { CallRefused, NodeCalls, type NodeCallsOptions } from './node-calls.ts';
import type { Digest, FileSource, FileTaker } from './ports.ts';
import type { Outcome, RequestOf } from './types.ts';

/** `bytes` of `total` are safe: on a majority (sending), or written by the taker (fetching). */
export type ProgressListener = (bytes: number, total: number) => void;

export type FetchOutcome =
  | { readonly kind: 'fetched'; readonly bytes: number }
  | { readonly kind: 'rejection'; readonly code: ErrorCode; readonly text: string };

/** Chunks on their way at once. More make a transfer hardly faster, and the chat beside it much slower: docs/decisions/0039. */
const window = 1;
const prefix = '/api/v1/files';
/** Refusals that a new upload of what is missing may mend, so often. */
const mended: ReadonlySet<ErrorCode> = new Set(['UPLOAD_INCOMPLETE', 'UNKNOWN_UPLOAD']);
const attempts = 5;

export interface FileTransfersOptions extends NodeCallsOptions {
  readonly digest: Digest;
  readonly send: (request: RequestOf<'send-file'>) => Promise<Outcome<'send-file'>>;
}

/** In place of transfers, without the means for them. */
export const noFiles = {
  kind: 'rejection',
  code: 'NOT_IMPLEMENTED',
  text: 'This client was made without the means to transfer files.',
} as const;

export class FileTransfers {
  readonly #options: FileTransfersOptions;

  constructor(options: FileTransfersOptions) {
    this.#options = options;
  }

  async send(
    to: string,
    source: FileSource,
    onProgress: ProgressListener = () => undefined,
  ): Promise<Outcome<'send-file'>> {
    if (source.bytes > largestFileBytes) return rejection('TOO_LARGE', 'The file is too large.');
    const plan = await planFile(source, this.#options.digest);
    const { name, type } = { name: safeFileName(source.name), type: safeMediaType(source.type) };
    const file = { name, type, bytes: source.bytes, manifest: plan.address };
    const calls = new NodeCalls(this.#options);
    for (let attempt = 1; ; attempt++) {
      const refusal = await this.#upload(calls, plan, source, onProgress).then(
        () => null,
        (error: unknown) => refusalFor(error),
      );
      const outcome = refusal ?? (await this.#options.send({ op: 'send-file', to, ...file }));
      const mends = outcome.kind === 'rejection' && mended.has(outcome.code) && attempt < attempts;
      if (!mends) return outcome;
    }
  }

  /** `take` gets the file in order, each piece verified. */
  async fetch(
    file: FileEntry,
    take: FileTaker,
    onProgress: ProgressListener = () => undefined,
  ): Promise<FetchOutcome> {
    try {
      const calls = new NodeCalls(this.#options);
      const manifest = await this.#manifest(calls, file);
      await this.#pieces(calls, file, manifest, take, onProgress);
      return { kind: 'fetched', bytes: manifest.bytes };
    } catch (error) {
      return refusalFor(error);
    }
  }

  async #upload(
    calls: NodeCalls,
    plan: FilePlan,
    source: FileSource,
    onProgress: ProgressListener,
  ): Promise<void> {
    const { manifest, encoded, address } = plan;
    const begun = await calls.call({ method: 'POST', path: `${prefix}/uploads`, body: encoded });
    const missing = missingIn(begun.body, manifest);
    let open = missing.reduce((sum, place) => sum + chunkLength(manifest, place), 0);
    onProgress(manifest.bytes - open, manifest.bytes);
    const left = [...missing];
    const work = async (): Promise<void> => {
      for (let place = left.shift(); place !== undefined; place = left.shift()) {
        const body = await readChunk(source, place);
        await calls.call({ method: 'PUT', path: `${prefix}/uploads/${address}/chunks/${place}`, body });
        open -= chunkLength(manifest, place);
        onProgress(manifest.bytes - open, manifest.bytes);
      }
    };
    try {
      await Promise.all(Array.from({ length: window }, work));
    } finally {
      // One that failed for good ends the others with their next chunk.
      left.length = 0;
    }
  }

  async #manifest(calls: NodeCalls, file: FileEntry): Promise<Manifest> {
    const path = `${prefix}/${file.id}/manifest`;
    const { body } = await calls.call({ method: 'GET', path, mostBytes: manifestBytes });
    const manifest = decodeManifest(body);
    const isRight = (await this.#options.digest.sha256(body)) === file.manifest;
    if (manifest !== null && isRight) return manifest;
    throw new CallRefused('DATA_DAMAGED', 'The node’s description of the file is not the sender’s.');
  }

  /** Fetched side by side, taken in order: at most `window` pieces wait. */
  async #pieces(
    calls: NodeCalls,
    file: FileEntry,
    manifest: Manifest,
    take: FileTaker,
    onProgress: ProgressListener,
  ): Promise<void> {
    const ahead: Promise<Uint8Array>[] = [];
    let next = 0;
    let taken = 0;
    onProgress(0, manifest.bytes);
    for (let place = 0; place < manifest.chunks.length; place++) {
      while (next < manifest.chunks.length && ahead.length < window) {
        const piece = this.#piece(calls, file, manifest, next++);
        // Should an earlier one fail, nobody waits for this one any more.
        piece.catch(() => undefined);
        ahead.push(piece);
      }
      const piece = await (ahead.shift() ?? this.#piece(calls, file, manifest, place));
      await take(piece);
      taken += piece.length;
      onProgress(taken, manifest.bytes);
    }
  }

  async #piece(calls: NodeCalls, file: FileEntry, manifest: Manifest, place: number): Promise<Uint8Array> {
    const from = place * chunkBytes;
    const length = chunkLength(manifest, place);
    for (let attempt = 1; ; attempt++) {
      const { body } = await calls.call({
        method: 'GET',
        path: `${prefix}/${file.id}`,
        headers: { range: `bytes=${from}-${from + length - 1}` },
        mostBytes: length,
      });
      if ((await this.#options.digest.sha256(body)) === manifest.chunks[place]) return body;
      if (attempt >= attempts) throw new CallRefused('DATA_DAMAGED', 'A part of the file arrives damaged.');
    }
  }
}

/** What the node lacks; all of it when the answer makes no sense, which costs time and nothing else. */
function missingIn(body: Uint8Array, manifest: Manifest): readonly number[] {
  const all = manifest.chunks.map((_, place) => place);
  try {
    const state: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof state !== 'object' || state === null || !('missing' in state)) return all;
    if (!Array.isArray(state.missing)) return all;
    const missing = new Set<unknown>(state.missing);
    return all.filter((place) => missing.has(place));
  } catch {
    return all;
  }
}

/** Anything but a node's refusal is the program's own: its source or its taker failed. */
function refusalFor(error: unknown) {
  if (error instanceof CallRefused) return rejection(error.code, error.message);
  throw error;
}

function rejection(code: ErrorCode, text: string) {
  return { kind: 'rejection', code, text } as const;
}
