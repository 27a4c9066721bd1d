/** What was found out about a cluster → what is good, what is not, and what to do about it. Pure. */
import type { Checkup } from '../../gateway/operations/checkup.ts';
import type { NodeStatus } from '../cluster/status-table.ts';

export type Verdict = 'good' | 'look' | 'wrong';

export interface Finding {
  /** `look`: nothing suffers yet. `wrong`: something does, or one more failure away. */
  readonly verdict: Verdict;
  readonly check: string;
  /** The node, the file or the cluster that it is about. */
  readonly about: string;
  readonly found: string;
  /** Of all but what is good. */
  readonly remedy: string | null;
}

export interface NodeFacts {
  readonly id: number;
  readonly address: string;
  /** Null: it did not answer, or not to us. */
  readonly status: NodeStatus | null;
  readonly checkup: Checkup | null;
  /** Its clock minus that of this machine, as far as the way there and back lets tell. */
  readonly clockSkewMs: number | null;
  /** Of its ports, as connected to from here. */
  readonly closedPorts: readonly { readonly name: 'peer' | 'chat' | 'http'; readonly port: number }[];
}

export interface FileFacts {
  readonly name: string;
  readonly kind: 'cluster key' | 'backup key' | 'private key' | 'key of the CA' | 'certificate';
  /** Null: it is not there. */
  readonly mode: number | null;
  readonly ageMs: number;
  /** Of a certificate. */
  readonly notAfterMs: number | null;
}

export interface ClusterFacts {
  readonly nowMs: number;
  readonly profile: string;
  /** Places of the configuration file. */
  readonly listed: readonly { readonly id: number; readonly host: string; readonly peerPort: number }[];
  readonly nodes: readonly NodeFacts[];
  readonly files: readonly FileFacts[];
}

const dayMs = 86_400_000;
const certificateSoonMs = 30 * dayMs;
const keyOldMs = 365 * dayMs;
const backupOldMs = 2 * dayMs;
const skewMs = 1_000;
/** A sealed request of an operator is good for so long. */
const skewWrongMs = 30_000;
const syncSlowMs = 20;
const syncWrongMs = 200;
const lagEntries = 10_000;

export function findingsOf(facts: ClusterFacts): readonly Finding[] {
  return [
    ...configuration(facts),
    ...facts.files.map((file) => fileFinding(file, facts)),
    ...facts.nodes.flatMap((node) => nodeFindings(node, facts)),
    ...together(facts),
  ];
}

function configuration({ profile, listed }: ClusterFacts): readonly Finding[] {
  const about = 'configuration';
  const count = listed.length;
  const size = `${count} ${count === 1 ? 'node' : 'nodes'}`;
  const hosts = new Set(listed.map(({ host }) => host)).size;
  return [
    profile === 'loopback-demo'
      ? look(
          'profile',
          about,
          'loopback-demo: for trying it out',
          'Leave the profile out for a real cluster.',
        )
      : good('profile', about, profile),
    count < 3
      ? look('nodes', about, `${size}: none may fail`, 'Three nodes bear the loss of one.')
      : count % 2 === 0
        ? look('nodes', about, `${size} bear no more failures than ${count - 1}`, 'Use an odd number.')
        : good('nodes', about, `${size}, ${(count - 1) / 2} may fail`),
    ...(profile !== 'loopback-demo' && count > 1 && hosts < count
      ? [
          look(
            'hosts',
            about,
            `${size} on ${hosts} hosts`,
            'One machine that fails takes several nodes with it.',
          ),
        ]
      : []),
  ];
}

function fileFinding({ name, kind, mode, ageMs, notAfterMs }: FileFacts, { nowMs }: ClusterFacts): Finding {
  if (mode === null) {
    return look(
      kind,
      name,
      'not here',
      `If this machine should have it: docs/operations.md, "Certificates" and "Backups".`,
    );
  }
  if (notAfterMs !== null) {
    const days = Math.floor((notAfterMs - nowMs) / dayMs);
    const renew = 'npm run admin -- keys --renew, copy the new files, kill -HUP the nodes.';
    if (days < 0) return wrong(kind, name, 'expired', renew);
    if (notAfterMs - nowMs < certificateSoonMs) return look(kind, name, `expires in ${days} days`, renew);
    return good(kind, name, `good for ${days} days`);
  }
  if ((mode & 0o077) !== 0) {
    return wrong(
      kind,
      name,
      `others may read it (${mode.toString(8)})`,
      `chmod 600 ${name}, and think of it as leaked.`,
    );
  }
  const days = Math.floor(ageMs / dayMs);
  if (kind === 'key of the CA') {
    return look(
      kind,
      name,
      'lies here',
      'Keep it where no node is: it makes certificates, no node needs it.',
    );
  }
  if (ageMs > keyOldMs)
    return look(kind, name, `${days} days old`, 'Replace it when somebody who had it has left.');
  return good(kind, name, `for its owner only, ${days} days old`);
}

