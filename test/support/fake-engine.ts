/**
 * The engine port in one process, without consensus: several nodes that apply one list of commands, each at its own pace. For tests
 * of what stands above the engine.
 */
import type { CodedError } from '../../src/base/errors.ts';
import { CodedError as Coded } from '../../src/base/errors.ts';
import { ChatMachine } from '../../src/chat/machine.ts';
import type { ChatEvent, Result } from '../../src/chat/vocabulary/types.ts';
import type {
  AppliedEvents,
  ChangeOutcome,
  Engine,
  EngineStatus,
  MemberChange,
  MemberStatus,
  Outcome,
  PeerBus,
} from '../../src/replication/ports/engine.ts';
import type { StreamRecord } from '../../src/store/state-store.ts';

/** Streams in memory, as the store would give them. */
export class MemoryStreams {
  readonly #streams = new Map<string, Uint8Array[]>();
  readonly #firsts = new Map<string, number>();
  /** What every read meets. */
  failure: Error | null = null;

  append(stream: string, sequence: number, record: Uint8Array): void {
    const records = this.#streams.get(stream) ?? [];
    if (sequence !== records.length + 1) throw new Error('a gap in a stream');
    records.push(record);
    this.#streams.set(stream, records);
  }

  drop(stream: string): void {
    this.#streams.delete(stream);
    this.#firsts.delete(stream);
  }

  trim(stream: string, below: number): void {
    this.#firsts.set(stream, Math.max(below, this.#firsts.get(stream) ?? 1));
  }

  async readStream(
    stream: string,
    range: { from: number; to: number; limit: number; fromEnd?: boolean },
  ): Promise<readonly StreamRecord[]> {
    if (this.failure !== null) throw this.failure;
    const records = this.#streams.get(stream) ?? [];
    const first = this.#firsts.get(stream) ?? 1;
    const [from, to] = [Math.max(first, range.from), Math.min(records.length, range.to)];
    const found: StreamRecord[] = [];
    for (let sequence = from; sequence <= to; sequence++) {
      const record = records[sequence - 1];
      if (record !== undefined) found.push({ sequence, record });
    }
    return range.fromEnd === true ? found.slice(-range.limit) : found.slice(0, range.limit);
  }
}

interface Entry {
  readonly command: Uint8Array;
  readonly wallMs: number;
  readonly clusterMs: number;
}

/** The log that all nodes of a test share. Nothing is lost and there is always a majority, unless a test says otherwise. */
export class FakeCluster {
  readonly log: Entry[] = [];
  readonly nodes = new Map<number, FakeEngine>();
  /** Without one, proposals and barriers are refused. */
  majority = true;
  /** Cluster time goes on by a millisecond with each entry, and by what a test adds here. */
  aheadMs = 0;
  #wallMs = 1_700_000_000_000;

  node(id: number): FakeEngine {
    const node = new FakeEngine(id, this);
    this.nodes.set(id, node);
    return node;
  }

