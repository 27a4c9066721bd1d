/**
 * Who runs the cluster: admits disks that were replaced, takes nodes out and in again. Asks as `npm run admin -- members` does, on any
 * node, again with the same tag while the outcome is unknown.
 */
import type { Random } from '../../src/base/prng.ts';
import type { ChangeOutcome, MemberChange, MemberStatus } from '../../src/replication/ports/engine.ts';
import type { Records } from './records.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { Tally } from './tally.ts';
import type { World } from './world.ts';

const LOOK_MS = 700;
/** A node that finds its disk damaged is started again by then. */
const SETTLE_MS = 4_000;
/** A node answers in less. */
const PATIENCE_MS = 12_000;

export interface OperatorOptions {
  readonly world: World;
  readonly cluster: SimulatedCluster;
  readonly random: Random;
  readonly records: Records;
  readonly events: Tally;
}

export class Operator {
  readonly #options: OperatorOptions;
  #busy = false;
  #tags = 0;
  #claim: { readonly node: number; undergoneMs: number | null } | null = null;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.world.after(LOOK_MS, 'client', null, () => {
      this.start();
      if (!this.#busy) this.#look();
    });
  }

  /**
   * Something is about to be done to a disk, or to a membership, that must not meet another of its kind: false when that is not the time.
   * Held until `undergone` was told and the node is a voter again.
   */
  claim(node: number): boolean {
    if (this.#claim !== null || !this.isWhole) return false;
    this.#claim = { node, undergoneMs: null };
    return true;
  }

  undergone(): void {
    if (this.#claim !== null) this.#claim.undergoneMs = this.#options.world.nowMs;
  }

  /** To be called under a claim. */
  retire(node: number): void {
    this.#ask({ kind: 'remove', node }, () => this.undergone());
  }

  /** Every node is a voter, by the leader's word, and no disk that is gone counts any more. */
  get isWhole(): boolean {
    const members = this.#members ?? [];
    return this.#options.cluster.machines.every(({ node }) => {
      const status = members.find(({ id }) => id === node);
      return status?.state === 'voter' && !status.oldVoter;
    });
  }

  get #members(): readonly MemberStatus[] | null {
    return this.#options.cluster.lead?.status.members ?? null;
  }

  #look(): void {
    const { cluster } = this.#options;
    const members = this.#members;
    if (members === null) return;
    this.#endClaim();
    // Taken out: it comes back with an empty disk, as somebody new.
    for (const id of cluster.removed) {
      cluster.wipe(id);
      cluster.start(id);
      return;
    }
    for (const { id, state, oldVoter } of members) {
      if (state !== 'observer') continue;
      const change = oldVoter ? 'replace' : 'add';
      this.#ask(
        change === 'replace'
          ? { kind: change, node: id }
          : { kind: change, node: id, place: null, promote: true },
      );
      return;
    }
    this.#inspect(members);
  }

  #endClaim(): void {
    const { cluster, world } = this.#options;
    if (this.#claim === null || this.#claim.undergoneMs === null) return;
    const { node, undergoneMs } = this.#claim;
    const role = cluster.node(node)?.engine?.status().role;
    const isVoter = role === 'leader' || role === 'follower';
    if (isVoter && this.isWhole && world.nowMs - undergoneMs > SETTLE_MS) this.#claim = null;
  }

  /** Reads the members on some node, behind a barrier. */
  #inspect(members: readonly MemberStatus[]): void {
    const { cluster, random, records } = this.#options;
    const subject = members[random.below(members.length)];
    const asked = cluster.nodes[random.below(cluster.nodes.length)];
    const engine = asked?.engine;
    if (subject === undefined || asked === undefined || engine == null || random.below(3) > 0) return;
    const done = records.member('operator', subject.id, 'look');
    this.#on(asked, () => {
      engine.barrier().then(
        () => done(standing(engine.status().members.find(({ id }) => id === subject.id))),
        () => done('none'),
      );
    });
  }

  #ask(change: MemberChange, ended: () => void = () => undefined): void {
    this.#busy = true;
    const { records, events } = this.#options;
    const input = change.kind === 'promote' ? 'replace' : change.kind;
    const done = records.member('operator', change.node, input);
    this.#try(change, `operator ${++this.#tags}`, 6, (outcome) => {
      this.#busy = false;
      ended();
      events.add(`members ${change.kind}: ${outcome.kind === 'refused' ? outcome.code : outcome.kind}`);
      if (outcome.kind === 'done') done('done');
      else if (outcome.kind === 'refused') done('none');
    });
  }

  #try(change: MemberChange, tag: string, tries: number, end: (outcome: ChangeOutcome) => void): void {
    const { cluster, random, world } = this.#options;
    const node = cluster.nodes[random.below(cluster.nodes.length)];
    let ended = false;
    const settle = (outcome: ChangeOutcome): void => {
      if (ended) return;
      ended = true;
      patience.cancel();
      // Refused after an unknown: the first asking may have done it all the same.
      if (outcome.kind === 'done' || tries === 0 || (outcome.kind === 'refused' && tries === 6)) end(outcome);
      else world.after(LOOK_MS, 'client', null, () => this.#try(change, tag, tries - 1, end));
    };
    const patience = world.after(PATIENCE_MS, 'client', null, () => settle({ kind: 'unknown' }));
    const engine = node?.engine;
    if (node === undefined || engine == null) return;
    this.#on(node, () => void engine.changeMembers(change, tag).then(settle));
  }

  #on(node: SimulatedNode, action: () => void): void {
    this.#options.world.after(0, 'client', node.host, action);
  }
}

function standing(status: MemberStatus | undefined): 'member' | 'stranger' | 'none' {
  if (status === undefined) return 'stranger';
  if (status.oldVoter || status.state === 'voter' || status.state === 'learner') return 'member';
  return status.state === 'expected' ? 'none' : 'stranger';
}
