/** The names of the files that `npm run admin -- keys` makes, and where a node and a client look for them. */
import { dirname, resolve } from 'node:path';
import { type ClusterConfig, nodeConfig } from '../base/config.ts';
import type { PeerTlsPaths, ServerTlsPaths } from '../base/transport-config.ts';

export const keyFiles = {
  /** The cluster's own certificate authority. Its key is needed to make certificates, never to run a node. */
  authority: 'ca.pem',
  authorityKey: 'ca-key.pem',
  /** Of the ports that people connect to: the same on every node, so that a pinned client can change nodes. */
  privateKey: 'private.pem',
  publicKey: 'public.pem',
  certificate: 'certificate.pem',
  nodeKey: (node: number): string => `node-${node}-key.pem`,
  nodeCertificate: (node: number): string => `node-${node}.pem`,
} as const;

/** Where the configuration has its keys. */
export function keyDirectory(config: ClusterConfig, configPath: string): string {
  return resolve(dirname(configPath), config.keys);
}

/** Absolute paths of what the ports for people use. */
export function serverPaths(config: ClusterConfig, configPath: string, node: number): ServerTlsPaths {
  const given = nodeConfig(config, node).tls ?? config.tls;
  const base = dirname(configPath);
  if (given !== undefined) return { key: resolve(base, given.key), cert: resolve(base, given.cert) };
  const directory = keyDirectory(config, configPath);
  return { key: resolve(directory, keyFiles.privateKey), cert: resolve(directory, keyFiles.certificate) };
}

/** Absolute paths of what the peer port uses. */
export function peerPaths(config: ClusterConfig, configPath: string, node: number): PeerTlsPaths {
  const given = nodeConfig(config, node).peerTls;
  const base = dirname(configPath);
  if (given !== undefined) {
    return { key: resolve(base, given.key), cert: resolve(base, given.cert), ca: resolve(base, given.ca) };
  }
  const directory = keyDirectory(config, configPath);
  return {
    key: resolve(directory, keyFiles.nodeKey(node)),
    cert: resolve(directory, keyFiles.nodeCertificate(node)),
    ca: resolve(directory, keyFiles.authority),
  };
}