  append(command: Uint8Array): number {
    this.#wallMs += 1;
    const clusterMs = this.log.length + 1 + this.aheadMs;
    return this.log.push({ command, wallMs: this.#wallMs, clusterMs });
  }
}

export class FakeEngine implements Engine<Result, ChatEvent> {
  readonly node: number;
  readonly machine = new ChatMachine();
  readonly store = new MemoryStreams();
  readonly bus: FakeBus;
  readonly #cluster: FakeCluster;
  readonly #applied = new Set<(applied: AppliedEvents<ChatEvent>) => void>();
  readonly #reset = new Set<(index: number) => void>();
  readonly #leader = new Set<(leader: number | null) => void>();
  readonly #waiting = new Map<number, (outcome: Outcome<Result>) => void>();
  readonly #members = new Set<() => void>();
  members: readonly MemberStatus[] | null = null;
  /** Changes of members that were asked for, and what they are answered. */
  readonly changes: MemberChange[] = [];
  readonly transfers: (number | null)[] = [];
  changeOutcome: ChangeOutcome = { kind: 'done' };
  index = 0;
  leader: number | null = 1;
  /** Entries are applied only when the test says so. */
  held = false;
  /** Answers of proposals are lost: they end unknown, although they are applied. */
  mute = false;
  proposals = 0;

  constructor(node: number, cluster: FakeCluster) {
    this.node = node;
    this.#cluster = cluster;
    this.bus = new FakeBus(this, cluster);
  }

  async propose(command: Uint8Array): Promise<Outcome<Result>> {
    this.proposals += 1;
    if (!this.#cluster.majority) return { kind: 'refused', code: 'UNAVAILABLE' };
    const index = this.#cluster.append(command);
    const outcome = new Promise<Outcome<Result>>((resolve) => this.#waiting.set(index, resolve));
    setImmediate(() => {
      for (const node of this.#cluster.nodes.values()) if (!node.held) node.applyAll();
    });
    const reached = await outcome;
    return this.mute ? { kind: 'unknown' } : reached;
  }

  async barrier(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#cluster.majority) throw unavailable();
    this.applyAll();
  }

  /** Applies a group of entries, stages what they changed, then tells and answers, as an engine does. */
  applyAll(limit = Number.POSITIVE_INFINITY): void {
    const group: {
      readonly index: number;
      readonly result: Result;
      readonly events: readonly ChatEvent[];
    }[] = [];
    while (group.length < limit && this.index < this.#cluster.log.length) {
      const entry = this.#cluster.log[this.index];
      if (entry === undefined) break;
      this.index += 1;
      const time = { wallMs: entry.wallMs, clusterMs: entry.clusterMs };
      const applied = this.machine.apply({ index: this.index, time, command: entry.command });
      group.push({ index: this.index, ...applied });
    }
    if (group.length > 0) this.#stage();
    for (const { index, result, events } of group) {
      for (const listener of [...this.#applied]) listener({ index, events });
      this.#waiting.get(index)?.({ kind: 'applied', index, result });
      this.#waiting.delete(index);
    }
  }

  /** As after a snapshot: the state is there, its events are not told. */
  jump(): void {
    const listeners = [...this.#applied];
    this.#applied.clear();
    this.applyAll();
    for (const listener of listeners) this.#applied.add(listener);
    for (const listener of this.#reset) listener(this.index);
  }

  setLeader(leader: number | null): void {
    this.leader = leader;
    for (const listener of this.#leader) listener(leader);
  }

  status(): EngineStatus {
    return {
      id: this.node,
      role: this.leader === this.node ? 'leader' : 'follower',
      term: 1,
      leader: this.leader,
      commitIndex: this.#cluster.log.length,
      appliedIndex: this.index,
      startCommitIndex: 0,
      members: this.members ?? [...this.#cluster.nodes.keys()].map((id) => memberAt(id)),
      alarms: [],
    };
  }

  onApplied(listener: (applied: AppliedEvents<ChatEvent>) => void): () => void {
    this.#applied.add(listener);
    return () => this.#applied.delete(listener);
  }

  onReset(listener: (index: number) => void): () => void {
    this.#reset.add(listener);
    return () => this.#reset.delete(listener);
  }

  onLeader(listener: (leader: number | null) => void): () => void {
    this.#leader.add(listener);
    return () => this.#leader.delete(listener);
  }

  async handOver(): Promise<boolean> {
    return true;
  }

  onMembers(listener: () => void): () => void {
    this.#members.add(listener);
    return () => this.#members.delete(listener);
  }

  /** Null: the nodes of the test. */
  setMembers(members: readonly MemberStatus[] | null): void {
    this.members = members;
    for (const listener of this.#members) listener();
  }

  async changeMembers(change: MemberChange): Promise<ChangeOutcome> {
    this.changes.push(change);
    return this.changeOutcome;
  }

  async transferLeader(node: number | null): Promise<ChangeOutcome> {
    this.transfers.push(node);
    return this.changeOutcome;
  }

  async stop(): Promise<void> {
    for (const resolve of this.#waiting.values()) resolve({ kind: 'unknown' });
    this.#waiting.clear();
  }

  #stage(): void {
    const changes = this.machine.takeChanges();
    for (const { stream, sequence, record } of changes.appends) this.store.append(stream, sequence, record);
    for (const stream of changes.dropStreams) this.store.drop(stream);
    for (const { stream, below } of changes.trims) this.store.trim(stream, below);
  }
}

/** Datagrams between the nodes of one process, delivered at once unless the link is cut. */
export class FakeBus implements PeerBus {
  readonly #engine: FakeEngine;
  readonly #cluster: FakeCluster;
  readonly #messages = new Set<(node: number, payload: Uint8Array) => void>();
  readonly #peers = new Set<(node: number, up: boolean) => void>();
  readonly cut = new Set<number>();
  /** Told of every datagram before it leaves; false drops it. */
  filter: (to: number, payload: Uint8Array) => boolean = () => true;

  constructor(engine: FakeEngine, cluster: FakeCluster) {
    this.#engine = engine;
    this.#cluster = cluster;
  }

  broadcast(payload: Uint8Array): void {
    for (const node of this.peers()) this.sendTo(node, payload);
  }

  sendTo(node: number, payload: Uint8Array): void {
    if (!this.peers().includes(node) || !this.filter(node, payload)) return;
    this.#cluster.nodes.get(node)?.bus.receive(this.#engine.node, payload);
  }

  receive(from: number, payload: Uint8Array): void {
    for (const listener of this.#messages) listener(from, payload);
  }

  onMessage(listener: (node: number, payload: Uint8Array) => void): () => void {
    this.#messages.add(listener);
    return () => this.#messages.delete(listener);
  }

  onPeer(listener: (node: number, up: boolean) => void): () => void {
    this.#peers.add(listener);
    return () => this.#peers.delete(listener);
  }

  peers(): readonly number[] {
    return [...this.#cluster.nodes.keys()].filter(
      (node) => node !== this.#engine.node && !this.cut.has(node),
    );
  }

  link(node: number, up: boolean): void {
    if (up) this.cut.delete(node);
    else this.cut.add(node);
    for (const listener of this.#peers) listener(node, up);
  }
}

function unavailable(): CodedError {
  return new Coded('UNAVAILABLE');
}

export function memberAt(id: number, state: MemberStatus['state'] = 'voter'): MemberStatus {
  return {
    id,
    host: '127.0.0.1',
    peerPort: 1,
    chatPort: 2,
    httpPort: 3,
    state,
    voter: state === 'voter',
    promoted: false,
    oldVoter: false,
    match: null,
    lag: null,
    reachable: true,
  };
}
