/** Which nodes a program talks to: the list given on the command line, else those of the configuration file. */
import { existsSync, readFileSync } from 'node:fs';
import { type ClusterConfig, isLoopback, parseConfig } from '../../base/config.ts';
import { CodedError } from '../../base/errors.ts';
import { parseAddresses, type ServerAddress } from '../../client/index.ts';
import type { Arguments, Flag } from '../program/arguments.ts';

export const defaultConfigPath = 'cluster.config.json';

export const connectFlag: Flag = {
  name: 'connect',
  value: 'HOST:PORT,…',
  help: 'nodes to connect with, by HTTP or chat port (default: those of the configuration)',
};

export interface Nodes {
  /** HTTP addresses. */
  readonly addresses: readonly ServerAddress[];
  /** Null when only `--connect` told where the nodes are. */
  readonly config: ClusterConfig | null;
}

/** Throws CodedError USAGE or CONFIG_INVALID. A file that was not asked for by name may be missing when `--connect` is given. */
export function findNodes(args: Pick<Arguments, 'text'>): Nodes {
  const connect = args.text('connect');
  const given = args.text('config');
  if (connect === undefined) {
    const config = readConfig(given ?? defaultConfigPath);
    return { addresses: config.nodes.map((node) => ({ host: node.host, port: node.httpPort })), config };
  }
  const isThere = given !== undefined || existsSync(defaultConfigPath);
  const config = isThere ? readConfig(given ?? defaultConfigPath) : null;
  return { addresses: parseAddresses(connect).map((address) => httpAddress(address, config)), config };
}

/** A port for lines that the configuration knows stands for the same node's HTTP port; any other port is taken as it is. */
export function httpAddress(address: ServerAddress, config: ClusterConfig | null): ServerAddress {
  const node = config?.nodes.find(
    ({ host, chatPort, listeners }) =>
      [chatPort, ...listeners.map(({ port }) => port)].includes(address.port) &&
      isSameHost(host, address.host),
  );
  return node === undefined ? address : { host: node.host, port: node.httpPort };
}

function isSameHost(a: string, b: string): boolean {
  return a === b || (isLoopback(a) && isLoopback(b) && (a === 'localhost' || b === 'localhost'));
}

/** Throws CodedError CONFIG_INVALID: missing, unreadable or wrong. */
export function readConfig(path: string): ClusterConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    const why = code === 'ENOENT' ? 'there is no such file' : code;
    throw new CodedError('CONFIG_INVALID', `configuration ${path}: ${why}; name another one with --config`);
  }
  return parseConfig(text);
}
