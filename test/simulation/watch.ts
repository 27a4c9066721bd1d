/**
 * Looks on while the nodes run: stands between the engine and its log, its state and its machine, changes nothing, and hands what it
 * sees to the checkers. What contradicts itself is noted with the time, and the run ends.
 */
import type { Changes } from '../../src/base/changes.ts';
import { ChatMachine } from '../../src/chat/machine.ts';
import type { SessionBounds } from '../../src/chat/sessions/sessions.ts';
import type { ChatEvent, Result } from '../../src/chat/vocabulary/types.ts';
import type { ConfState, Entry } from '../../src/raft/types.ts';
import { decodeDirectory } from '../../src/replication/formats/members.ts';
import { decodeFrame } from '../../src/replication/formats/peer-frames.ts';
import type { Engine } from '../../src/replication/ports/engine.ts';
import type { PeerTransport } from '../../src/replication/ports/peer-transport.ts';
import type { Applied, CommittedCommand, StateMachine } from '../../src/replication/ports/state-machine.ts';
import type { AppliedMark, StateStore } from '../../src/store/state-store.ts';
import type { LogStart, LogStore, RecoveredLog } from '../../src/wal/log-store.ts';
import { checkCommitSafety, type DurableLog } from '../checkers/commit-safety.ts';
import { EntryClock } from '../checkers/entry-times.ts';
import type { Violation } from '../checkers/history.ts';
import { LogAgreement, type LogEntry } from '../checkers/log-agreement.ts';
import { OneLeader } from '../checkers/one-leader.ts';
import { ReferenceState } from '../checkers/reference-state.ts';
import { TermsAndVotes } from '../checkers/term-and-vote.ts';
import { hashBytes, hashText, mixed } from './digest.ts';
import { engineWith } from './engine-with.ts';
import type { Tally } from './tally.ts';
import type { World } from './world.ts';

export interface Finding extends Violation {
  readonly atMs: number;
}

export class Watch {
  readonly leaders = new OneLeader();
  readonly logs = new LogAgreement();
  readonly state = new ReferenceState();
  readonly #times = new EntryClock();
  readonly findings: Finding[] = [];
  readonly #terms = new TermsAndVotes();
  readonly #world: World;
  readonly #events: Tally;
  readonly #reference: ChatMachine;
  /** Which node runs on the disk of that incarnation. */
  readonly #nodeOfDisk = new Map<number, number>();
  /** By the bytes that marks share until the members change. */
  readonly #configurations = new WeakMap<Uint8Array, ConfState>();
  /** Hashes of entries' data, which many nodes and lives ask for. */
  readonly #hashes = new WeakMap<Uint8Array, number>();

  onElection: (node: number) => void = () => undefined;
  /** Some node is the first to apply that entry. */
  onApplied: (index: number) => void = () => undefined;

  constructor(world: World, events: Tally, bounds: Partial<SessionBounds>) {
    this.#world = world;
    this.#events = events;
    this.#reference = new ChatMachine(bounds);
  }

