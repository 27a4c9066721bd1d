/** What a seed stands for: how the cluster is set up, what goes wrong when, and what its users do. Plain data, made in advance. */
import { type Random, seededRandom } from '../../src/base/prng.ts';
import type { CompactionSettings } from '../../src/replication/replica/compaction.ts';
import type { EngineTimings } from '../../src/replication/replica/driver.ts';
import type { Fault, FaultKind, PlannedFault } from './faults.ts';
import { type ProfileName, profiles } from './profiles.ts';

export type Amendment = 'edit' | 'delete' | 'react';

export type Deed =
  /** To another user, so many, one so long after the other. */
  | { readonly kind: 'send'; readonly to: number; readonly count: number; readonly gapMs: number }
  /** To the group of all users; while not all are in it, to that one. */
  | { readonly kind: 'post'; readonly to: number; readonly count: number; readonly gapMs: number }
  | { readonly kind: 'history'; readonly with: number }
  | { readonly kind: 'group-history' }
  | { readonly kind: 'file'; readonly to: number }
  /** Of the messages that it was told of: which one, as a part of 1. */
  | { readonly kind: 'amend'; readonly how: Amendment; readonly which: number }
  | { readonly kind: 'users' }
  /** A line typed at that node. */
  | { readonly kind: 'line'; readonly to: number; readonly node: number }
  /** A name that several contend for: whoever may, takes it, or gives it back; or looks for it. */
  | { readonly kind: 'claim'; readonly name: number }
  | { readonly kind: 'find'; readonly name: number };

export interface PlannedDeed {
  readonly atMs: number;
  /** Number of the user, or of the contender for names. */
  readonly actor: number;
  readonly deed: Deed;
}

export interface Plan {
  readonly seed: number;
  readonly profile: ProfileName;
  readonly nodes: number;
  /** Until when faults begin and deeds are done. */
  readonly endMs: number;
  readonly timings: EngineTimings;
  readonly compaction: CompactionSettings;
  readonly segmentBytes: number;
  readonly sessionIdleMs: number;
  /** After this time a client gives a change up. */
  readonly giveUpMs: number;
  readonly users: number;
  readonly contenders: number;
  /** Every other one of the users keeps what it has not heard of over its own restart. Absent in older plans: nobody. */
  readonly keepsOutbox?: boolean;
  /** Users look at some messages for a while. Absent in older plans: nobody does. */
  readonly takesTime?: boolean;
  /** Appends carry one entry each. Absent in older plans: as many as there are. */
  readonly smallAppends?: boolean;
  /** Barriers are asked for just when something was applied. Absent in older plans: when people ask. */
  readonly asksBarriers?: boolean;
  readonly faults: readonly PlannedFault[];
  readonly deeds: readonly PlannedDeed[];
}

export interface PlanOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly profile: ProfileName;
  /** Null: the seed decides. */
  readonly nodes: number | null;
}

const NAMES = 2;
/** Until the cluster stands and everybody is logged in. */
const BEGIN_MS = 3_000;
/** A fault lasts, and its effect should be seen before the end. */
const LAST_FAULT_MS = 4_000;

export function makePlan({ seed, seconds, profile, nodes }: PlanOptions): Plan {
  const random = seededRandom(seed * 2 + 1);
  const endMs = Math.max(BEGIN_MS + LAST_FAULT_MS, seconds * 1_000);
  const users = 2 + random.below(2);
  const contenders = 2;
  const count = nodes ?? (random.below(10) === 0 ? 5 : 3);
  const chosen = {
    seed,
    profile,
    nodes: count,
    endMs,
    timings: { tickMs: 100, heartbeatTicks: 2, electionTicks: 8 + random.below(5) },
    compaction: { entries: 60 + random.below(240), bytes: 1_000_000, keepEntries: random.below(60) },
    segmentBytes: 8_192 * (1 + random.below(4)),
    sessionIdleMs: 15_000 + random.below(40_000),
    giveUpMs: 6_000 + random.below(20_000),
    users,
    contenders,
  };
  const [faults, deeds] = [planFaults(chosen, random), planDeeds(chosen, random)];
  const habits = { keepsOutbox: random.below(2) === 0, takesTime: random.below(2) === 0 };
  const [smallAppends, asksBarriers] = [random.below(4) === 0, random.below(2) === 0];
  return { ...chosen, faults, deeds, ...habits, smallAppends, asksBarriers };
}

type Chosen = Omit<Plan, 'faults' | 'deeds'>;

function planFaults({ profile, endMs, nodes }: Chosen, random: Random): readonly PlannedFault[] {
  const { faults, pick, everyMs } = profiles[profile];
  const kinds: FaultKind[] = [];
  for (const [kind, weight] of entriesOf(faults)) {
    if (random.fraction() >= pick) continue;
    for (let i = 0; i < weight; i++) kinds.push(kind);
  }
  if (kinds.length === 0) return [];
  const planned: PlannedFault[] = [];
  // Some runs are hectic, some nearly quiet.
  const meanMs = everyMs * (0.4 + random.fraction() * 2);
  for (let atMs = BEGIN_MS; ; ) {
    atMs += Math.ceil(meanMs * 2 * random.fraction());
    if (atMs > endMs - LAST_FAULT_MS) return planned;
    const kind = kinds[random.below(kinds.length)];
    if (kind !== undefined) planned.push({ atMs, fault: makeFault(kind, nodes, random) });
  }
}

