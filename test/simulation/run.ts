/** One run: a plan is carried out, then the faults go and the cluster has to come back, then everything that was seen is judged. */
import { parseConfig } from '../../src/base/config.ts';
import { seededRandom } from '../../src/base/prng.ts';
import { Actor, GROUP } from './actor.ts';
import { ClientNetwork } from './client-network.ts';
import { goRound } from './closing-round.ts';
import { Injector } from './injector.ts';
import { judgeRun } from './judgement.ts';
import { LineUser } from './line-user.ts';
import { MajorityWatch } from './majority-watch.ts';
import { PeerNetwork } from './network.ts';
import { Operator } from './operator.ts';
import type { Deed, Plan } from './plan.ts';
import { profiles } from './profiles.ts';
import { Records } from './records.ts';
import { SimulatedCluster } from './simulated-cluster.ts';
import type { NodeSurroundings } from './simulated-node.ts';
import { withSmallAppends } from './small-appends.ts';
import { Tally } from './tally.ts';
import type { Trace } from './trace.ts';
import { type Finding, Watch } from './watch.ts';
import { faithful, type Wiring } from './wiring.ts';
import { World } from './world.ts';

export interface RunReport {
  readonly seed: number;
  readonly traceHash: string;
  readonly virtualMs: number;
  readonly events: number;
  readonly findings: readonly Finding[];
  /** Faults, what happened in the cluster, and operations by outcome. */
  readonly injected: ReadonlyMap<string, number>;
  readonly happened: ReadonlyMap<string, number>;
  readonly outcomes: ReadonlyMap<string, number>;
}

export interface RunOptions {
  readonly wiring?: Wiring;
  readonly trace?: Trace;
}

/** Faults are gone: until the cluster leads, has caught up and has answered everybody. */
const LIVENESS_MS = 60_000;
const USERS = ['ann', 'bob', 'cat', 'dan'];
const CONTENDERS = ['eve', 'fay'];
export const CONTESTED = ['kim', 'lee'];

export class Run {
  readonly plan: Plan;
  readonly world = new World();
  readonly injected = new Tally();
  readonly happened = new Tally();
  readonly outcomes = new Tally();
  readonly records: Records;
  readonly watch: Watch;
  readonly cluster: SimulatedCluster;
  readonly actors: readonly Actor[];
  readonly #lineUser: LineUser;
  readonly #operator: Operator;
  readonly #peers: PeerNetwork;
  readonly injector: Injector;

  constructor(plan: Plan, { wiring = faithful, trace }: RunOptions = {}) {
    this.plan = plan;
    const { world } = this;
    const stream = (number: number): ReturnType<typeof seededRandom> => seededRandom(plan.seed * 64 + number);
    const bounds = { sessionIdleMs: plan.sessionIdleMs, anonymousSessionIdleMs: plan.sessionIdleMs };
    this.records = new Records(world, this.outcomes);
    this.watch = new Watch(world, this.happened, bounds);
    const ids = Array.from({ length: plan.nodes }, (_, i) => i + 1);
    this.#peers = new PeerNetwork({ world, random: stream(3), injected: this.injected, nodes: ids });
    const clients = new ClientNetwork(world, stream(5));
    const around: NodeSurroundings = {
      world,
      config: configOf(ids, plan),
      compaction: plan.compaction,
      segmentBytes: plan.segmentBytes,
      bounds,
      peers: this.#peers,
      clients,
      watch: this.watch,
      wiring: plan.smallAppends === true ? small(wiring) : wiring,
      random: stream(7),
      onDiscarded: () => this.happened.add('states given up'),
    };
    this.cluster = new SimulatedCluster({ around, random: stream(9), events: this.happened });
    const ports = ids.map((id) => this.cluster.portOf(id));
    const names = [...USERS.slice(0, plan.users), ...CONTENDERS.slice(0, plan.contenders)];
    this.actors = names.map((name, i) => {
      const { records } = this;
      const { giveUpMs, keepsOutbox = false, takesTime = false } = plan;
      return new Actor({
        world,
        network: clients,
        ports,
        random: stream(11 + i),
        records,
        number: 16 + i,
        name,
        giveUpMs,
        keepsOutbox: keepsOutbox && i % 2 === 0,
        takesTime,
      });
    });
    this.#lineUser = new LineUser('gus', world, this.records);
    const { cluster, records, happened } = this;
    this.#operator = new Operator({ world, cluster, random: stream(31), records, events: happened });
    const restartClient = (client: number, anew: boolean): void =>
      this.actors[client % this.actors.length]?.restart(anew);
    this.injector = new Injector({
      world,
      cluster: this.cluster,
      peers: this.#peers,
      clients,
      injected: this.injected,
      operator: this.#operator,
      restartClient,
    });
    this.watch.onElection = (node) => this.injector.elected(node);
    if (plan.asksBarriers === true) this.watch.onApplied = (index) => this.#askBarriers(index);
    trace?.attach({
      world,
      peers: this.#peers,
      cluster: this.cluster,
      injector: this.injector,
      records: this.records,
    });
  }

