/**
 * One X.509 certificate, signed. The platform reads certificates and cannot write them; this is the only file that knows the library that
 * does, and only the command that makes keys loads it, never a node.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { BitString, Integer, OctetString, Utf8String } from 'asn1js';
import {
  AttributeTypeAndValue,
  BasicConstraints,
  Certificate,
  CryptoEngine,
  Extension,
  ExtKeyUsage,
  GeneralName,
  GeneralNames,
  PublicKeyInfo,
} from 'pkijs';

export interface CertificateOrder {
  readonly subject: string;
  /** PEM. */
  readonly publicKey: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly use: CertificateUse;
}

/** `peer`: server and client at once, since of two nodes one dials. */
export type CertificateUse =
  | { readonly kind: 'authority' }
  | { readonly kind: 'server'; readonly hosts: readonly string[] }
  | { readonly kind: 'peer'; readonly hosts: readonly string[]; readonly uri: string };

export interface Issuer {
  readonly name: string;
  /** PEM. */
  readonly privateKey: string;
}

export interface KeyPair {
  /** PEM: PKCS#8 and SPKI. */
  readonly privateKey: string;
  readonly publicKey: string;
}

const curve = 'P-256';
const oid = {
  commonName: '2.5.4.3',
  keyUsage: '2.5.29.15',
  alternativeNames: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuthentication: '1.3.6.1.5.5.7.3.1',
  clientAuthentication: '1.3.6.1.5.5.7.3.2',
} as const;
/** Bits of KeyUsage (RFC 5280, 4.2.1.3) in their octet, with how many at its end are unused. */
const keyUsage = {
  signCertificatesAndLists: { octet: 0x06, unusedBits: 1 },
  digitalSignature: { octet: 0x80, unusedBits: 7 },
} as const;
/** Tags of GeneralName (4.2.1.6). */
const nameTag = { dns: 2, uri: 6, address: 7 } as const;

export function makeKeyPair(): KeyPair {
  return generateKeyPairSync('ec', {
    namedCurve: curve,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}

export function publicKeyOf(privateKey: string): string {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
}

/** PEM. */
export async function makeCertificate(order: CertificateOrder, issuer: Issuer): Promise<string> {
  const certificate = new Certificate();
  certificate.version = 2;
  // Positive and not guessable (RFC 5280, 4.1.2.2).
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x3f) | 0x40, 0);
  certificate.serialNumber = new Integer({ valueHex: exactly(serial) });
  certificate.subject.typesAndValues.push(commonName(order.subject));
  certificate.issuer.typesAndValues.push(commonName(issuer.name));
  certificate.notBefore.value = new Date(order.notBeforeMs);
  certificate.notAfter.value = new Date(order.notAfterMs);
  const publicKey = createPublicKey(order.publicKey).export({ type: 'spki', format: 'der' });
  certificate.subjectPublicKeyInfo = PublicKeyInfo.fromBER(exactly(publicKey));
  certificate.extensions = extensionsOf(order.use);
  await certificate.sign(await signingKey(issuer), 'SHA-256', engine);
  return toPem(Buffer.from(certificate.toSchema(true).toBER(false)));
}

const engine = new CryptoEngine({ name: 'node', crypto: webcrypto });

function signingKey({ privateKey }: Issuer): Promise<webcrypto.CryptoKey> {
  const pkcs8 = createPrivateKey(privateKey).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', pkcs8, { name: 'ECDSA', namedCurve: curve }, false, ['sign']);
}

function extensionsOf(use: CertificateUse): Extension[] {
  if (use.kind === 'authority') {
    const constraints = new BasicConstraints({ cA: true, pathLenConstraint: 0 });
    return [
      extension(oid.basicConstraints, true, constraints.toSchema().toBER(false)),
      usageExtension(keyUsage.signCertificatesAndLists),
    ];
  }
  const names = use.hosts.map(hostName);
  if (use.kind === 'peer') names.unshift(new GeneralName({ type: nameTag.uri, value: use.uri }));
  const purposes = [oid.serverAuthentication, ...(use.kind === 'peer' ? [oid.clientAuthentication] : [])];
  return [
    extension(oid.basicConstraints, true, new BasicConstraints({ cA: false }).toSchema().toBER(false)),
    usageExtension(keyUsage.digitalSignature),
    extension(
      oid.extendedKeyUsage,
      false,
      new ExtKeyUsage({ keyPurposes: purposes }).toSchema().toBER(false),
    ),
    extension(oid.alternativeNames, false, new GeneralNames({ names }).toSchema().toBER(false)),
  ];
}

function extension(extnID: string, critical: boolean, extnValue: ArrayBuffer): Extension {
  return new Extension({ extnID, critical, extnValue });
}

function usageExtension({
  octet,
  unusedBits,
}: {
  readonly octet: number;
  readonly unusedBits: number;
}): Extension {
  const bits = new BitString({ valueHex: exactly(Buffer.of(octet)), unusedBits });
  return extension(oid.keyUsage, true, bits.toBER(false));
}

function hostName(host: string): GeneralName {
  if (isIP(host) === 0) return new GeneralName({ type: nameTag.dns, value: host });
  return new GeneralName({
    type: nameTag.address,
    value: new OctetString({ valueHex: exactly(addressBytes(host)) }),
  });
}

function addressBytes(host: string): Buffer {
  if (isIP(host) === 4) return Buffer.from(host.split('.').map(Number));
  // As the platform writes it: groups of hexadecimal digits, one run of zeros left out.
  const [left = '', right = ''] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::');
  const [head, tail] = [left, right].map((part) => (part === '' ? [] : part.split(':')));
  const bytes = Buffer.alloc(16);
  for (const [at, group] of (head ?? []).entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * at);
  for (const [at, group] of (tail ?? []).reverse().entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), 14 - 2 * at);
  return bytes;
}

function commonName(value: string): AttributeTypeAndValue {
  return new AttributeTypeAndValue({ type: oid.commonName, value: new Utf8String({ value }) });
}

/** A buffer may be a window of a larger one, which the library would take whole. */
function exactly(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
