/** How a program of the command line knows the nodes that it talks to: plain text only where that is safe or asked for by name. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rootCertificates } from 'node:tls';
import { isLoopback } from '../../base/config.ts';
import { CodedError } from '../../base/errors.ts';
import { isPlainText } from '../../base/transport-config.ts';
import { keyDirectory, keyFiles } from '../../tls/key-directory.ts';
import { plainTrust, type Trust, trustAuthorities, trustKeys } from '../../tls/trust.ts';
import type { Arguments, Flag } from '../program/arguments.ts';
import { defaultConfigPath, type Nodes } from './nodes.ts';

export const trustFlags: readonly Flag[] = [
  {
    name: 'trust',
    value: 'FILE',
    help: 'TLS: trust exactly the key in FILE (public.pem of the cluster), and no other',
  },
  {
    name: 'ca',
    value: 'FILE',
    help: 'TLS: trust nodes for which the authority in FILE vouches (ca.pem of the cluster)',
  },
  { name: 'plain-text', help: 'no TLS, also to nodes that are not on this machine' },
];

/** Throws CodedError USAGE or TLS_INVALID. */
export function findTrust(args: Pick<Arguments, 'text' | 'has'>, nodes: Nodes): Trust {
  const [key, authority] = [args.text('trust'), args.text('ca')];
  const given = [key, authority, args.has('plain-text') ? '' : undefined].filter(
    (flag) => flag !== undefined,
  );
  if (given.length > 1)
    throw new CodedError('USAGE', 'only one of --trust, --ca and --plain-text can be given');
  if (key !== undefined) return trustKeys(read(key), key);
  if (authority !== undefined) return trustAuthorities(read(authority), authority);
  return args.has('plain-text') ? plainTrust : trustByPlace(args, nodes);
}

/** The configuration says how its nodes speak; nodes of others speak TLS, unless they are on this machine. */
function trustByPlace(args: Pick<Arguments, 'text'>, { addresses, config }: Nodes): Trust {
  const isOurs = addresses.every(({ host, port }) =>
    config?.nodes.some((node) => node.host === host && node.httpPort === port),
  );
  const isPlain =
    config !== null && isOurs ? isPlainText(config, 'http') : addresses.every(({ host }) => isLoopback(host));
  if (isPlain) return plainTrust;
  const ours =
    config === null
      ? []
      : clusterAuthority(keyDirectory(config, resolve(args.text('config') ?? defaultConfigPath)));
  return trustAuthorities([...ours, ...rootCertificates].join('\n'));
}

function clusterAuthority(directory: string): string[] {
  const path = join(directory, keyFiles.authority);
  return existsSync(path) ? [read(path)] : [];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new CodedError('TLS_INVALID', `${path} cannot be read: ${code}`);
  }
}