  found(violation: Violation | null): void {
    if (violation === null) return;
    this.findings.push({ ...violation, atMs: this.#world.nowMs });
  }

  leads(node: number, term: number): void {
    const before = this.leaders.elections;
    this.found(this.leaders.leads(node, term));
    if (this.leaders.elections === before) return;
    this.#events.add('elections');
    this.onElection(node);
  }

  /** The disk of that node was replaced. */
  wiped(node: number): void {
    for (const [disk, at] of this.#nodeOfDisk) if (at === node) this.#nodeOfDisk.delete(disk);
    this.logs.forgets(node);
  }

  log(node: number, disk: number, log: LogStore): LogStore {
    for (const [other, at] of this.#nodeOfDisk)
      if (at === node && other !== disk) this.#nodeOfDisk.delete(other);
    this.#nodeOfDisk.set(disk, node);
    this.#finds(node, disk, log.recovered);
    const { found } = this;
    const watched: LogStore = {
      get recovered() {
        return log.recovered;
      },
      get bytes() {
        return log.bytes;
      },
      append: (write) => this.#append(node, disk, log, write),
      restart: async (start: LogStart, keep: boolean) => {
        await log.restart(start, keep);
        found.call(this, this.logs.restarts(node, start, keep));
      },
      seal: () => log.seal(),
      close: () => log.close(),
    };
    return watched;
  }

  #finds(node: number, disk: number, { start, hardState, entries }: RecoveredLog): void {
    this.found(this.#terms.finds(disk, hardState));
    this.found(
      this.logs.finds(
        node,
        start ?? { index: 0, term: 0 },
        entries.map((entry) => this.#entry(entry)),
      ),
    );
  }

  async #append(
    node: number,
    disk: number,
    log: LogStore,
    write: Parameters<LogStore['append']>[0],
  ): Promise<void> {
    const { hardState, entries } = write;
    if (hardState !== null) this.found(this.#terms.writes(disk, hardState));
    if (entries.length > 0)
      this.found(
        this.logs.appends(
          node,
          entries.map((entry) => this.#entry(entry)),
        ),
      );
    await log.append(write);
    if (hardState !== null) this.#terms.durable(disk, hardState);
    const last = entries.at(-1);
    if (last !== undefined) this.logs.durable(node, last);
  }

  #entry({ index, term, type, data }: Entry): LogEntry {
    let hash = this.#hashes.get(data);
    if (hash === undefined) {
      hash = hashBytes(data);
      this.#hashes.set(data, hash);
    }
    return type === 'normal' ? { index, term, hash } : { index, term, hash: hash ^ 1, changesMembers: true };
  }

  /** What leaves a node: a vote only when it is on its disk. */
  transport(transport: PeerTransport): PeerTransport {
    const send = transport.send.bind(transport);
    transport.send = (node, lane, frame) => {
      const decoded = decodeFrame(frame);
      for (const message of decoded?.kind === 'raft' ? decoded.messages : []) {
        if (message.type !== 'MsgVoteResp' || message.reject) continue;
        this.found(this.#terms.promises(message.from, { term: message.term, vote: message.to }));
      }
      return send(node, lane, frame);
    };
    return transport;
  }

  store(node: number, store: StateStore): StateStore {
    const { logs } = this;
    const staged = (mark: AppliedMark): void => {
      const isFirst = mark.index > logs.committedIndex;
      this.found(logs.applied(node, mark.index, mark.term));
      if (isFirst) this.found(this.#checkCommitSafety(mark));
    };
    if (store.mark !== null) logs.startsFrom(node, store.mark.index);
    return {
      get mark() {
        return store.mark;
      },
      get syncedIndex() {
        return store.syncedIndex;
      },
      get pendingBytes() {
        return store.pendingBytes;
      },
      stage: (mark: AppliedMark, changes: Changes, checkpoint?: boolean) => {
        staged(mark);
        store.stage(mark, changes, checkpoint);
      },
      watch: (watcher) => store.watch(watcher),
      flush: (sync) => store.flush(sync),
      rows: () => store.rows(),
      readStream: (stream, range) => store.readStream(stream, range),
      exportSnapshot: () => store.exportSnapshot(),
      beginInstall: () => store.beginInstall(),
      close: () => store.close(),
    };
  }

  #votersOf(engine: Uint8Array): ConfState {
    const known = this.#configurations.get(engine);
    if (known !== undefined) return known;
    const { conf } = decodeDirectory(engine);
    this.#configurations.set(engine, conf);
    return conf;
  }

  /** Somebody applies this entry before all others. Through a joint configuration both majorities count. */
  #checkCommitSafety(mark: AppliedMark): Violation | null {
    const { voters, votersOutgoing } = this.#votersOf(mark.engine);
    const logOf = (disk: number): DurableLog | null => {
      const node = this.#nodeOfDisk.get(disk);
      return node === undefined ? null : this.logs.durableLog(node, mark);
    };
    const what = `entry ${mark.index} of term ${mark.term}`;
    const first = checkCommitSafety(voters.map(logOf), what);
    if (votersOutgoing.length === 0 || first === null) return first;
    return checkCommitSafety(votersOutgoing.map(logOf), what);
  }

  /** A barrier is held against all that anybody had applied when it was asked for: that may have been acknowledged. */
  engine(node: number, engine: Engine<Result, ChatEvent>): Engine<Result, ChatEvent> {
    const barrier = async (): Promise<void> => {
      const due = Math.max(this.state.index, this.logs.committedIndex);
      await engine.barrier();
      const { appliedIndex } = engine.status();
      if (appliedIndex >= due) return;
      const text = `node ${node} passes a barrier with entry ${appliedIndex} applied, although entry ${due} had been applied somewhere when it was asked`;
      this.found({ kind: 'barrier-behind', text });
    };
    return engineWith(engine, { barrier });
  }

  /** `markIndex`: what the store says the rows are the state of. */
  machine(
    node: number,
    machine: StateMachine<Result, ChatEvent>,
    markIndex: () => number,
  ): StateMachine<Result, ChatEvent> {
    let loads = 0;
    return {
      apply: (entry) => {
        this.#apply(entry);
        const applied = machine.apply(entry);
        this.found(this.state.answers(node, entry.index, answerHash(entry, applied)));
        return applied;
      },
      takeChanges: () => machine.takeChanges(),
      load: async (rows, clusterMs) => {
        if (loads++ > 0) this.#events.add('snapshots installed');
        const seen = new Map<string, number>();
        await machine.load(noted(rows, seen), clusterMs);
        if (seen.size > 0 || markIndex() > 0) this.found(this.state.loads(node, markIndex(), seen));
      },
    };
  }

  /** The reference applies what nobody has applied before. */
  #apply(entry: CommittedCommand): void {
    if (entry.index <= this.state.index) return;
    this.found(this.#times.applies(entry.index, entry.time, this.#world.nowMs));
    const applied = this.#reference.apply(entry);
    this.state.record(entry.index, answerHash(entry, applied), this.#reference.takeChanges());
    this.#world.note(entry.index);
    this.onApplied(entry.index);
  }
}

function answerHash(
  { command, time }: CommittedCommand,
  { result, events }: Applied<Result, ChatEvent>,
): number {
  const said = result.ok ? hashText(JSON.stringify(result.receipt)) : hashText(result.code);
  return mixed(mixed(hashBytes(command), said), mixed(events.length, time.clusterMs));
}

async function* noted(
  rows: AsyncIterable<readonly [key: string, value: Uint8Array]>,
  seen: Map<string, number>,
): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
  for await (const row of rows) {
    seen.set(row[0], hashBytes(row[1]));
    yield row;
  }
}