  get #users(): readonly Actor[] {
    return this.actors.slice(0, this.plan.users);
  }

  async execute(): Promise<RunReport> {
    try {
      await this.#carryOut();
    } catch (error) {
      // Thrown where nobody took it, or time stands still.
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.watch.found({ kind: 'contradiction', text });
    }
    for (const actor of this.actors) actor.close();
    return this.#report();
  }

  async #carryOut(): Promise<void> {
    const { world, plan, cluster, watch } = this;
    for (const { node } of cluster.machines) cluster.start(node);
    for (const user of this.#users) void user.join();
    this.#operator.start();
    if (profiles[plan.profile].watchesMajority === true) {
      const found = watch.found.bind(watch);
      const majority = new MajorityWatch({ world, cluster, peers: this.#peers, found });
      majority.start();
      watch.onElection = (node) => {
        this.injector.elected(node);
        majority.elected(node);
      };
    }
    this.injector.plan(plan.faults);
    for (const { atMs, actor, deed } of plan.deeds) {
      world.after(atMs, 'client', null, () => this.#do(actor, deed));
    }
    const failed = (): boolean => watch.findings.length > 0;
    await world.run(plan.endMs, failed);
    if (!failed()) await this.#recover();
    if (!failed()) for (const violation of await judgeRun(this)) watch.found(violation);
  }

  #do(number: number, deed: Deed): void {
    const actor = this.actors[number];
    if (actor === undefined) return;
    switch (deed.kind) {
      case 'line': {
        const node = this.cluster.node(deed.node);
        if (node !== undefined) this.#lineUser.send(node, this.actors[deed.to]?.name ?? '');
        return;
      }
      case 'send':
      case 'post':
        for (let i = 0; i < deed.count; i++) {
          this.world.after(i * deed.gapMs, 'client', null, () => actor.send(this.#addressOf(deed)));
        }
        return;
      case 'history':
        if (actor.isLoggedIn) void actor.history(this.actors[deed.with]?.name ?? '');
        return;
      case 'group-history':
        if (actor.isInGroup) void actor.history(GROUP);
        return;
      case 'file':
        actor.sendFile(this.actors[deed.to]?.name ?? '');
        return;
      case 'amend':
        actor.amend(deed.how, deed.which);
        return;
      case 'users':
        void actor.users();
        return;
      case 'claim':
        void actor.claim(CONTESTED[deed.name] ?? '');
        return;
      case 'find':
        actor.find(CONTESTED[deed.name] ?? '');
    }
  }

  /** Everywhere, one after the other, so that the later ones come while the first is under way. What they promise is judged by `watch`. */
  #askBarriers(index: number): void {
    if (index % 16 !== 0) return;
    for (const { host, service } of this.cluster.nodes) {
      const ask = (): void => void service?.barrier().catch(() => undefined);
      for (const delayMs of [0, 0.5, 1, 1.5]) this.world.after(delayMs, 'client', host, ask);
    }
  }

  /** Nobody is in a group later than its first message, so that its readers are judged by all that is in it. */
  #addressOf({ kind, to }: Extract<Deed, { kind: 'send' | 'post' }>): string {
    const toGroup = kind === 'post' && this.#users.every((user) => user.isInGroup);
    return toGroup ? GROUP : (this.actors[to]?.name ?? '');
  }

  /** The liveness phase. */
  async #recover(): Promise<void> {
    const { watch, world, cluster, records, users } = this;
    this.injector.heal();
    await this.#comeToRest();
    if (watch.findings.length > 0) return;
    const contenders = this.actors.slice(users.length);
    const company = {
      world,
      cluster,
      records,
      users,
      contenders,
      names: CONTESTED,
      lineUser: this.#lineUser,
    };
    for (const violation of await goRound(company)) watch.found(violation);
    await this.#comeToRest();
  }

  async #comeToRest(): Promise<void> {
    const { watch } = this;
    await this.settle(LIVENESS_MS);
    if (watch.findings.length > 0 || this.#isQuiet()) return;
    if (this.#isServing()) {
      for (const text of this.#unread()) watch.found({ kind: 'lost', text });
      return;
    }
    const open = this.actors.filter((actor) => actor.pending > 0).map(({ name }) => name);
    const states = this.cluster.machines.map(({ node }) => {
      const status = this.cluster.node(node)?.engine?.status();
      if (status === undefined) return `node ${node} does not run`;
      return `node ${node} is ${status.role} in term ${status.term}, applied ${status.appliedIndex} of ${status.commitIndex}`;
    });
    const text = `${LIVENESS_MS / 1_000} s after the last fault: ${states.join(', ')}; unanswered: ${open.join(', ') || 'none'}`;
    watch.found({ kind: 'not-live', text });
  }

  /** Until all is quiet, for so long at most. Looks every 100 ms, since looking costs more than most events. */
  async settle(withinMs: number): Promise<void> {
    const { world, watch } = this;
    const endMs = world.nowMs + withinMs;
    while (world.nowMs < endMs && watch.findings.length === 0) {
      await world.run(Math.min(endMs, world.nowMs + 100), () => watch.findings.length > 0);
      if (this.#isQuiet()) return;
    }
  }

  /** The cluster serves, and every reader has all that there is. */
  #isQuiet(): boolean {
    return this.#isServing() && this.#allRead();
  }

  /** Somebody leads, all are members and have applied the same, and everybody has an answer. */
  #isServing(): boolean {
    const { lead, machines } = this.cluster;
    const commit = lead?.status.commitIndex;
    if (commit === undefined) return false;
    for (const { node } of machines) {
      const status = this.cluster.node(node)?.engine?.status();
      if (status === undefined || status.appliedIndex !== commit || status.leader === null) return false;
    }
    return this.#operator.isWhole && this.actors.every((actor) => actor.pending === 0);
  }

  #allRead(): boolean {
    if (!this.#users.every((user) => user.isLoggedIn && user.isInGroup)) return false;
    return this.#unread().next().done === true;
  }

  /** What people have not been shown. */
  *#unread(): Generator<string> {
    for (const user of this.#users) {
      for (const conversation of this.conversations) {
        if (!this.isMember(user, conversation)) continue;
        const messages = this.watch.state.streams.get(conversation)?.length ?? 0;
        const read = Math.max(
          ...user.readers.map((reader) => this.records.highestRead(reader, conversation)),
        );
        if (read < messages)
          yield `${user.name} has been shown ${read} of ${messages} messages in ${conversation}, ${LIVENESS_MS / 1_000} s after the last fault`;
      }
    }
  }

  /** With messages in them. The streams of their amendments are none. */
  get conversations(): readonly string[] {
    return [...this.watch.state.streams.keys()].filter((stream) => !stream.endsWith('~'));
  }

  isMember(user: Actor, conversation: string): boolean {
    const [kind, a, b] = conversation.split(':');
    if (kind === 'g') return user.isInGroup;
    const account = this.cluster.leader?.chat?.accountByName(user.name)?.id;
    return account !== undefined && (String(account) === a || String(account) === b);
  }

  get users(): readonly Actor[] {
    return this.#users;
  }

  #report(): RunReport {
    const { world, injected, happened, outcomes, watch } = this;
    return {
      seed: this.plan.seed,
      traceHash: world.traceHash,
      virtualMs: world.nowMs,
      events: world.events,
      findings: watch.findings,
      injected: injected.counts,
      happened: happened.counts,
      outcomes: outcomes.counts,
    };
  }
}

function small(wiring: Wiring): Wiring {
  return { ...wiring, transport: (transport, place) => wiring.transport(withSmallAppends(transport), place) };
}

function configOf(ids: readonly number[], { timings, compaction }: Plan): ReturnType<typeof parseConfig> {
  const nodes = ids.map((id) => ({
    id,
    host: '127.0.0.1',
    peerPort: 7_100 + id,
    chatPort: 7_200 + id,
    httpPort: 7_300 + id,
  }));
  // The file's own bounds are for real clusters: what a run sets is put in place afterwards.
  const parsed = parseConfig(JSON.stringify({ profile: 'loopback-demo', nodes }));
  return { ...parsed, timings, compaction };
}
