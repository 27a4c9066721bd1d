import {
  type ConfState,
  confChangeOf,
  defaultRaftConfig,
  type Entry,
  emptyConfState,
  type HardState,
  isStorageThread,
  type MemberId,
  MemoryLog,
  type Message,
  type MessageType,
  type RaftConfig,
  RaftError,
  RawNode,
  type Snapshot,
  type Storage,
} from '../../src/raft/index.ts';
import { describeMessage, describeReady } from './describe.ts';
import { ScriptError } from './script.ts';

/** An error that the script sees as output; the rest of the command is not carried out. */
export class CommandError extends Error {}

export interface Recipient {
  readonly id: MemberId;
  readonly drop: boolean;
}

/** An appender: its state is all data ever applied. `history` has a snapshot of it after each entry. */
class EnvironmentNode {
  readonly id: MemberId;
  readonly log = new MemoryLog();
  readonly raw: RawNode;
  readonly asynchronous: boolean;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly history: [Snapshot, ...Snapshot[]];
  appendWork: Message[] = [];
  applyWork: Message[] = [];

  constructor(id: MemberId, start: Snapshot, options: Partial<RaftConfig>) {
    this.id = id;
    this.history = [start];
    if (start.meta.index > 0) this.log.applySnapshot(start);
    const storage: Storage = {
      initialState: () => this.log.initialState(),
      entries: (lo, hi, maxBytes) => this.log.entries(lo, hi, maxBytes),
      term: (index) => this.log.term(index),
      firstIndex: () => this.log.firstIndex(),
      lastIndex: () => this.log.lastIndex(),
      snapshot: () => this.newestSnapshot(),
    };
    const config = defaultRaftConfig({
      id,
      storage,
      electionTicks: 3,
      heartbeatTicks: 1,
      applied: start.meta.index,
      maxSizePerMessage: Number.POSITIVE_INFINITY,
      maxInflightMessages: Number.MAX_SAFE_INTEGER,
      randomBelow: () => 0,
      ...options,
    });
    this.asynchronous = config.asyncStorageWrites;
    this.electionTicks = config.electionTicks;
    this.heartbeatTicks = config.heartbeatTicks;
    this.raw = new RawNode(config);
  }

  newestSnapshot(): Snapshot {
    return this.history[this.history.length - 1] ?? this.history[0];
  }

  persist(hardState: HardState | null, entries: readonly Entry[], snapshot: Snapshot | null): void {
    if (hardState !== null) this.log.setHardState(hardState);
    if (snapshot === null) {
      this.log.append(entries);
      return;
    }
    if (entries.length > 0) throw new CommandError("can't apply snapshot and entries at the same time");
    this.log.applySnapshot(snapshot);
    this.history.push(snapshot);
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const before = this.newestSnapshot();
      const change = confChangeOf(entry);
      const confState = change === null ? before.meta.confState : this.raw.applyConfChange(change);
      const update = change === null ? entry.data : change.context;
      const data = new Uint8Array([...before.data, ...update]);
      this.history.push({ meta: { index: entry.index, term: entry.term, confState }, data });
    }
  }
}

/** Nodes without a network or a clock: messages wait until a script delivers or drops them. */
export class Environment {
  readonly nodes: EnvironmentNode[] = [];
  #messages: Message[] = [];
  #output = '';
  /** With log level `none`: only errors are seen. */
  quiet = false;

  write(text: string): void {
    if (!this.quiet) this.#output += text;
  }

  takeOutput(): string {
    const output = this.#output;
    this.#output = '';
    return output;
  }

