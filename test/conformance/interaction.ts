import {
  type ConfChange,
  type ConfChangeTransition,
  describePeer,
  isVoter,
  type MessageType,
  makeMessage,
  type RaftConfig,
  RaftError,
  StorageError,
} from '../../src/raft/index.ts';
import { describeEntries, describeMessage, describeRole, parseChanges } from './describe.ts';
import {
  bootstrapSnapshot,
  CommandError,
  Environment,
  type EnvironmentNode,
  type Recipient,
} from './environment.ts';
import { Arguments, type Directive, ScriptError, toBoolean, toNumber } from './script.ts';

type Command = (env: Environment, args: Arguments, input: string) => void;

/** Returns the handler of one script: it keeps the nodes from directive to directive. */
export function interactionHandler(): (directive: Directive) => string {
  const env = new Environment();
  return (directive) => {
    const command = commands.get(directive.command);
    if (command === undefined) throw new ScriptError(`unknown command ${directive.command}`);
    const args = new Arguments(directive);
    env.takeOutput();
    try {
      command(env, args, directive.input.join('\n'));
      args.done();
    } catch (error) {
      if (!(error instanceof CommandError || error instanceof RaftError || error instanceof StorageError)) {
        throw error;
      }
      return `${env.takeOutput()}${error.message}`;
    }
    return env.takeOutput();
  };
}

const addNodes: Command = (env, args) => {
  const count = args.number();
  const index = args.option('index', 0, toNumber);
  const content = args.list('content').join('');
  const start = bootstrapSnapshot(args.numberList('voters'), args.numberList('learners'), index, content);
  const maxCommitted = args.option('max-committed-size-per-ready', Number.POSITIVE_INFINITY, toNumber);
  const inflight = args.option('inflight', Number.MAX_SAFE_INTEGER, toNumber);
  const options: Partial<RaftConfig> = {
    maxInflightMessages: inflight,
    maxCommittedSizePerReady: maxCommitted === 0 ? Number.POSITIVE_INFINITY : maxCommitted,
    asyncStorageWrites: args.option('async-storage-writes', false, toBoolean),
    preVote: args.option('prevote', false, toBoolean),
    checkQuorum: args.option('checkquorum', false, toBoolean),
    disableConfChangeValidation: args.option('disable-conf-change-validation', false, toBoolean),
    stepDownOnRemoval: args.option('step-down-on-removal', false, toBoolean),
    readOnly: args.option<RaftConfig['readOnly']>('read-only', 'safe', (value) => {
      if (value === 'safe' || value === 'lease-based') return value;
      throw new ScriptError(`invalid read-only value ${value}`);
    }),
  };
  args.done();
  env.addNodes(count, start, options);
};

const deliver: Command = (env, args) => {
  const recipients: Recipient[] = [];
  for (const { value: id, keyed: drop } of args.numbersAmong('drop')) {
    if (drop && recipients.some((known) => known.id === id)) {
      throw new ScriptError(`can't both deliver and drop msgs to ${id}`);
    }
    recipients.push({ id, drop });
  }
  const type = args.option<MessageType | null>('type', null, toMessageType);
  args.done();
  if (env.deliver(recipients, type) === 0) env.write('no messages\n');
};

/** Runs `work` for each named node, under a heading when there are several. */
function eachNode(title: string, work: (env: Environment, node: EnvironmentNode) => void): Command {
  return (env, args) => {
    const nodes = args.numbers().map((id) => env.node(id));
    args.done();
    for (const node of nodes) {
      if (nodes.length > 1) env.write(`> ${node.id} ${title}\n`);
      work(env, node);
    }
  };
}

const logLevels = new Set(['debug', 'info', 'warn', 'error', 'fatal', 'none']);

function setLogLevel(env: Environment, level: string): void {
  const name = level.toLowerCase();
  if (!logLevels.has(name)) {
    throw new CommandError('log levels must be either of [DEBUG INFO WARN ERROR FATAL NONE]');
  }
  env.quiet = name === 'none';
}

const stabilize: Command = (env, args) => {
  const ids = args.numbers();
  const levels = args.list('log-level');
  args.done();
  const nodes = ids.length === 0 ? [...env.nodes] : ids.map((id) => env.node(id));
  const quiet = env.quiet;
  for (const level of levels) setLogLevel(env, level);
  try {
    env.stabilize(nodes);
  } finally {
    env.quiet = quiet;
  }
};

function printLog(env: Environment, node: EnvironmentNode): void {
  const first = node.log.firstIndex();
  const last = node.log.lastIndex();
  if (last < first) env.write(`log is empty: first index=${first}, last index=${last}\n`);
  else env.write(describeEntries(node.log.entries(first, last + 1, Number.POSITIVE_INFINITY)));
}

const compact: Command = (env, args) => {
  const node = env.node(args.number());
  node.log.compact(args.number());
  printLog(env, node);
};

