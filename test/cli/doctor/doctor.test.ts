import t from 'tap';
import type { NodeStatus } from '../../../src/cli/cluster/status-table.ts';
import {
  type ClusterFacts,
  type Finding,
  findingsOf,
  type NodeFacts,
} from '../../../src/cli/doctor/findings.ts';

const nowMs = 1_800_000_000_000;
const dayMs = 86_400_000;

function status(id: number): NodeStatus {
  const members = [1, 2, 3].map((member) => ({ id: member, lag: 0, voter: true, state: 'voter' }));
  const role = id === 2 ? 'leader' : 'follower';
  return { id, role, term: 4, leader: 2, commitIndex: 9, appliedIndex: 9, members, alarms: [] };
}

function node(id: number): NodeFacts & { readonly checkup: NonNullable<NodeFacts['checkup']> } {
  return {
    id,
    address: `10.0.0.${id}:7301`,
    status: status(id),
    clockSkewMs: 20,
    closedPorts: [],
    checkup: {
      node: id,
      version: 'conclave 1.0.0',
      platform: 'Node',
      timeMs: nowMs,
      format: 2,
      disk: { freeBytes: 100e9, totalBytes: 200e9, lowBytes: 128e6 },
      syncMs: { median: 2, slowest: 5 },
      logBytes: 1,
      memoryBytes: 1,
      missingChunks: 0,
      backupFinishedMs: nowMs - dayMs,
      certificates: [{ path: 'certificate.pem', notAfterMs: nowMs + 200 * dayMs }],
    },
  };
}

const well: ClusterFacts = {
  nowMs,
  profile: 'default',
  listed: [1, 2, 3].map((id) => ({ id, host: `10.0.0.${id}`, peerPort: 7101 })),
  nodes: [1, 2, 3].map(node),
  files: [{ name: 'cluster.key', kind: 'cluster key', mode: 0o600, ageMs: dayMs, notAfterMs: null }],
};

/** What is not good, as `check, about: verdict`. */
function shown(facts: ClusterFacts): readonly string[] {
  const isBad = ({ verdict }: Finding): boolean => verdict !== 'good';
  return findingsOf(facts)
    .filter(isBad)
    .map(({ check, about, verdict }) => `${check}, ${about}: ${verdict}`);
}

function withNode(id: number, change: Partial<NodeFacts>): ClusterFacts {
  return { ...well, nodes: well.nodes.map((facts) => (facts.id === id ? { ...facts, ...change } : facts)) };
}

function inside(change: Partial<NonNullable<NodeFacts['checkup']>>): ClusterFacts {
  return withNode(1, { checkup: { ...node(1).checkup, ...change } });
}

t.test('doctor: a cluster that is well', async (t) => {
  t.strictSame(shown(well), []);
  t.ok(findingsOf(well).every(({ remedy }) => remedy === null));
});

t.test('doctor: whatever is not as it should be is found, judged, and has a remedy', async (t) => {
  const disk = node(1).checkup.disk;
  const leader = status(2);
  const file = { name: 'k', kind: 'private key', mode: 0o600, ageMs: 0, notAfterMs: null } as const;
  const cases: readonly (readonly [string, ClusterFacts, readonly string[]])[] = [
    [
      'silent',
      withNode(3, { status: null, checkup: null }),
      ['answers, node 3: wrong', 'quorum, cluster: wrong'],
    ],
    ['firewall', withNode(3, { closedPorts: [{ name: 'peer', port: 7101 }] }), ['ports, node 3: look']],
    ['clock', withNode(1, { clockSkewMs: -5_000 }), ['clock, node 1: look']],
    ['far clock', withNode(1, { clockSkewMs: 60_000 }), ['clock, node 1: wrong']],
    ['alarm', withNode(1, { status: { ...status(1), alarms: ['disk: low'] } }), ['alarms, node 1: wrong']],
    ['room', inside({ disk: { ...disk, freeBytes: 300e6 } }), ['room, node 1: look']],
    ['no room', inside({ disk: { ...disk, freeBytes: 100e6 } }), ['room, node 1: wrong']],
    ['slow', inside({ syncMs: { median: 50, slowest: 90 } }), ['fsync, node 1: look']],
    ['very slow', inside({ syncMs: { median: 500, slowest: 900 } }), ['fsync, node 1: wrong']],
    ['files', inside({ missingChunks: 3 }), ['files, node 1: look']],
    [
      'expiry',
      inside({ certificates: [{ path: 'p', notAfterMs: nowMs + dayMs }] }),
      ['certificate, node 1: look'],
    ],
    [
      'expired',
      inside({ certificates: [{ path: 'p', notAfterMs: nowMs - 1 }] }),
      ['certificate, node 1: wrong'],
    ],
    ['versions', inside({ version: 'conclave 1.1.0' }), ['version, cluster: look']],
    [
      'stranger',
      { ...well, files: [], listed: [...well.listed, { id: 4, host: 'h', peerPort: 1 }] },
      ['nodes, configuration: look', 'members, node 4: look'],
    ],
    [
      'unlisted',
      { ...well, listed: well.listed.slice(0, 2) },
      ['nodes, configuration: look', 'members, node 3: look'],
    ],
    [
      'one host',
      { ...well, listed: well.listed.map((place) => ({ ...place, host: 'h' })) },
      ['hosts, configuration: look'],
    ],
    [
      'behind',
      withNode(2, {
        status: {
          ...leader,
          members: leader.members.map((member) => ({ ...member, lag: member.id === 3 ? 20_000 : 0 })),
        },
      }),
      ['lag, node 3: look'],
    ],
    ['open key', { ...well, files: [{ ...file, mode: 0o644 }] }, ['private key, k: wrong']],
    ['old key', { ...well, files: [{ ...file, ageMs: 400 * dayMs }] }, ['private key, k: look']],
    ['ca', { ...well, files: [{ ...file, kind: 'key of the CA' }] }, ['key of the CA, k: look']],
    ['no key', { ...well, files: [{ ...file, kind: 'cluster key', mode: null }] }, ['cluster key, k: look']],
    [
      'certificate',
      { ...well, files: [{ ...file, kind: 'certificate', notAfterMs: nowMs - dayMs }] },
      ['certificate, k: wrong'],
    ],
  ];
  for (const [name, facts, expected] of cases) {
    t.strictSame(shown(facts), expected, name);
    t.ok(
      findingsOf(facts).every(({ verdict, remedy }) => (verdict === 'good') === (remedy === null)),
      name,
    );
  }
});

t.test('doctor: no leader, and no backup of any node', async (t) => {
  const lost = {
    ...well,
    nodes: well.nodes.map((facts) => ({ ...facts, status: { ...status(facts.id), role: 'candidate' } })),
  };
  t.strictSame(shown(lost), ['leader, cluster: wrong']);
  const never = {
    ...well,
    nodes: well.nodes.map((facts) => ({
      ...facts,
      checkup: { ...node(facts.id).checkup, backupFinishedMs: null },
    })),
  };
  t.strictSame(shown(never), ['backup, cluster: look']);
});
