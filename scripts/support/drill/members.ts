/**
 * Members come, go, are replaced and lead in turn, at random and under load, with a kill or a partition in the middle of most changes;
 * in the end what the oracle says, and whether the cluster is the one that was asked for.
 */
import { type Random, seededRandom } from '../../../src/base/prng.ts';
import type { RealCluster } from '../real-cluster.ts';
import { ChangingCluster } from './member-changes.ts';
import { type FaultKind, faultKinds, strike } from './member-faults.ts';
import { worstGapMs } from './outages.ts';
import { type Played, type Stage, underLoad } from './under-load.ts';
import { loadFailures } from './violations.ts';

export interface MembersOptions {
  readonly changes: number;
  /** Sends a second, all writers together. */
  readonly rate: number;
  readonly writers: number;
  readonly seed: number;
  /** Progress, for people. */
  readonly tell?: (line: string) => void;
}

const kinds = ['add', 'promote', 'remove', 'replace', 'transfer'] as const;
type Kind = (typeof kinds)[number];

export interface MembersReport {
  readonly seed: number;
  readonly writers: number;
  readonly rate: number;
  readonly durationMs: number;
  readonly changes: number;
  readonly added: number;
  readonly promoted: number;
  readonly removed: number;
  readonly replaced: number;
  readonly transferred: number;
  readonly kills: number;
  readonly partitions: number;
  /** Requests of the operator that were made again, refused for a while or without a certain end. */
  readonly repeated: number;
  /** Numbers of the nodes in the end. */
  readonly members: readonly number[];
  readonly acknowledged: number;
  readonly unknown: number;
  readonly rejected: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly otherViolations: number;
  readonly longestGapMs: number;
  readonly failures: readonly string[];
}

/** A cluster has from three to five members, and there is room for two that were none yet. */
export const membersPlaces = { nodes: 3, spares: 4 } as const;
const least = 3;
const most = 5;

interface Scene {
  readonly changing: ChangingCluster;
  readonly random: Random;
  readonly counts: Record<Kind, number>;
  kills: number;
}