function entriesOf(faults: Readonly<Partial<Record<FaultKind, number>>>): [FaultKind, number][] {
  return Object.entries(faults).map(([kind, weight]) => [kind as FaultKind, weight]);
}

function makeFault(kind: FaultKind, nodes: number, random: Random): Fault {
  const node = 1 + random.below(nodes);
  const other = 1 + ((node + random.below(nodes - 1)) % nodes);
  const forMs = 200 + random.below(random.below(3) === 0 ? 12_000 : 2_500);
  switch (kind) {
    case 'kill':
    case 'power':
    case 'stop':
    case 'pause':
    case 'wipe':
    case 'client-silence':
      return { kind, node, forMs };
    case 'power-all':
      return { kind, forMs };
    case 'cut':
    case 'silence':
      return { kind, node, other, forMs };
    case 'isolate':
      return { kind, node, how: random.below(2) === 0 ? 'cut' : 'silence', forMs };
    case 'reset':
      return { kind, node, other };
    case 'bad-network': {
      const chance = (most: number): number => (random.below(2) === 0 ? 0 : random.fraction() * most);
      return { kind, loss: chance(0.2), repeat: chance(0.3), reorder: chance(0.3), forMs: 4 * forMs };
    }
    case 'slow-network':
      return { kind, leastMs: random.below(40), spreadMs: random.below(80), forMs };
    case 'slow-disk':
      return { kind, node, spreadMs: 1 + random.below(random.below(3) === 0 ? 1_500 : 80), forMs };
    case 'failing-disk':
      return { kind, node, count: 1 };
    case 'full-disk':
      return { kind, node, freeBytes: random.below(random.below(2) === 0 ? 24_000 : 150_000), forMs };
    case 'flip':
      return { kind, node, fraction: random.fraction(), forMs };
    case 'hole':
      return { kind, node, batch: random.below(6), forMs };
    case 'rot':
      return { kind, node, fraction: random.fraction() };
    case 'wall-jump':
      return { kind, node, byMs: (random.fraction() - 0.5) * 10 ** (2 + random.below(8)) };
    case 'drift':
      return { kind, node, rate: 0.98 + random.fraction() * 0.04 };
    case 'retire':
      return { kind, node };
    case 'hand-over':
      return { kind };
    case 'depose':
      return {
        kind,
        times: 1 + random.below(4),
        afterMs: random.below(random.below(2) === 0 ? 3 : 30),
        forMs,
      };
    case 'client-slow':
      return { kind, node, leastMs: random.below(150), spreadMs: random.below(300), forMs: 2 * forMs };
    case 'client-reset':
      return { kind, node };
    case 'client-restart':
    case 'client-anew':
      return { kind, client: random.below(8) };
  }
}

function planDeeds(
  { endMs, users, contenders, nodes, profile }: Chosen,
  random: Random,
): readonly PlannedDeed[] {
  const deeds: PlannedDeed[] = [];
  const meanMs = 250 + random.below(500);
  for (let atMs = 500; atMs < endMs; atMs += Math.ceil(meanMs * 2 * random.fraction())) {
    const lot = random.below(100);
    if (lot < (profiles[profile].contends === true ? 50 : 18)) {
      const name = random.below(NAMES);
      const deed: Deed = lot < 12 || lot >= 18 ? { kind: 'claim', name } : { kind: 'find', name };
      deeds.push({ atMs, actor: users + random.below(contenders), deed });
      continue;
    }
    const actor = random.below(users);
    if (lot >= 60 && lot < 76 && profiles[profile].amends === true) {
      const how = lot < 62 ? 'delete' : lot < 68 ? 'react' : 'edit';
      deeds.push({ atMs, actor, deed: { kind: 'amend', how, which: random.fraction() } });
      continue;
    }
    const other = (actor + 1 + random.below(users - 1)) % users;
    if (lot >= 60 && lot < 70 && profiles[profile].sendsFiles === true)
      deeds.push({ atMs, actor, deed: { kind: 'file', to: other } });
    else deeds.push({ atMs, actor, deed: makeDeed(lot, actor, other, nodes, random) });
  }
  return deeds;
}

function makeDeed(lot: number, actor: number, other: number, nodes: number, random: Random): Deed {
  if (lot < 24) return { kind: 'history', with: other };
  if (lot < 26) return { kind: 'group-history' };
  if (lot < 28) return { kind: 'users' };
  if (lot < 42) return { kind: 'line', to: actor, node: 1 + random.below(nodes) };
  const count = random.below(12) === 0 ? 2 + random.below(12) : 1;
  return { kind: lot < 82 ? 'send' : 'post', to: other, count, gapMs: random.below(30) };
}
