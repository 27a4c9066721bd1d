/** The part of the configuration that says which ports are plain text, and where keys and certificates are. */
import { type Static, Type } from '@sinclair/typebox';

const closed = { additionalProperties: false };
/** Relative to the directory of the configuration file, or absolute. */
const path = Type.String({ minLength: 1, maxLength: 4_096 });

export const serverTlsSchema = Type.Object({ key: path, cert: path }, closed);
export const peerTlsSchema = Type.Object({ key: path, cert: path, ca: path }, closed);

const portKinds = ['chat', 'http', 'peer'] as const;
export type PortKind = (typeof portKinds)[number];

export const plainTextSchema = Type.Array(Type.Union(portKinds.map((kind) => Type.Literal(kind))), {
  maxItems: portKinds.length,
});

export type ServerTlsPaths = Static<typeof serverTlsSchema>;
export type PeerTlsPaths = Static<typeof peerTlsSchema>;

export interface TransportConfig {
  readonly profile: string;
  readonly plainText?: readonly string[];
}

/** Ports that speak without TLS: those that are named; when none is, all of the demonstration and none of any other profile. */
export function isPlainText({ profile, plainText }: TransportConfig, port: PortKind): boolean {
  return plainText?.includes(port) ?? profile === 'loopback-demo';
}
