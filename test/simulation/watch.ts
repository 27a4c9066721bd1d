/**
 * Looks on while the nodes run: stands between the engine and its log, its state and its machine, changes nothing, and hands what it
 * sees to the checkers. What contradicts itself is noted with the time, and the run ends.
 */
import type { Changes } from '../../src/base/changes.ts';
import { ChatMachine } from '../../src/chat/machine.ts';
import type { SessionBounds } from '../../src/chat/sessions.ts';
import type { ChatEvent, Result } from '../../src/chat/types.ts';
import type { Entry } from '../../src/raft/types.ts';
import type { Applied, CommittedCommand, StateMachine } from '../../src/replication/state-machine.ts';
import type { AppliedMark, StateStore } from '../../src/store/state-store.ts';
import type { LogStart, LogStore, RecoveredLog } from '../../src/wal/log-store.ts';
import type { Violation } from '../checkers/history.ts';
import { LogAgreement, type LogEntry } from '../checkers/log-agreement.ts';
import { OneLeader } from '../checkers/one-leader.ts';
import { ReferenceState } from '../checkers/reference-state.ts';
import { TermsAndVotes } from '../checkers/term-and-vote.ts';
import { hashBytes, hashText, mixed } from './digest.ts';
import type { Tally } from './tally.ts';
import type { World } from './world.ts';

export interface Finding extends Violation {
  readonly atMs: number;
}

export class Watch {
  readonly leaders = new OneLeader();
  readonly logs = new LogAgreement();
  readonly state = new ReferenceState();
  readonly findings: Finding[] = [];
  readonly #terms = new TermsAndVotes();
  readonly #world: World;
  readonly #events: Tally;
  readonly #reference: ChatMachine;
  /** Hashes of entries' data, which many nodes and lives ask for. */
  readonly #hashes = new WeakMap<Uint8Array, number>();

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
    if (this.leaders.elections > before) this.#events.add('elections');
  }

  /** The disk of that node was replaced. */
  wiped(node: number): void {
    this.logs.forgets(node);
  }

  log(node: number, disk: number, log: LogStore): LogStore {
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
    return { index, term, hash: hash ^ (type === 'normal' ? 0 : 1) };
  }

  store(node: number, store: StateStore): StateStore {
    const { logs } = this;
    const staged = (mark: AppliedMark): void => this.found(logs.applied(node, mark.index, mark.term));
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

  /** `markIndex`: what the store says the rows are the state of. */
  machine(
    node: number,
    machine: StateMachine<Result, ChatEvent>,
    markIndex: () => number,
  ): StateMachine<Result, ChatEvent> {
    return {
      apply: (entry) => {
        this.#apply(entry);
        const applied = machine.apply(entry);
        this.found(this.state.answers(node, entry.index, answerHash(entry, applied)));
        return applied;
      },
      takeChanges: () => machine.takeChanges(),
      load: async (rows) => {
        const seen = new Map<string, number>();
        await machine.load(noted(rows, seen));
        if (seen.size > 0 || markIndex() > 0) this.found(this.state.loads(node, markIndex(), seen));
      },
    };
  }

  /** The reference applies what nobody has applied before. */
  #apply(entry: CommittedCommand): void {
    if (entry.index <= this.state.index) return;
    const applied = this.#reference.apply(entry);
    this.state.record(entry.index, answerHash(entry, applied), this.#reference.takeChanges());
    this.#world.note(entry.index);
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
