/** Changes of members as an operator makes them: nodes are started, the endpoints of operations are asked, processes are looked after. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT_REMOVED } from '../../../src/base/exit-codes.ts';
import { type MembersAnswer, readMembers } from '../../../src/cli/cluster/members-table.ts';
import { type Answer, OperatorClient } from '../../../src/cli/cluster/operator-client.ts';
import { callerFor } from '../../../src/client/index.ts';
import type { MemberChange } from '../../../src/replication/ports/engine.ts';
import { loadClusterKey } from '../../../src/replication/transport/cluster-key.ts';
import type { RealCluster } from '../real-cluster.ts';
import { until } from '../until.ts';

/** A change with everything that goes wrong meanwhile. */
const changeMs = 180_000;
const againMs = 200;
const lookMs = 50;
/** What an operator tries again: it depends on what runs at the moment. */
const passing = new Set([
  'QUORUM_AT_RISK',
  'MEMBERS_CHANGING',
  'NODE_AWAY',
  'NOT_CAUGHT_UP',
  'BUSY',
  'UNAVAILABLE',
]);

export class ChangingCluster {
  readonly cluster: RealCluster;
  /** Numbers of the members, as they are meant to be. */
  readonly members: Set<number>;
  /** Requests that were refused for a while, or had no certain end, and were made again. */
  repeated = 0;
  readonly #client: OperatorClient;

  private constructor(cluster: RealCluster, client: OperatorClient) {
    this.cluster = cluster;
    this.#client = client;
    this.members = new Set(cluster.nodes.map(({ id }) => id));
  }

  static async of(cluster: RealCluster): Promise<ChangingCluster> {
    const key = await loadClusterKey(cluster.configPath, false);
    const addresses = cluster.places.map(({ host, httpPort }) => ({ host, port: httpPort }));
    return new ChangingCluster(cluster, new OperatorClient(addresses, key, callerFor(cluster.trust)));
  }

  /** A place that no member has. */
  get free(): readonly number[] {
    return this.cluster.places.map(({ id }) => id).filter((id) => !this.members.has(id));
  }

  /** Starts a node on an empty disk, with a file that lists it. */
  async startAnew(id: number): Promise<void> {
    await this.cluster.wipe(id);
    await this.cluster.list([...this.members, id]);
    this.cluster.run(id);
  }

  async change(change: MemberChange): Promise<void> {
    let tag = newTag();
    await this.#untilDone(`${change.kind} ${change.node}`, async () => {
      const answer = await this.#client.ask({
        method: 'POST',
        path: '/admin/members',
        body: { tag, change },
      });
      // Refused it did not happen; in doubt it is asked again under the same tag, and so happens once.
      if (answer.kind === 'refused') tag = newTag();
      return answer;
    });
  }

  async transfer(node: number | null): Promise<void> {
    await this.#untilDone(`transfer ${node ?? ''}`, () =>
      this.#client.ask({ method: 'POST', path: '/admin/transfer', body: { node } }),
    );
  }

  async #untilDone(what: string, ask: () => Promise<Answer>): Promise<void> {
    const endMs = performance.now() + changeMs;
    for (;;) {
      const answer = await ask();
      if (answer.kind === 'done') return;
      const text = `${what}: ${answer.kind === 'refused' ? answer.code : answer.kind}: ${answer.text}`;
      const isFinal = answer.kind === 'refused' && !passing.has(answer.code);
      if (isFinal || performance.now() > endMs) throw new Error(text);
      this.repeated++;
      await delay(againMs);
    }
  }

  /** As the leader knows them; null while there is none. */
  async #membersNow(): Promise<MembersAnswer | null> {
    for (const id of this.cluster.runningIds) {
      const answer = await this.cluster.get(id, '/cluster');
      const found = answer?.status === 200 ? readMembers(JSON.parse(answer.body)) : null;
      if (found !== null && found.leader === found.id) return found;
    }
    return null;
  }

  async untilState(id: number, state: 'observer' | 'voter'): Promise<void> {
    await this.#untilMembers(`node ${id} is a ${state}`, ({ members }) => {
      const row = members.find((member) => member.id === id);
      return row?.state === state && !(state === 'voter' && row.oldVoter);
    });
  }

  async #untilMembers(what: string, holds: (found: MembersAnswer) => boolean): Promise<void> {
    await until(what, changeMs, async () => {
      const found = await this.#membersNow();
      if (found !== null && holds(found)) return true;
      await delay(lookMs);
      return false;
    });
  }

  /** It says that it was removed, now or when it is started again, and ends. */
  async untilGone(id: number): Promise<void> {
    if (!this.cluster.runningIds.includes(id) && this.cluster.process(id).exit?.code !== EXIT_REMOVED) {
      this.cluster.run(id);
    }
    const removed = this.cluster.process(id);
    await until(`node ${id}, which was removed, has ended`, changeMs, () => removed.exit !== null);
    // Only then is all that it said read.
    const { code } = await removed.exited;
    if (code !== EXIT_REMOVED) throw new Error(`node ${id} was removed, and ended with ${code}`);
    if (!removed.output.some((line) => line.includes('was removed from the cluster'))) {
      throw new Error(`node ${id} was removed, and did not say so`);
    }
  }

  /** Every member runs, is ready, and votes, and nobody else does. */
  async settled(): Promise<void> {
    await this.cluster.list(this.members);
    for (const id of this.members) if (!this.cluster.runningIds.includes(id)) this.cluster.run(id);
    await Promise.all([...this.members].map((id) => this.cluster.ready(id)));
    await this.#untilMembers(`the voters are ${[...this.members].join(' ')}`, ({ members }) => {
      const voters = members.filter(({ state, oldVoter }) => state === 'voter' && !oldVoter);
      const isWhole = members.length === this.members.size && voters.length === this.members.size;
      return isWhole && voters.every(({ id }) => this.members.has(id));
    });
  }
}

function newTag(): string {
  return randomBytes(16).toString('hex');
}
