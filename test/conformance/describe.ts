import {
  type ConfChangeSingle,
  type ConfState,
  confChangeOf,
  type Entry,
  type HardState,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type MemberId,
  type Message,
  NONE,
  type Ready,
  type Role,
  type Snapshot,
} from '../../src/raft/index.ts';

/** Prints the data of the core in the words of the scripts. */

const roleNames: Readonly<Record<Role, string>> = {
  follower: 'StateFollower',
  'pre-candidate': 'StatePreCandidate',
  candidate: 'StateCandidate',
  leader: 'StateLeader',
};

export function describeRole(role: Role): string {
  return roleNames[role];
}

const entryTypeNames: Readonly<Record<Entry['type'], string>> = {
  normal: 'EntryNormal',
  'conf-change': 'EntryConfChange',
  'conf-change-v2': 'EntryConfChangeV2',
};

const changeLetters: Readonly<Record<ConfChangeSingle['type'], string>> = {
  'add-voter': 'v',
  'add-learner': 'l',
  remove: 'r',
  update: 'u',
};

export function describeEntry(entry: Entry): string {
  const change = confChangeOf(entry);
  const body =
    change === null
      ? JSON.stringify(new TextDecoder().decode(entry.data))
      : change.changes.map(({ type, id }) => `${changeLetters[type]}${id}`).join(' ');
  return `${entry.term}/${entry.index} ${entryTypeNames[entry.type]}${body === '' ? '' : ` ${body}`}`;
}

export function describeEntries(entries: readonly Entry[]): string {
  return entries.map((entry) => `${describeEntry(entry)}\n`).join('');
}

function describeConfState(confState: ConfState): string {
  const list = (ids: readonly MemberId[]): string => `[${ids.join(' ')}]`;
  return (
    `Voters:${list(confState.voters)} VotersOutgoing:${list(confState.votersOutgoing)} ` +
    `Learners:${list(confState.learners)} LearnersNext:${list(confState.learnersNext)} AutoLeave:${confState.autoLeave}`
  );
}

function describeSnapshot({ meta }: Snapshot): string {
  return `Index:${meta.index} Term:${meta.term} ConfState:${describeConfState(meta.confState)}`;
}

function describeHardState(hardState: HardState): string {
  const vote = hardState.vote === NONE ? '' : ` Vote:${hardState.vote}`;
  return `Term:${hardState.term}${vote} Commit:${hardState.commit}`;
}

function describeTarget(id: MemberId): string {
  switch (id) {
    case NONE:
      return 'None';
    case LOCAL_APPEND_THREAD:
      return 'AppendThread';
    case LOCAL_APPLY_THREAD:
      return 'ApplyThread';
    default:
      return id.toString(16);
  }
}

export function describeMessage(message: Message, indent = ''): string {
  const { entries, snapshot } = message;
  let text =
    `${indent}${describeTarget(message.from)}->${describeTarget(message.to)} ${message.type} ` +
    `Term:${message.term} Log:${message.logTerm}/${message.index}`;
  if (message.reject) text += ` Rejected (Hint: ${message.rejectHint})`;
  if (message.commit !== 0) text += ` Commit:${message.commit}`;
  if (message.vote !== NONE) text += ` Vote:${message.vote}`;
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) {
    text += ` Entries:[${describeEntry(only)}]`;
  } else if (entries.length > 1) {
    text += ' Entries:[';
    for (const entry of entries) text += `\n${indent}  ${describeEntry(entry)}`;
    text += `\n${indent}]`;
  }
  if (snapshot !== null && snapshot.meta.index !== 0) {
    text += `\n${indent}  Snapshot: ${describeSnapshot(snapshot)}`;
  }
  if (message.responses.length > 0) {
    text += ' Responses:[';
    for (const response of message.responses) text += `\n${describeMessage(response, `${indent}  `)}`;
    text += `\n${indent}]`;
  }
  return text;
}

export function describeReady(ready: Ready): string {
  let text = '';
  if (ready.softState !== null) {
    text += `Lead:${ready.softState.leader} State:${describeRole(ready.softState.role)}\n`;
  }
  if (ready.hardState !== null) text += `HardState ${describeHardState(ready.hardState)}\n`;
  if (ready.readStates.length > 0) {
    const reads = ready.readStates.map(({ index, context }) => `{${index} [${context.join(' ')}]}`);
    text += `ReadStates [${reads.join(' ')}]\n`;
  }
  if (ready.entries.length > 0) text += `Entries:\n${describeEntries(ready.entries)}`;
  if (ready.snapshot !== null) text += `Snapshot ${describeSnapshot(ready.snapshot)}\n`;
  if (ready.committedEntries.length > 0) {
    text += `CommittedEntries:\n${describeEntries(ready.committedEntries)}`;
  }
  if (ready.messages.length > 0) {
    text += `Messages:\n${ready.messages.map((message) => `${describeMessage(message)}\n`).join('')}`;
  }
  return text === '' ? '<empty Ready>\n' : `Ready MustSync=${ready.mustSync}:\n${text}`;
}

/** Tokens such as `v1 l4 r5 u2`: voter, learner, remove, update. */
export function parseChanges(text: string): readonly ConfChangeSingle[] | null {
  const changes: ConfChangeSingle[] = [];
  for (const token of text.split(/\s+/).filter((part) => part !== '')) {
    const match = /^([vlru])(\d+)$/.exec(token);
    const type = changeTypes.get(match?.[1] ?? '');
    if (match === null || type === undefined) return null;
    changes.push({ type, id: Number(match[2]) });
  }
  return changes;
}

const changeTypes: ReadonlyMap<string, ConfChangeSingle['type']> = new Map([
  ['v', 'add-voter'],
  ['l', 'add-learner'],
  ['r', 'remove'],
  ['u', 'update'],
]);
