import { CodedError } from '../../base/errors.ts';
import { MIB } from '../../base/limits.ts';
import type { PeerIdentity } from '../ports/peer-transport.ts';
import type { SecureConnection } from './secure-connection.ts';

/** Received and not yet taken; beyond it the connection is not read. */
const streamBytesAhead = 1 * MIB;
/**
 * Waited for the next frame: the other side may hang, or be gone without a word, and somebody else may have what is wanted. Longer than any
 * answer may take to begin.
 */
const silenceMs = 15_000;

/** Runs the action after that time, unless what it returns is called before. */
export type Later = (delayMs: number, action: () => void) => () => void;

/** Frames of a stream between two nodes: data, the end, or the other side's failure. */
export type StreamFrame =
  | { readonly kind: 'data'; readonly chunk: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed' };

const DATA = 0;
const END = 1;
const FAILED = 2;

export function encodeStreamFrame(frame: StreamFrame): Uint8Array {
  if (frame.kind !== 'data') return Uint8Array.of(frame.kind === 'end' ? END : FAILED);
  const bytes = new Uint8Array(1 + frame.chunk.length);
  bytes[0] = DATA;
  bytes.set(frame.chunk, 1);
  return bytes;
}

/** Anything unknown is a failure of the other side. */
export function decodeStreamFrame(bytes: Uint8Array): StreamFrame {
  if (bytes[0] === DATA) return { kind: 'data', chunk: bytes.subarray(1) };
  return { kind: bytes[0] === END ? 'end' : 'failed' };
}

/** The data of one stream, with back-pressure; rejects when the connection ends before the stream does, or nothing comes for too long. */
export async function* receiveStream(
  connection: Pick<SecureConnection, 'open' | 'pause' | 'resume' | 'destroy'>,
  later: Later,
): AsyncGenerator<Uint8Array> {
  const queue: (Uint8Array | 'end' | 'failed')[] = [];
  let queuedBytes = 0;
  let wake: () => void = () => undefined;
  connection.open(
    (bytes) => {
      const frame = decodeStreamFrame(bytes);
      if (frame.kind === 'data') queuedBytes += frame.chunk.length;
      queue.push(frame.kind === 'data' ? frame.chunk : frame.kind);
      if (queuedBytes > streamBytesAhead) connection.pause();
      wake();
    },
    () => {
      queue.push('failed');
      wake();
    },
  );
  try {
    for (;;) {
      const next = queue.shift();
      if (next === undefined) {
        const waiting = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const cancel = later(silenceMs, () => {
          queue.push('failed');
          wake();
        });
        await waiting;
        cancel();
      } else if (next === 'end') {
        return;
      } else if (next === 'failed') {
        throw new CodedError('UNAVAILABLE', 'the stream ended early');
      } else {
        queuedBytes -= next.length;
        if (queuedBytes <= streamBytesAhead / 2) connection.resume();
        yield next;
      }
    }
  } finally {
    connection.destroy();
  }
}

export type StreamHandler = (from: PeerIdentity, request: Uint8Array) => AsyncIterable<Uint8Array>;

/** Answers the one request of a stream. Rejects, after the other side was told, when that failed. */
export async function serveStream(
  connection: SecureConnection,
  from: PeerIdentity,
  handler: StreamHandler | null,
  later: Later,
): Promise<void> {
  // Not a loop over the requests: leaving one would close the connection before the answer has left.
  const requests = receiveStream(connection, later);
  try {
    const { value: request } = await requests.next();
    if (request === undefined || handler === null) throw new CodedError('UNAVAILABLE');
    for await (const chunk of handler(from, request)) {
      connection.send(encodeStreamFrame({ kind: 'data', chunk }));
      await connection.drained();
      if (connection.closed) return;
    }
    connection.send(encodeStreamFrame({ kind: 'end' }));
  } catch (error) {
    if (!connection.closed) connection.send(encodeStreamFrame({ kind: 'failed' }));
    throw error;
  } finally {
    connection.end();
  }
}