export async function runMembers(cluster: RealCluster, options: MembersOptions): Promise<MembersReport> {
  const random = seededRandom(options.seed);
  const changing = await ChangingCluster.of(cluster);
  const counts = { add: 0, promote: 0, remove: 0, replace: 0, transfer: 0 };
  const scene: Scene = { changing, random, counts, kills: 0 };
  const failures: string[] = [];
  const played = await underLoad(cluster, { ...options, random, roaming: true }, async (stage) => {
    while (made(counts) < options.changes && failures.length === 0) {
      const number = made(counts) + 1;
      try {
        const story = await changeOnce(scene, stage);
        options.tell?.(`${number}: ${story}`);
      } catch (error) {
        failures.push(`change ${number}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    cluster.proxy?.heal();
    await changing.settled();
  });
  return report(options, scene, played, failures);
}

function made(counts: Readonly<Record<Kind, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** One change with its fault, to its end. Returns what happened, in words. */
async function changeOnce(scene: Scene, stage: Stage): Promise<string> {
  const { changing, random } = scene;
  const { cluster } = changing;
  const { proxy } = cluster;
  if (proxy === null) throw new Error('members change behind a proxy');
  const change = planOf(scene);
  const fault = faultOf(random);
  const fromMs = performance.now();
  const struck = strike(fault, { cluster, proxy, random, spared: change.spared });
  const [happened] = await Promise.all([struck, change.run()]);
  if (happened.includes('killed')) scene.kills++;
  await change.finish();
  await changing.settled();
  await stage.goesOn();
  scene.counts[change.kind] += 1;
  const tookMs = Math.round(performance.now() - fromMs);
  const gapMs = worstGapMs([...stage.recorder.acknowledgedAt.values()], fromMs, performance.now());
  const { members } = changing;
  return `${change.text}; ${happened}; ${tookMs} ms, longest gap ${gapMs.toFixed(0)} ms, members ${[...members].sort().join(' ')}`;
}

interface Change {
  readonly kind: Kind;
  readonly text: string;
  /** Nodes whose processes this change looks after. */
  readonly spared: ReadonlySet<number>;
  /** While the fault is there. */
  run(): Promise<void>;
  /** After it. */
  finish(): Promise<void>;
}

function planOf(scene: Scene): Change {
  const { changing, random } = scene;
  const { size } = changing.members;
  const possible = kinds.filter((kind) => {
    if (kind === 'add' || kind === 'promote') return size < most;
    return kind === 'remove' ? size > least : true;
  });
  const kind = oneOf(random, possible);
  switch (kind) {
    case 'add':
      return planAdd(changing, random);
    case 'promote':
      return planPromote(changing, random);
    case 'remove':
      return planRemove(changing, random);
    case 'replace':
      return planReplace(changing, random);
    case 'transfer':
      return planTransfer(changing, random);
    default:
      return kind satisfies never;
  }
}

/** By hand in two steps, or in one: before it is started, or once it follows. */
function planAdd(changing: ChangingCluster, random: Random): Change {
  const node = oneOf(random, changing.free);
  const early = random.below(2) === 0;
  const { host, peerPort, chatPort, httpPort } = changing.cluster.node(node);
  const place = early ? { host, peerPort, chatPort, httpPort } : null;
  return {
    kind: 'add',
    text: `add ${node}${early ? ' before it is there' : ''}`,
    spared: new Set([node]),
    run: async () => {
      if (!early) await changing.startAnew(node);
      if (!early) await changing.untilState(node, 'observer');
      await changing.change({ kind: 'add', node, place, promote: true });
      if (early) await changing.startAnew(node);
      changing.members.add(node);
    },
    finish: () => changing.untilState(node, 'voter'),
  };
}

function planPromote(changing: ChangingCluster, random: Random): Change {
  const node = oneOf(random, changing.free);
  return {
    kind: 'promote',
    text: `add ${node} as a learner, promote it`,
    spared: new Set([node]),
    run: async () => {
      await changing.startAnew(node);
      await changing.untilState(node, 'observer');
      await changing.change({ kind: 'add', node, place: null, promote: false });
      changing.members.add(node);
      await changing.change({ kind: 'promote', node });
    },
    finish: () => changing.untilState(node, 'voter'),
  };
}

function planRemove(changing: ChangingCluster, random: Random): Change {
  const node = oneOf(random, [...changing.members]);
  return {
    kind: 'remove',
    text: `remove ${node}`,
    // It may be killed meanwhile, like anybody.
    spared: new Set(),
    run: async () => {
      await changing.change({ kind: 'remove', node });
      changing.members.delete(node);
    },
    finish: () => changing.untilGone(node),
  };
}

function planReplace(changing: ChangingCluster, random: Random): Change {
  const node = oneOf(random, [...changing.members]);
  return {
    kind: 'replace',
    text: `replace the disk of ${node}`,
    spared: new Set([node]),
    run: async () => {
      await changing.cluster.end(node, 'SIGKILL');
      await changing.startAnew(node);
      await changing.untilState(node, 'observer');
      await changing.change({ kind: 'replace', node });
    },
    finish: () => changing.untilState(node, 'voter'),
  };
}

function planTransfer(changing: ChangingCluster, random: Random): Change {
  const node = random.below(3) === 0 ? null : oneOf(random, [...changing.members]);
  return {
    kind: 'transfer',
    text: node === null ? 'transfer to the best' : `transfer to ${node}`,
    spared: new Set(),
    run: () => changing.transfer(node),
    finish: async () => undefined,
  };
}

/** Every third change is left in peace. */
function faultOf(random: Random): FaultKind {
  return random.below(3) === 0 ? 'none' : oneOf(random, faultKinds);
}

function oneOf<Value>(random: Random, values: readonly Value[]): Value {
  const value = values[random.below(values.length)];
  if (value === undefined) throw new Error('nothing to choose from');
  return value;
}

function report(
  options: MembersOptions,
  scene: Scene,
  played: Played,
  faults: readonly string[],
): MembersReport {
  const { changing, counts, kills } = scene;
  const { violations, others, ...verdict } = played.verdict;
  const times = [...played.recorder.acknowledgedAt.values()];
  const endMs = Math.min(...times.map((list) => list.at(-1) ?? 0));
  return {
    seed: options.seed,
    writers: options.writers,
    rate: options.rate,
    durationMs: Math.round(played.load.durationMs),
    changes: made(counts),
    added: counts.add,
    promoted: counts.promote,
    removed: counts.remove,
    replaced: counts.replace,
    transferred: counts.transfer,
    kills,
    partitions: changing.cluster.proxy?.partings ?? 0,
    repeated: changing.repeated,
    members: [...changing.members].sort((a, b) => a - b),
    ...verdict,
    otherViolations: others,
    longestGapMs: Math.round(worstGapMs(times, Number.NEGATIVE_INFINITY, endMs)),
    failures: [...faults, ...loadFailures(played)],
  };
}