  node(id: MemberId): EnvironmentNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new ScriptError(`there is no node ${id}`);
    return node;
  }

  addNodes(count: number, start: Snapshot | null, options: Partial<RaftConfig>): void {
    for (let added = 0; added < count; added++) {
      if (start !== null && start.meta.index <= 1) {
        throw new CommandError('index must be specified as > 1 due to bootstrap');
      }
      this.nodes.push(new EnvironmentNode(this.nodes.length + 1, start ?? emptyStart, options));
    }
  }

  enqueue(message: Message): void {
    this.#messages.push(message);
  }

  processReady(node: EnvironmentNode): void {
    const ready = node.raw.ready();
    this.write(describeReady(ready));
    if (!node.asynchronous) {
      node.persist(ready.hardState, ready.entries, ready.snapshot);
      node.apply(ready.committedEntries);
    }
    for (const message of ready.messages) {
      if (message.type === 'MsgStorageAppend') node.appendWork.push(message);
      else if (message.type === 'MsgStorageApply') node.applyWork.push(message);
      else this.#messages.push(message);
    }
    if (!node.asynchronous) node.raw.advance();
  }

  processAppend(node: EnvironmentNode): void {
    const work = this.#begin(node.appendWork.shift(), 'no append work to perform');
    if (work === null) return;
    const { term, vote, commit } = work;
    const unchanged = term === 0 && vote === 0 && commit === 0;
    node.persist(unchanged ? null : { term, vote, commit }, work.entries, work.snapshot);
    this.#respond(work.responses);
  }

  processApply(node: EnvironmentNode): void {
    const work = this.#begin(node.applyWork.shift(), 'no apply work to perform');
    if (work === null) return;
    node.apply(work.entries);
    this.#respond(work.responses);
  }

  #begin(work: Message | undefined, nothing: string): Message | null {
    if (work === undefined) {
      this.write(`${nothing}\n`);
      return null;
    }
    this.write(`Processing:\n${describeMessage({ ...work, responses: [] })}\n`);
    return work;
  }

  #respond(responses: readonly Message[]): void {
    this.write('Responses:\n');
    for (const response of responses) this.write(`${describeMessage(response)}\n`);
    this.#messages.push(...responses);
  }

  /** Delivers, or drops, what waits for the recipients. Returns how many messages that were. */
  deliver(recipients: readonly Recipient[], type: MessageType | null): number {
    let count = 0;
    for (const { id, drop } of recipients) {
      const taken = this.#take(id, type, drop);
      count += taken.length;
      for (const message of taken) {
        this.write(`${drop ? 'dropped: ' : ''}${describeMessage(message)}\n`);
        if (!drop) this.#step(message);
      }
    }
    return count;
  }

  #step(message: Message): void {
    try {
      this.node(message.to).raw.step(message);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      this.write(`${error.message}\n`);
    }
  }

  #take(id: MemberId, type: MessageType | null, drop: boolean): readonly Message[] {
    const taken: Message[] = [];
    const left: Message[] = [];
    for (const message of this.#messages) {
      const fits = message.to === id && (type === null || message.type === type);
      // What a node tells itself does not pass a network that could lose it.
      (fits && !(drop && isInternal(message)) ? taken : left).push(message);
    }
    this.#messages = left;
    return taken;
  }

  /** Handles Readys, messages and storage work of these nodes until there is nothing left to do. */
  stabilize(nodes: readonly EnvironmentNode[]): void {
    let busy = true;
    while (busy) {
      busy = false;
      for (const node of nodes) {
        if (!node.raw.hasReady()) continue;
        busy = true;
        this.write(`> ${node.id} handling Ready\n`);
        this.processReady(node);
      }
      for (const node of nodes) {
        if (!this.#messages.some((message) => message.to === node.id)) continue;
        busy = true;
        this.write(`> ${node.id} receiving messages\n`);
        this.deliver([{ id: node.id, drop: false }], null);
      }
      for (const node of nodes) {
        if (node.appendWork.length === 0) continue;
        busy = true;
        this.write(`> ${node.id} processing append thread\n`);
        while (node.appendWork.length > 0) this.processAppend(node);
      }
      for (const node of nodes) {
        if (node.applyWork.length === 0) continue;
        busy = true;
        this.write(`> ${node.id} processing apply thread\n`);
        while (node.applyWork.length > 0) this.processApply(node);
      }
    }
  }
}

export type { EnvironmentNode };

const emptyStart: Snapshot = {
  meta: { index: 0, term: 0, confState: emptyConfState },
  data: new Uint8Array(0),
};

/** What a bootstrapped node starts from; null when nothing was asked for, and the node starts empty. */
export function bootstrapSnapshot(
  voters: readonly MemberId[],
  learners: readonly MemberId[],
  index: number,
  content: string,
): Snapshot | null {
  if (voters.length === 0 && learners.length === 0 && index === 0 && content === '') return null;
  const confState: ConfState = { ...emptyConfState, voters, learners };
  return { meta: { index, term: 1, confState }, data: new TextEncoder().encode(content) };
}

function isInternal(message: Message): boolean {
  return message.from === message.to || isStorageThread(message.from) || isStorageThread(message.to);
}