function nodeFindings(node: NodeFacts, facts: ClusterFacts): readonly Finding[] {
  const about = `node ${node.id}`;
  const { status, checkup } = node;
  if (status === null) {
    return [
      wrong(
        'answers',
        about,
        `nothing at ${node.address}`,
        'Start it; else its machine, its network, its log.',
      ),
    ];
  }
  return [
    good('answers', about, `${status.role}, term ${status.term}, applied ${status.appliedIndex}`),
    ...(node.closedPorts.length === 0
      ? [good('ports', about, 'reached from here')]
      : node.closedPorts.map(({ name, port }) =>
          look(
            'ports',
            about,
            `${name} port ${port} is not reached from here`,
            'A firewall? The other nodes need the peer port, people the others.',
          ),
        )),
    ...(status.alarms.length === 0
      ? [good('alarms', about, 'none')]
      : status.alarms.map((alarm) => wrong('alarms', about, alarm, 'docs/failures.md'))),
    clock(node, about),
    ...(checkup === null
      ? [look('checkup', about, 'it did not tell', 'Another cluster key, or an older version.')]
      : inside(checkup, about, facts)),
  ];
}

function clock({ clockSkewMs }: NodeFacts, about: string): Finding {
  const remedy = 'Let chrony or systemd-timesyncd set it. Times of messages follow it; nothing else does.';
  if (clockSkewMs === null) return look('clock', about, 'not known', 'Another cluster key?');
  const text = `${Math.round(Math.abs(clockSkewMs))} ms ${clockSkewMs < 0 ? 'behind' : 'ahead of'} this machine`;
  if (Math.abs(clockSkewMs) > skewWrongMs) return wrong('clock', about, text, remedy);
  return Math.abs(clockSkewMs) > skewMs ? look('clock', about, text, remedy) : good('clock', about, text);
}

function inside(checkup: Checkup, about: string, { nowMs }: ClusterFacts): readonly Finding[] {
  const { disk, syncMs, missingChunks, certificates } = checkup;
  const low = disk.lowBytes ?? 0;
  const free = `${megabytes(disk.freeBytes)} of ${megabytes(disk.totalBytes)} free`;
  const room = 'docs/operations.md, "A full disk"';
  const sync = `${syncMs.median.toFixed(1)} ms in the middle, ${syncMs.slowest.toFixed(1)} ms at worst`;
  const slow = 'Every message waits for it on a majority. A faster disk, or fewer neighbours on this one.';
  return [
    disk.freeBytes < low
      ? wrong('room', about, free, room)
      : disk.freeBytes < 4 * low
        ? look('room', about, free, room)
        : good('room', about, free),
    syncMs.median > syncWrongMs
      ? wrong('fsync', about, sync, slow)
      : syncMs.median > syncSlowMs
        ? look('fsync', about, sync, slow)
        : good('fsync', about, sync),
    missingChunks === 0
      ? good('files', about, 'all here')
      : look(
          'files',
          about,
          `${missingChunks} parts are missing`,
          'They are being fetched; if not, another node is away.',
        ),
    ...certificates
      .filter(({ notAfterMs }) => notAfterMs - nowMs < certificateSoonMs)
      .map(({ path, notAfterMs }) => {
        const days = Math.floor((notAfterMs - nowMs) / dayMs);
        const renew = 'npm run admin -- keys --renew, copy the new files, kill -HUP the node.';
        return days < 0
          ? wrong('certificate', about, `${path} expired`, renew)
          : look('certificate', about, `${path} expires in ${days} days`, renew);
      }),
  ];
}

