/** What goes wrong in the middle of a change of members: a node is killed and comes back, or nodes are parted for a while. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../../src/base/prng.ts';
import type { Parting, PeerProxy } from '../peer-proxy.ts';
import type { RealCluster } from '../real-cluster.ts';

export const faultKinds = [
  'none',
  'kill the leader',
  'kill a follower',
  'cut the leader off',
  'cut a follower off',
  'silence the leader',
  'part a pair',
  'deafen one',
] as const;
export type FaultKind = (typeof faultKinds)[number];

const beginMs = 400;
const downMs = { least: 200, most: 1_200 };
const partedMs = { least: 300, most: 1_500 };

export interface FaultScene {
  readonly cluster: RealCluster;
  readonly proxy: PeerProxy;
  readonly random: Random;
  /** Whose processes are looked after elsewhere. */
  readonly spared: ReadonlySet<number>;
}

/** Comes some moments after the call, and is over when this resolves. Returns what happened, in words. */
export async function strike(kind: FaultKind, scene: FaultScene): Promise<string> {
  const { cluster, random } = scene;
  await delay(random.below(beginMs));
  const leader = (await cluster.leaderNow())?.id ?? null;
  const running = cluster.runningIds.filter((id) => !scene.spared.has(id));
  const followers = running.filter((id) => id !== leader);
  const follower = followers[random.below(Math.max(1, followers.length))] ?? null;
  switch (kind) {
    case 'none':
      return 'no fault';
    case 'kill the leader':
      return kill(leader === null || scene.spared.has(leader) ? null : leader, scene);
    case 'kill a follower':
      return kill(follower, scene);
    case 'cut the leader off':
      return isolate(leader, 'cut', scene);
    case 'cut a follower off':
      return isolate(follower, 'cut', scene);
    case 'silence the leader':
      return isolate(leader, 'silent', scene);
    case 'part a pair':
      return partPair(leader, follower, scene);
    case 'deafen one':
      return deafen(leader, follower, scene);
    default:
      return kind satisfies never;
  }
}

async function kill(id: number | null, { cluster, random }: FaultScene): Promise<string> {
  if (id === null) return 'nobody to kill';
  await cluster.end(id, 'SIGKILL');
  await delay(between(random, downMs));
  cluster.run(id);
  return `node ${id} killed and started again`;
}

async function isolate(id: number | null, how: Parting, scene: FaultScene): Promise<string> {
  if (id === null) return 'nobody to part';
  const { cluster, proxy, random } = scene;
  for (const { id: other } of cluster.places) if (other !== id) proxy.part(id, other, how);
  const ms = between(random, partedMs);
  await delay(ms);
  proxy.heal();
  return `node ${id} ${how === 'cut' ? 'cut off' : 'silenced'} for ${ms} ms`;
}

async function partPair(a: number | null, b: number | null, scene: FaultScene): Promise<string> {
  if (a === null || b === null) return 'nobody to part';
  const { proxy, random } = scene;
  proxy.part(a, b, 'cut');
  const ms = between(random, partedMs);
  await delay(ms);
  proxy.heal();
  return `nodes ${a} and ${b} parted for ${ms} ms`;
}

async function deafen(from: number | null, to: number | null, scene: FaultScene): Promise<string> {
  if (from === null || to === null) return 'nobody to part';
  const { proxy, random } = scene;
  const [mute, deaf] = random.below(2) === 0 ? [from, to] : [to, from];
  proxy.deafen(mute, deaf);
  const ms = between(random, partedMs);
  await delay(ms);
  proxy.heal();
  return `node ${deaf} deaf to ${mute} for ${ms} ms`;
}

function between(random: Random, bounds: { readonly least: number; readonly most: number }): number {
  return bounds.least + random.below(bounds.most - bounds.least);
}
