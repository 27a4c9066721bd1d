/**
 * How an operator's program proves that it holds the cluster key, request by request, without ever sending the key: a MAC over what is
 * asked, of which node, when, and a number that is used once.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const scheme = 'Conclave';
const label = 'conclave operator 1';

export interface SealedRequest {
  readonly method: string;
  /** With the query, as it is sent. */
  readonly path: string;
  readonly body: Uint8Array;
  /** Number of the node that is asked: what one node heard is of no use at another one. */
  readonly node: number;
  /** The node's own wall clock. */
  readonly timeMs: number;
  /** 32 hexadecimal digits of a cryptographic generator. */
  readonly nonce: string;
}

export interface Seal {
  readonly timeMs: number;
  readonly nonce: string;
  readonly mac: Buffer;
}

/** The value of the Authorization header. */
export function sealRequest(key: Uint8Array, request: SealedRequest): string {
  const { timeMs, nonce } = request;
  return `${scheme} time=${timeMs},nonce=${nonce},mac=${macOf(key, request).toString('hex')}`;
}

/** Null when the header is none of ours. */
export function readSeal(header: string | undefined): Seal | null {
  const match = /^Conclave time=(\d{1,15}),nonce=([0-9a-f]{32}),mac=([0-9a-f]{64})$/.exec(header ?? '');
  const [, time, nonce, mac] = match ?? [];
  if (time === undefined || nonce === undefined || mac === undefined) return null;
  return { timeMs: Number(time), nonce, mac: Buffer.from(mac, 'hex') };
}

/** In a time that does not depend on where it differs. */
export function isSealedWith(key: Uint8Array, request: SealedRequest, { mac }: Seal): boolean {
  return timingSafeEqual(macOf(key, request), mac);
}

function macOf(key: Uint8Array, { method, path, body, node, timeMs, nonce }: SealedRequest): Buffer {
  const digest = createHash('sha256').update(body).digest('hex');
  // None of the parts can hold a line break: the method and the path come out of an HTTP request line.
  const text = [label, method, path, node, timeMs, nonce, digest].join('\n');
  return createHmac('sha256', key).update(text).digest();
}
