/**
 * How an operator's program proves that it holds the cluster key, request by request, without ever sending the key: a MAC over what is
 * asked, of which node, when, and a number that is used once.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const scheme = 'Conclave';
const label = 'conclave operator 2';

/** All but the body, for which its digest stands: so it is known who asks before any of the body is read. */
export interface SealedHead {
  readonly method: string;
  /** With the query, as it is sent. */
  readonly path: string;
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
  /** SHA-256 of the body, as the seal says. */
  readonly digest: Buffer;
  readonly mac: Buffer;
}

/** The value of the Authorization header. */
export function sealRequest(key: Uint8Array, request: SealedHead & { readonly body: Uint8Array }): string {
  const { timeMs, nonce } = request;
  const digest = digestOf(request.body);
  const mac = macOf(key, request, digest).toString('hex');
  return `${scheme} time=${timeMs},nonce=${nonce},digest=${digest.toString('hex')},mac=${mac}`;
}

/** Null when the header is none of ours. */
export function readSeal(header: string | undefined): Seal | null {
  const form = /^Conclave time=(\d{1,15}),nonce=([0-9a-f]{32}),digest=([0-9a-f]{64}),mac=([0-9a-f]{64})$/;
  const [, time, nonce, digest, mac] = form.exec(header ?? '') ?? [];
  if (time === undefined || nonce === undefined || digest === undefined || mac === undefined) return null;
  return { timeMs: Number(time), nonce, digest: Buffer.from(digest, 'hex'), mac: Buffer.from(mac, 'hex') };
}

/** In a time that does not depend on where it differs, as the next. */
export function isSealedWith(key: Uint8Array, head: SealedHead, { digest, mac }: Seal): boolean {
  return timingSafeEqual(macOf(key, head, digest), mac);
}

export function isSealedBody({ digest }: Seal, body: Uint8Array): boolean {
  return timingSafeEqual(digestOf(body), digest);
}

function digestOf(body: Uint8Array): Buffer {
  return createHash('sha256').update(body).digest();
}

function macOf(key: Uint8Array, { method, path, node, timeMs, nonce }: SealedHead, digest: Buffer): Buffer {
  // None of the parts can hold a line break: the method and the path come out of an HTTP request line.
  const text = [label, method, path, node, timeMs, nonce, digest.toString('hex')].join('\n');
  return createHmac('sha256', key).update(text).digest();
}