const raftState: Command = (env) => {
  for (const node of env.nodes) {
    const { id, softState, hardState, confState } = node.raw.status();
    const voter = isVoter(confState, id) ? '(Voter)' : '(Non-Voter)';
    const role = describeRole(softState.role);
    env.write(`${id}: ${role} ${voter} Term:${hardState.term} Lead:${softState.leader}\n`);
  }
};

const status: Command = (env, args) => {
  for (const peer of env.node(args.number()).raw.status().peers) {
    env.write(`${peer.id}: ${describePeer(peer)}\n`);
  }
};

function tickBy(ticks: (node: EnvironmentNode) => number): Command {
  return (env, args) => {
    const node = env.node(args.number());
    for (let tick = ticks(node); tick > 0; tick--) node.raw.tick();
  };
}

const transitions: ReadonlyMap<string, ConfChangeTransition> = new Map([
  ['auto', 'auto'],
  ['implicit', 'joint-implicit'],
  ['explicit', 'joint-explicit'],
]);

const proposeConfChange: Command = (env, args, input) => {
  const node = env.node(args.number());
  const v1 = args.option('v1', false, toBoolean);
  const transition = args.option<ConfChangeTransition>('transition', 'auto', (value) => {
    const known = transitions.get(value);
    if (known === undefined) throw new CommandError(`unknown transition ${value}`);
    return known;
  });
  args.done();
  const changes = parseChanges(input);
  if (changes === null) throw new ScriptError(`unknown conf change ${input}`);
  if (v1 && (changes.length !== 1 || transition !== 'auto')) {
    throw new CommandError('v1 conf change can only have one operation and no transition');
  }
  const change: ConfChange = { version: v1 ? 1 : 2, transition, changes, context: new Uint8Array(0) };
  node.raw.proposeConfChange(change);
};

const transferLeadership: Command = (env, args) => {
  const from = args.option('from', 0, toNumber);
  const to = args.option('to', 0, toNumber);
  if (to === 0 || to > env.nodes.length) throw new ScriptError('expected valid "to" argument');
  env.node(from).raw.transferLeader(to);
};

const sendSnapshot: Command = (env, args) => {
  const from = env.node(args.number());
  const to = env.node(args.number());
  const { term } = from.raw.basicStatus();
  const message = makeMessage('MsgSnap', to.id, from.id, term, { snapshot: from.newestSnapshot() });
  env.enqueue(message);
  env.write(`${describeMessage(message)}\n`);
};

const messageTypes: ReadonlySet<string> = new Set<MessageType>([
  'MsgHup',
  'MsgBeat',
  'MsgProp',
  'MsgApp',
  'MsgAppResp',
  'MsgVote',
  'MsgVoteResp',
  'MsgSnap',
  'MsgHeartbeat',
  'MsgHeartbeatResp',
  'MsgUnreachable',
  'MsgSnapStatus',
  'MsgCheckQuorum',
  'MsgTransferLeader',
  'MsgTimeoutNow',
  'MsgReadIndex',
  'MsgReadIndexResp',
  'MsgPreVote',
  'MsgPreVoteResp',
  'MsgStorageAppend',
  'MsgStorageAppendResp',
  'MsgStorageApply',
  'MsgStorageApplyResp',
  'MsgForgetLeader',
]);

function isMessageType(text: string): text is MessageType {
  return messageTypes.has(text);
}

function toMessageType(text: string): MessageType {
  if (!isMessageType(text)) throw new ScriptError(`unknown message type ${text}`);
  return text;
}

const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['add-nodes', addNodes],
  ['campaign', (env, args) => env.node(args.number()).raw.campaign()],
  ['compact', compact],
  ['deliver-msgs', deliver],
  ['process-ready', eachNode('handling Ready', (env, node) => env.processReady(node))],
  ['process-append-thread', eachNode('processing append thread', (env, node) => env.processAppend(node))],
  ['process-apply-thread', eachNode('processing apply thread', (env, node) => env.processApply(node))],
  ['log-level', (env, args) => setLogLevel(env, args.word())],
  ['raft-log', (env, args) => printLog(env, env.node(args.number()))],
  ['raft-state', raftState],
  [
    'set-randomized-election-timeout',
    (env, args) => {
      const node = env.node(args.number());
      if (!args.has('timeout')) throw new ScriptError('expected a "timeout" argument');
      node.raw.randomizedElectionTicks = args.option('timeout', 0, toNumber);
    },
  ],
  ['stabilize', stabilize],
  ['status', status],
  ['tick-election', tickBy((node) => node.electionTicks)],
  ['tick-heartbeat', tickBy((node) => node.heartbeatTicks)],
  ['transfer-leadership', transferLeadership],
  ['forget-leader', (env, args) => env.node(args.number()).raw.forgetLeader()],
  ['propose', (env, args) => env.node(args.number()).raw.propose(new TextEncoder().encode(args.word()))],
  ['propose-conf-change', proposeConfChange],
  ['report-unreachable', (env, args) => env.node(args.number()).raw.reportUnreachable(args.number())],
  ['send-snapshot', sendSnapshot],
]);
