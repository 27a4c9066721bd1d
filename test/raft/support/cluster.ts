import {
  type ConfState,
  confChangeOf,
  defaultRaftConfig,
  type Entry,
  emptyConfState,
  isVoter,
  type MemberId,
  MemoryLog,
  type Message,
  type MessageType,
  type RaftConfig,
  RaftError,
  RawNode,
  type ReadState,
} from '../../../src/raft/index.ts';

/** The entry that everybody starts with, as if by founding. */
export const FOUNDING = { index: 1, term: 1 };

export function confOf(voters: readonly MemberId[], more: Partial<ConfState> = {}): ConfState {
  return { ...emptyConfState, voters, ...more };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** The kind of the refusal that an input meets; null when it is taken. */
export function refusalOf(input: () => void): string | null {
  try {
    input();
    return null;
  } catch (error) {
    if (error instanceof RaftError) return error.kind;
    throw error;
  }
}

/**
 * One member with a disk that forgets what was not written yet when it crashes. Asynchronous writes: `appendWork` and
 * `applyWork` wait until they are carried out, in order.
 */
export class Member {
  readonly id: MemberId;
  /** Survives a crash. */
  readonly log = new MemoryLog();
  raw: RawNode;
  readonly #options: Partial<RaftConfig>;
  appendWork: Message[] = [];
  applyWork: Message[] = [];
  /** Everything applied since the start; a restart applies again what its snapshot does not cover. */
  applied: Entry[] = [];
  reads: ReadState[] = [];
  appliedIndex: number;
  confState: ConfState;

  constructor(id: MemberId, confState: ConfState, options: Partial<RaftConfig>, founded = true) {
    this.id = id;
    this.#options = options;
    if (founded) this.log.applySnapshot({ meta: { ...FOUNDING, confState }, data: bytes('') });
    this.appliedIndex = this.log.firstIndex() - 1;
    this.confState = confState;
    this.raw = this.#start();
  }

  #start(): RawNode {
    return new RawNode(
      defaultRaftConfig({
        id: this.id,
        storage: this.log,
        applied: this.appliedIndex,
        randomBelow: () => 0,
        asyncStorageWrites: true,
        ...this.#options,
      }),
    );
  }

  /** What was not written is gone; the state machine starts again from the newest snapshot. */
  restart(): void {
    this.appendWork = [];
    this.applyWork = [];
    this.applied = [];
    this.reads = [];
    const { meta } = this.log.snapshot();
    this.appliedIndex = meta.index;
    this.confState = meta.confState;
    this.raw = this.#start();
  }

  get role(): string {
    return this.raw.basicStatus().role;
  }

  get term(): number {
    return this.raw.basicStatus().term;
  }

  get commit(): number {
    return this.raw.basicStatus().commit;
  }

  /** `term/text` of what is durable, from the first entry held. */
  entries(): readonly string[] {
    const first = this.log.firstIndex();
    return this.log
      .entries(first, this.log.lastIndex() + 1, Number.POSITIVE_INFINITY)
      .map((entry) => `${entry.term}/${entry.type === 'normal' ? textOf(entry.data) : entry.type}`);
  }

  appliedTexts(): readonly string[] {
    return this.applied
      .filter((entry) => entry.type === 'normal' && entry.data.length > 0)
      .map((entry) => textOf(entry.data));
  }

  /** Takes over what the core asks for; returns what leaves for others. */
  takeReady(): readonly Message[] {
    const ready = this.raw.ready();
    this.reads.push(...ready.readStates);
    const out: Message[] = [];
    for (const message of ready.messages) {
      if (message.type === 'MsgStorageAppend') this.appendWork.push(message);
      else if (message.type === 'MsgStorageApply') this.applyWork.push(message);
      else out.push(message);
    }
    return out;
  }

  /** Carries out the oldest write; returns the messages that it released. */
  write(): readonly Message[] {
    const work = this.appendWork.shift();
    if (work === undefined) return [];
    const { term, vote, commit, snapshot } = work;
    if (term > 0) this.log.setHardState({ term, vote, commit });
    if (snapshot !== null) {
      this.log.applySnapshot(snapshot);
      this.appliedIndex = snapshot.meta.index;
      this.confState = snapshot.meta.confState;
    }
    this.log.append(work.entries);
    return work.responses;
  }

  apply(): readonly Message[] {
    const work = this.applyWork.shift();
    if (work === undefined) return [];
    for (const entry of work.entries) {
      const change = confChangeOf(entry);
      if (change !== null) this.confState = this.raw.applyConfChange(change);
      this.applied.push(entry);
      this.appliedIndex = entry.index;
    }
    return work.responses;
  }

  /** A snapshot of what is applied and durable, then the log is cut up to `keep` entries before it. */
  compact(keep = 0): boolean {
    const index = Math.min(this.appliedIndex, this.log.lastIndex());
    if (index <= this.log.snapshot().meta.index || index !== this.appliedIndex) return false;
    this.log.createSnapshot(index, this.confState, bytes(`state at ${index}`));
    if (index - keep >= this.log.firstIndex()) this.log.compact(index - keep);
    return true;
  }
}

