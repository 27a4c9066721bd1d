/** `npm run admin -- keys`: makes what TLS needs, for the cluster of the configuration. */
import { resolve } from 'node:path';
import { CodedError } from '../../base/errors.ts';
import { systemClock } from '../../base/system-clock.ts';
import { loadClusterKey } from '../../replication/transport/cluster-key.ts';
import { keyDirectory, keyFiles } from '../../tls/key-directory.ts';
import type { KeyOrder, MadeKeys } from '../../tls/key-maker.ts';
import { defaultConfigPath, readConfig } from '../cluster/nodes.ts';
import type { Arguments, Flag } from '../program/arguments.ts';

export const keyFlags: readonly Flag[] = [
  { name: 'out', value: 'DIR', help: 'keys: where to put them (default: where the configuration looks)' },
  { name: 'days', value: 'N', help: 'keys: how long the certificates are valid (default 365)' },
  { name: 'renew', help: 'keys: new certificates of the CA that is there; the pinned key stays' },
  { name: 'force', help: 'keys: replace everything that is there' },
];

const defaultDays = 365;
const mostDays = 3_650;

export async function keys(args: Arguments, operands: readonly string[]): Promise<number> {
  if (operands.length > 0) throw new CodedError('USAGE', `unexpected argument "${operands[0]}"`);
  const configPath = resolve(args.text('config') ?? defaultConfigPath);
  const config = readConfig(configPath);
  const out = args.text('out');
  const order: KeyOrder = {
    directory: out === undefined ? keyDirectory(config, configPath) : resolve(out),
    cluster: config.cluster,
    nodes: config.nodes,
    validDays: args.number('days', 1, mostDays) ?? defaultDays,
    nowMs: systemClock.wallMs(),
    mode: modeOf(args),
  };
  // Loaded here: no other command needs the library that writes certificates.
  const { makeKeys } = await import('../../tls/key-maker.ts');
  const made = await makeKeys(order);
  // A node needs it too; one that is there is left as it is.
  if (out === undefined) await loadClusterKey(configPath, true);
  console.log(args.has('json') ? JSON.stringify(reportOf(made), null, 2) : textOf(made, order));
  return 0;
}

function modeOf(args: Arguments): KeyOrder['mode'] {
  if (args.has('renew') && args.has('force')) {
    throw new CodedError('USAGE', '--renew keeps the CA, --force replaces it: name one of them');
  }
  if (args.has('renew')) return 'renew';
  return args.has('force') ? 'replace' : 'new';
}

function reportOf({ directory, files, notAfterMs }: MadeKeys): Readonly<Record<string, unknown>> {
  return { directory, files, notAfter: new Date(notAfterMs).toISOString() };
}

function textOf({ directory, files, notAfterMs }: MadeKeys, { nodes }: KeyOrder): string {
  const { privateKey, certificate, authority, authorityKey, publicKey } = keyFiles;
  const [first] = nodes;
  const own = first === undefined ? [] : [keyFiles.nodeKey(first.id), keyFiles.nodeCertificate(first.id)];
  return [
    `Made in ${directory}, valid until ${new Date(notAfterMs).toISOString().slice(0, 10)}:`,
    ...files.map((name) => `  ${name}`),
    '',
    `To each node: ${privateKey}, ${certificate}, ${authority}, its own two files (${own.join(', ')} for node ${first?.id}),`,
    `and cluster.key. To clients: ${publicKey} (--trust) or ${authority} (--ca). Keep ${authorityKey} where no node is.`,
    'Nodes that run take new files up on SIGHUP.',
  ].join('\n');
}
