/** `npm run admin`: what the people who run a cluster ask of it. */
import { CodedError } from '../base/errors.ts';
import { operationsToken } from '../gateway/operations/operations-token.ts';
import { loadClusterKey } from '../replication/transport/cluster-key.ts';
import { askingOf, askStatus } from './cluster/node-status.ts';
import { connectFlag, defaultConfigPath } from './cluster/nodes.ts';
import { textOf } from './cluster/operator-client.ts';
import { assess, exitCodes, formatReport } from './cluster/status-table.ts';
import { trustFlags } from './cluster/trust.ts';
import { invite, unlock, users } from './commands/accounts.ts';
import { backup, backupFlags, restore } from './commands/backup.ts';
import { groupListener } from './commands/group-listener.ts';
import { groups } from './commands/groups.ts';
import { keyFlags, keys } from './commands/keys.ts';
import { log } from './commands/log.ts';
import { members, transfer } from './commands/members.ts';
import { doctor } from './doctor/doctor.ts';
import { type Arguments, configFlag, type Program, runProgram } from './program/arguments.ts';
import { exportChat, importChat } from './transfer/chat-transfer.ts';

interface Command {
  readonly usage: string;
  readonly help: string;
  readonly run: (args: Arguments, operands: readonly string[]) => Promise<number>;
}

const commands: Readonly<Record<string, Command>> = {
  status: { usage: 'status', help: 'ask every node for its role, its term and how far it is', run: status },
  members: {
    usage: 'members [add|promote|remove|replace N]',
    help: 'who the members are, or a change of that; add and replace wait until the node votes',
    run: members,
  },
  users: {
    usage: 'users [grant|revoke NAME]',
    help: 'who is registered, online, locked out, an administrator; or make one, or none any more',
    run: users,
  },
  log: {
    usage: 'log',
    help: 'what was done by whoever looks after the cluster, and what became of it',
    run: log,
  },
  groups: { usage: 'groups', help: 'which groups there are, whose, and how large', run: groups },
  unlock: {
    usage: 'unlock USER',
    help: 'let somebody try again who failed too often at a password',
    run: unlock,
  },
  invite: {
    usage: 'invite [--uses N] [--expires 7d]',
    help: 'make an invitation to register, good for N people',
    run: invite,
  },
  export: {
    usage: 'export [FILE] [--without-files]',
    help: 'accounts, groups, messages and files, a JSON line each; --json-database: as the messenger kept them',
    run: exportChat,
  },
  import: {
    usage: 'import FILE',
    help: 'an export into this cluster; --json-database or --mysql-dump: what older systems kept',
    run: importChat,
  },
  backup: {
    usage: 'backup FILE | backup verify FILE',
    help: 'the whole cluster as one encrypted file, files included, while it runs; verify reads one to its end',
    run: backup,
  },
  restore: {
    usage: 'restore FILE',
    help: 'make the first data directory of a new cluster out of a backup',
    run: restore,
  },
  doctor: {
    usage: 'doctor',
    help: 'look at keys, clocks, disks, ports, members, backups; say what to do about what is wrong',
    run: doctor,
  },
  'group-listener': {
    usage: 'group-listener NAME --port N|--remove',
    help: 'give a group a port of its own on every node, where the registry dialect leaves the group out',
    run: groupListener,
  },
  transfer: {
    usage: 'transfer [N]',
    help: 'another node is to lead: node N, or the best one',
    run: transfer,
  },
  token: { usage: 'token', help: 'print what /metrics and /cluster want to see off loopback', run: token },
  keys: { usage: 'keys', help: 'make the keys and certificates that TLS needs', run: keys },
};

const usageWidth = Math.max(...Object.values(commands).map(({ usage }) => usage.length)) + 2;

const program: Program = {
  command: 'npm run admin --',
  operands: 'COMMAND',
  summary: 'Looks after a cluster.',
  flags: [
    connectFlag,
    configFlag,
    ...trustFlags,
    { name: 'json', help: 'print JSON instead of text' },
    { name: 'json-database', help: 'export, import: the file is a JSON database of users and messages' },
    { name: 'without-files', help: 'export: leave the content of files out' },
    { name: 'mysql-dump', help: 'import: the file was written by mysqldump' },
    { name: 'uses', value: 'N', help: 'invite: how many may register with it (default 1)' },
    { name: 'expires', value: 'TIME', help: 'invite: how long it is good, e.g. 90m, 12h, 7d (default 7d)' },
    { name: 'port', value: 'N', help: 'group-listener: the port' },
    { name: 'remove', help: 'group-listener: close the port' },
    { name: 'learner', help: 'members add: it stays a learner until it is promoted' },
    { name: 'no-wait', help: 'members add, replace: do not wait until the node votes' },
    { name: 'host', value: 'HOST', help: 'members add: where a node will be that is not there yet' },
    { name: 'peer-port', value: 'PORT', help: 'goes with --host' },
    { name: 'chat-port', value: 'PORT', help: 'goes with --host' },
    { name: 'http-port', value: 'PORT', help: 'goes with --host' },
    ...backupFlags,
    ...keyFlags,
  ],
  notes: [
    ['Commands:', ...Object.values(commands).map(({ usage, help }) => usage.padEnd(usageWidth) + help)].join(
      '\n  ',
    ),
    [
      'Exit code of status:',
      '0 with a leader and a majority of voters reachable,',
      '1 without,',
      '2 when no node can be reached.',
    ].join('\n  '),
    [
      'Exit code of the others: 0 done, 1 refused, 2 unknown or no node can be reached.',
      'They are let in by the cluster key, cluster.key beside the configuration file.',
    ].join('\n  '),
  ],
};

async function status(args: Arguments, operands: readonly string[]): Promise<number> {
  if (operands.length > 0) throw new CodedError('USAGE', `unexpected argument "${operands[0]}"`);
  const asking = await askingOf(args);
  const first = await Promise.all(asking.nodes.addresses.map((address) => askStatus(address, asking)));
  // Members that the file does not list yet.
  const asked = new Set(asking.nodes.addresses.map(textOf));
  const others = first.flatMap(({ status: found }) => found?.members.flatMap(({ http }) => http ?? []) ?? []);
  const unlisted = [...new Map(others.map((address) => [textOf(address), address])).entries()]
    .filter(([text]) => !asked.has(text))
    .map(([, address]) => address);
  const further = await Promise.all(unlisted.map((address) => askStatus(address, asking)));
  const report = assess([...first, ...further]);
  console.log(args.has('json') ? JSON.stringify(report, null, 2) : formatReport(report));
  return exitCodes[report.verdict];
}

async function token(args: Arguments, operands: readonly string[]): Promise<number> {
  if (operands.length > 0) throw new CodedError('USAGE', `unexpected argument "${operands[0]}"`);
  console.log(operationsToken(await loadClusterKey(args.text('config') ?? defaultConfigPath, false)));
  return 0;
}

await runProgram(program, async (args) => {
  const [name = '', ...rest] = args.operands;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return command.run(args, rest);
  throw new CodedError(
    'USAGE',
    name === '' ? 'name a command' : `unknown command "${args.operands.join(' ')}"`,
  );
});