/** Everything that the member sends after its disk has caught up. */
export function answers(member: Member): readonly Message[] {
  const out: Message[] = [];
  while (member.raw.hasReady()) out.push(...member.takeReady());
  while (member.appendWork.length > 0) out.push(...member.write());
  return out;
}

/** Members and a network that delivers in order, except where a link is cut. */
export class Cluster {
  readonly members = new Map<MemberId, Member>();
  readonly options: Partial<RaftConfig>;
  inbox: Message[] = [];
  /** Seen on the wire, delivered or not. */
  sent: Message[] = [];
  readonly #cut = new Set<string>();
  /** Errors of `step`, by text. */
  readonly refused: string[] = [];

  constructor(
    voters: readonly MemberId[],
    options: Partial<RaftConfig> = {},
    learners: readonly MemberId[] = [],
  ) {
    this.options = options;
    for (const id of [...voters, ...learners]) this.add(id, confOf(voters, { learners }));
  }

  add(id: MemberId, confState: ConfState, founded = true): Member {
    const member = new Member(id, confState, this.options, founded);
    this.members.set(id, member);
    return member;
  }

  at(id: MemberId): Member {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`no member ${id}`);
    return member;
  }

  cut(from: MemberId, to: MemberId): void {
    this.#cut.add(`${from}>${to}`).add(`${to}>${from}`);
  }

  isolate(id: MemberId): void {
    for (const other of this.members.keys()) if (other !== id) this.cut(id, other);
  }

  heal(): void {
    this.#cut.clear();
  }

  post(messages: readonly Message[]): void {
    for (const message of messages) {
      this.sent.push(message);
      if (!this.#cut.has(`${message.from}>${message.to}`)) this.inbox.push(message);
    }
  }

  deliver(message: Message): void {
    const member = this.members.get(message.to);
    if (member === undefined) return;
    try {
      member.raw.step(message);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      this.refused.push(error.message);
    }
  }

  /** One step of one member: its Ready, and all the work for its disk and its state machine. */
  work(member: Member): boolean {
    let worked = false;
    while (member.raw.hasReady()) {
      worked = true;
      this.post(member.takeReady());
    }
    while (member.appendWork.length > 0) {
      worked = true;
      this.post(member.write());
    }
    while (member.applyWork.length > 0) {
      worked = true;
      this.post(member.apply());
    }
    return worked;
  }

  /** Until nothing is left to do. Messages that `lost` picks are not delivered. */
  settle(lost: (message: Message) => boolean = () => false): void {
    for (let round = 0; round < 10_000; round++) {
      let worked = false;
      for (const member of this.members.values()) worked = this.work(member) || worked;
      const arriving = this.inbox;
      this.inbox = [];
      for (const message of arriving) if (!lost(message)) this.deliver(message);
      if (!worked && arriving.length === 0) return;
    }
    throw new Error('the cluster does not come to rest');
  }

  tick(ticks = 1, ids: readonly MemberId[] = [...this.members.keys()]): void {
    for (let tick = 0; tick < ticks; tick++) {
      for (const id of ids) this.at(id).raw.tick();
      this.settle();
    }
  }

  elect(id: MemberId): Member {
    const member = this.at(id);
    member.raw.campaign();
    this.settle();
    if (member.role !== 'leader') throw new Error(`${id} was not elected`);
    return member;
  }

  propose(id: MemberId, text: string): void {
    this.at(id).raw.propose(bytes(text));
  }

  leaders(): readonly MemberId[] {
    return [...this.members.values()].filter((member) => member.role === 'leader').map(({ id }) => id);
  }

  /** Messages of a type among those sent since the last call. */
  take(type: MessageType): readonly Message[] {
    const found = this.sent.filter((message) => message.type === type);
    this.sent = [];
    return found;
  }

  voters(): readonly MemberId[] {
    return [...this.members.values()]
      .filter((member) => isVoter(member.confState, member.id))
      .map(({ id }) => id);
  }
}
