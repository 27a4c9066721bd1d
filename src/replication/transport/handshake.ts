/**
 * How two nodes prove to each other that they hold the cluster key, before anything else is parsed. The dialer says hello, the acceptor
 * answers with its own and a proof, the dialer with its proof. Each proof is an HMAC over both hellos, both nonces in them,
 * so neither can be replayed; the keys of the connection come from the same transcript, one for each direction.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Static, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { VersionRange } from '../formats/versions.ts';

/** Of the handshake itself, which stays as it is while frames get new versions: it is what tells them. */
const handshakeVersion = 1;
/** A hello is read before the other side is known. */
export const helloBytes = 512;
export const proofBytes = 32;

const helloSchema = Type.Object(
  {
    /** Newest and oldest version of frames that the sender speaks. */
    conclave: Type.Integer({ minimum: 1 }),
    oldest: Type.Integer({ minimum: 1 }),
    cluster: Type.String({ maxLength: 64 }),
    node: Type.Integer({ minimum: 1 }),
    incarnation: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    /** Whom the sender means to talk to. 0: whoever answers. */
    to: Type.Integer({ minimum: 0 }),
    lane: Type.Union(['control', 'bulk', 'stream', 'probe'].map((lane) => Type.Literal(lane))),
    /** Joins the two lanes of one link. */
    link: Type.String({ pattern: '^[0-9a-f]{16}$' }),
    nonce: Type.String({ pattern: '^[0-9a-f]{32}$' }),
  },
  // What a later version adds is not for this one; it is covered by the proofs all the same.
  { additionalProperties: true },
);
const helloValidator = TypeCompiler.Compile(helloSchema);

export type ConnectionLane = 'control' | 'bulk' | 'stream' | 'probe';
export type Hello = Omit<Static<typeof helloSchema>, 'lane'> & { readonly lane: ConnectionLane };

export function encodeHello(hello: Hello): Buffer {
  return Buffer.from(JSON.stringify(hello));
}

/** Null when it is not a hello of any version. */
export function decodeHello(bytes: Uint8Array): Hello | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return null;
  }
  return helloValidator.Check(value) ? (value as Hello) : null;
}

export interface Secrets {
  readonly acceptorProof: Buffer;
  readonly dialerProof: Buffer;
  readonly toAcceptor: Buffer;
  readonly toDialer: Buffer;
}

export function versionsIn({ conclave, oldest }: Hello): VersionRange {
  return { newest: conclave, oldest };
}

/** `dialer` and `acceptor` are the two hellos as they went over the wire. */
export function deriveSecrets(key: Uint8Array, dialer: Uint8Array, acceptor: Uint8Array): Secrets {
  const derive = (label: string): Buffer => {
    const hmac = createHmac('sha256', key).update(`conclave ${handshakeVersion} ${label}\0`);
    for (const part of [dialer, acceptor]) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      hmac.update(length).update(part);
    }
    return hmac.digest();
  };
  return {
    acceptorProof: derive('acceptor proof'),
    dialerProof: derive('dialer proof'),
    toAcceptor: derive('to acceptor'),
    toDialer: derive('to dialer'),
  };
}

export function sameProof(expected: Uint8Array, given: Uint8Array): boolean {
  return expected.length === given.length && timingSafeEqual(expected, given);
}