function together(facts: ClusterFacts): readonly Finding[] {
  const about = 'cluster';
  const told = facts.nodes.flatMap(({ status }) => (status === null ? [] : [status]));
  const leader = told.filter(({ role }) => role === 'leader').sort((a, b) => b.term - a.term)[0];
  if (leader === undefined) {
    return [
      wrong(
        'leader',
        about,
        'none',
        'A majority must run and reach each other: docs/operations.md, "When the majority is lost".',
      ),
    ];
  }
  return [
    good('leader', about, `node ${leader.id}, term ${leader.term}`),
    quorum(leader, told),
    ...membersAgainstFile(leader, facts),
    ...leader.members
      .filter(({ lag }) => lag !== null && lag > lagEntries)
      .map(({ id, lag }) =>
        look('lag', `node ${id}`, `${lag} entries behind`, 'Until it has caught up it is no help.'),
      ),
    ...versions(facts),
    backups(facts),
  ];
}

function quorum(leader: NodeStatus, told: readonly NodeStatus[]): Finding {
  const voters = leader.members.filter(({ voter }) => voter !== false);
  const counted = voters.length + leader.members.filter(({ oldVoter }) => oldVoter === true).length;
  const here = voters.filter(({ id }) => told.some((status) => status.id === id)).length;
  const needed = Math.floor(counted / 2) + 1;
  const text = `${here} of ${counted} voters answer, ${needed} are needed`;
  const remedy = 'Bring the missing ones back, or replace them: docs/operations.md, "Members".';
  if (here < needed) return wrong('quorum', 'cluster', text, remedy);
  if (here === counted) return good('quorum', 'cluster', text);
  return here === needed
    ? wrong('quorum', 'cluster', `${text}: one more, and nobody can write`, remedy)
    : look('quorum', 'cluster', text, remedy);
}

function membersAgainstFile(leader: NodeStatus, { listed }: ClusterFacts): readonly Finding[] {
  const inFile = new Set(listed.map(({ id }) => id));
  const isMember = new Set(leader.members.filter(({ state }) => state !== 'listed').map(({ id }) => id));
  const unlisted = [...isMember].filter((id) => !inFile.has(id));
  const strangers = [...inFile].filter((id) => !isMember.has(id));
  const findings = [
    ...unlisted.map((id) =>
      look(
        'members',
        `node ${id}`,
        'a member, and not in this file',
        'Add it to cluster.config.json, here and on the nodes.',
      ),
    ),
    ...strangers.map((id) =>
      look(
        'members',
        `node ${id}`,
        'in this file, and no member',
        `npm run admin -- members add ${id}, or take it out of the file.`,
      ),
    ),
  ];
  return findings.length > 0 ? findings : [good('members', 'cluster', 'as in this file')];
}

function versions({ nodes }: ClusterFacts): readonly Finding[] {
  const found = new Set(nodes.flatMap(({ checkup }) => (checkup === null ? [] : [checkup.version])));
  if (found.size === 0) return [];
  const text = [...found].sort().join(', ');
  return [
    found.size === 1
      ? good('version', 'cluster', text)
      : look('version', 'cluster', text, 'Finish the upgrade: docs/versions.md.'),
  ];
}

function backups({ nodes, nowMs }: ClusterFacts): Finding {
  const newest = Math.max(0, ...nodes.map(({ checkup }) => checkup?.backupFinishedMs ?? 0));
  const remedy = 'npm run admin -- backup FILE, every night: docs/operations.md, "Backups".';
  if (newest === 0) return look('backup', 'cluster', 'never made', remedy);
  const hours = Math.floor((nowMs - newest) / 3_600_000);
  const text = `made ${hours} hours ago`;
  return nowMs - newest > backupOldMs
    ? look('backup', 'cluster', text, remedy)
    : good('backup', 'cluster', text);
}

function megabytes(bytes: number): string {
  return bytes >= 10 * 2 ** 30 ? `${Math.round(bytes / 2 ** 30)} GiB` : `${Math.round(bytes / 2 ** 20)} MiB`;
}

function good(check: string, about: string, found: string): Finding {
  return { verdict: 'good', check, about, found, remedy: null };
}

function look(check: string, about: string, found: string, remedy: string): Finding {
  return { verdict: 'look', check, about, found, remedy };
}

function wrong(check: string, about: string, found: string, remedy: string): Finding {
  return { verdict: 'wrong', check, about, found, remedy };
}
