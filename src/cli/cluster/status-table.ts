/** What the nodes of a cluster said about it → a verdict and a table. Pure. */

/** The part of a node's `/cluster` that is looked at. */
export interface NodeStatus {
  readonly id: number;
  readonly role: string;
  readonly term: number;
  readonly leader: number | null;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly members: readonly MemberStatus[];
  readonly alarms: readonly string[];
}

export interface MemberStatus {
  readonly id: number;
  /** As the engine says it: `voter`, `learner`, `observer`, `expected` or `listed`; absent in an older version. */
  readonly state?: string;
  readonly lag: number | null;
  /** Absent: it votes. */
  readonly voter?: boolean;
  /** A voter's disk of this number is gone, and counts in the majority. */
  readonly oldVoter?: boolean;
  /** Where its HTTP port is, if it is told. */
  readonly http?: { readonly host: string; readonly port: number };
}

export interface Answer {
  /** `HOST:PORT` that was asked. */
  readonly address: string;
  /** Number of the node as the configuration says; null when only its address is known. */
  readonly id: number | null;
  /** Null when it did not answer; `reason` says why. */
  readonly status: NodeStatus | null;
  readonly reason: string | null;
}

export interface Row {
  readonly id: number | null;
  readonly address: string;
  readonly reachable: boolean;
  readonly role: string | null;
  readonly term: number | null;
  readonly leader: number | null;
  readonly commitIndex: number | null;
  readonly appliedIndex: number | null;
  /** Entries behind the leader's log; null when no leader was asked. */
  readonly lag: number | null;
  readonly alarms: readonly string[];
  readonly reason: string | null;
}

export interface Report {
  readonly leader: number | null;
  readonly term: number | null;
  readonly voters: number;
  readonly reachableVoters: number;
  readonly verdict: 'healthy' | 'no-leader' | 'no-majority' | 'unreachable';
  readonly nodes: readonly Row[];
}

export function assess(answers: readonly Answer[]): Report {
  const statuses = answers.flatMap(({ status }) => (status === null ? [] : [status]));
  const leader = statuses
    .filter((status) => status.role === 'leader')
    .reduce<NodeStatus | null>(
      (best, status) => (best === null || status.term > best.term ? status : best),
      null,
    );
  const members = (leader ?? statuses[0])?.members ?? [];
  const voters = new Set(members.filter((member) => member.voter !== false).map((member) => member.id));
  const gone = members.filter((member) => member.oldVoter === true).length;
  const reachableVoters = statuses.filter((status) => voters.has(status.id)).length;
  return {
    leader: leader?.id ?? null,
    term: leader?.term ?? null,
    voters: voters.size + gone,
    reachableVoters,
    verdict: verdictOf(statuses.length, leader !== null, reachableVoters * 2 > voters.size + gone),
    nodes: answers.map((answer) => rowOf(answer, leader)),
  };
}

function verdictOf(reachable: number, hasLeader: boolean, hasMajority: boolean): Report['verdict'] {
  if (reachable === 0) return 'unreachable';
  if (!hasMajority) return 'no-majority';
  return hasLeader ? 'healthy' : 'no-leader';
}

export const exitCodes: Readonly<Record<Report['verdict'], number>> = {
  healthy: 0,
  'no-leader': 1,
  'no-majority': 1,
  unreachable: 2,
};

function rowOf({ id, address, status, reason }: Answer, leader: NodeStatus | null): Row {
  const lag = leader?.members.find((member) => member.id === (status?.id ?? id))?.lag ?? null;
  return {
    id: status?.id ?? id,
    address,
    reachable: status !== null,
    role: status?.role ?? null,
    term: status?.term ?? null,
    leader: status?.leader ?? null,
    commitIndex: status?.commitIndex ?? null,
    appliedIndex: status?.appliedIndex ?? null,
    lag,
    alarms: status?.alarms ?? [],
    reason,
  };
}

const sentences: Readonly<Record<Report['verdict'], (report: Report) => string>> = {
  healthy: ({ leader, term }) => `Node ${leader} leads in term ${term}.`,
  'no-leader': () => 'No leader.',
  'no-majority': ({ reachableVoters, voters }) =>
    `No majority: ${reachableVoters} of ${voters} voters can be reached.`,
  unreachable: () => 'No node can be reached.',
};

/** For people: a table and one sentence. */
export function formatReport(report: Report): string {
  const header = ['node', 'address', 'role', 'term', 'leader', 'commit', 'applied', 'lag', 'alarms'];
  const rows = report.nodes.map((row) =>
    [
      row.id,
      row.address,
      row.role ?? 'unreachable',
      row.term,
      row.leader,
      row.commitIndex,
      row.appliedIndex,
      row.lag,
      row.reason ?? row.alarms.join(', '),
    ].map((cell) => (cell === null || cell === '' ? '-' : String(cell))),
  );
  const table = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const lines = table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return [...lines.map((line) => line.trimEnd()), '', sentences[report.verdict](report)].join('\n');
}

/** What a node's `/cluster` answered, or null when it is something else. */
export function readStatus(value: unknown): NodeStatus | null {
  if (!isRecord(value) || !Array.isArray(value.members) || !Array.isArray(value.alarms)) return null;
  const { id, role, term, leader, commitIndex, appliedIndex } = value;
  const isWhole =
    isNumber(id) &&
    typeof role === 'string' &&
    isNumber(term) &&
    isNumber(commitIndex) &&
    isNumber(appliedIndex);
  if (!isWhole) return null;
  const members = value.members.filter(isRecord).flatMap((member) =>
    isNumber(member.id)
      ? [
          {
            id: member.id,
            lag: isNumber(member.lag) ? member.lag : null,
            ...(typeof member.state === 'string' ? { state: member.state } : {}),
            ...(typeof member.voter === 'boolean' ? { voter: member.voter } : {}),
            ...(member.oldVoter === true ? { oldVoter: true } : {}),
            ...(typeof member.host === 'string' && isNumber(member.httpPort)
              ? { http: { host: member.host, port: member.httpPort } }
              : {}),
          },
        ]
      : [],
  );
  const alarms = value.alarms.map(String);
  return {
    id,
    role,
    term,
    leader: isNumber(leader) ? leader : null,
    commitIndex,
    appliedIndex,
    members,
    alarms,
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
