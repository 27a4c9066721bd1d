import { type Random, seededRandom } from '../../../src/base/prng.ts';
import {
  type ConfChangeSingle,
  type Entry,
  type MemberId,
  type Message,
  membersOf,
  RaftError,
} from '../../../src/raft/index.ts';
import { bytes, confOf, Member, textOf } from './cluster.ts';

interface Action {
  readonly weight: number;
  readonly run: () => void;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly steps: number;
  readonly voters: readonly MemberId[];
  /** Start empty, outside the configuration; changes of configuration may admit them. */
  readonly others: readonly MemberId[];
}

const MAX_MESSAGES = 400;

/**
 * One random schedule over whole cores: messages are delayed, lost, repeated and reordered, links are cut, members crash and lose what
 * was not written, writes and applies lag behind, leadership is transferred, logs are compacted, the configuration changes.
 * The invariants are checked as it runs; a violation throws. The same seed gives the same schedule.
 */
export class Schedule {
  readonly members = new Map<MemberId, Member>();
  readonly #random: Random;
  readonly #options: ScheduleOptions;
  #network: Message[] = [];
  readonly #cut = new Set<string>();
  readonly #leaderOf = new Map<number, MemberId>();
  /** What was applied at each index, by whoever was first. */
  readonly #committed = new Map<number, string>();
  #highest = 1;
  /** Context of each read → the highest index applied anywhere when it was asked for. */
  readonly #reads = new Map<string, number>();
  #counter = 0;
  answeredReads = 0;
  proposed = 0;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    const careful = this.#random.below(4) > 0;
    const founding = confOf(options.voters);
    for (const id of [...options.voters, ...options.others]) {
      const founded = options.voters.includes(id);
      const member = new Member(
        id,
        founded ? founding : confOf([]),
        {
          preVote: careful,
          checkQuorum: careful,
          maxSizePerMessage: 60,
          maxCommittedSizePerReady: 80,
          maxInflightMessages: 1 + this.#random.below(4),
          randomBelow: (bound) => this.#random.below(bound),
        },
        founded,
      );
      this.members.set(id, member);
    }
  }

  get committed(): number {
    return this.#committed.size;
  }

  run(): void {
    const actions = this.#actions();
    const total = actions.reduce((sum, { weight }) => sum + weight, 0);
    for (let step = 0; step < this.#options.steps; step++) {
      let pick = this.#random.below(total);
      for (const { weight, run } of actions) {
        pick -= weight;
        if (pick >= 0) continue;
        run();
        break;
      }
    }
    this.#checkLogs();
  }

  #actions(): readonly Action[] {
    const anyone = (act: (member: Member) => void) => (): void => act(this.#anyone());
    return [
      { weight: 30, run: anyone((member) => this.#input(member, () => member.raw.tick())) },
      { weight: 40, run: anyone((member) => this.#ready(member)) },
      { weight: 30, run: anyone((member) => this.#write(member)) },
      { weight: 20, run: anyone((member) => this.#apply(member)) },
      { weight: 90, run: () => this.#deliverAny() },
      { weight: 12, run: anyone((member) => this.#propose(member)) },
      { weight: 4, run: anyone((member) => this.#ask(member)) },
      { weight: 2, run: anyone((member) => this.#input(member, () => member.raw.campaign())) },
      { weight: 1, run: anyone((member) => member.restart()) },
      { weight: 2, run: anyone((member) => member.compact(this.#random.below(3))) },
      { weight: 1, run: anyone((member) => this.#input(member, () => member.raw.forgetLeader())) },
      { weight: 1, run: anyone((member) => this.#transfer(member)) },
      { weight: 1, run: () => this.#partition() },
      { weight: this.#options.others.length > 0 ? 3 : 0, run: anyone((member) => this.#reconfigure(member)) },
    ];
  }

  #anyone(): Member {
    const all = [...this.members.values()];
    const member = all[this.#random.below(all.length)];
    if (member === undefined) throw new Error('a schedule has members');
    return member;
  }

  #input(member: Member, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
    }
    this.#checkLeader(member);
  }

  #ready(member: Member): void {
    if (!member.raw.hasReady()) return;
    this.#send(member.takeReady());
    for (const { context, index } of member.reads.splice(0)) {
      const least = this.#reads.get(textOf(context));
      if (least === undefined) throw new Error('a read was answered that nobody asked for');
      if (index < least)
        throw new Error(`stale read: index ${index}, while ${least} was applied before it was asked for`);
      this.answeredReads++;
    }
  }

  /** What a member tells itself does not pass the network. */
  #send(messages: readonly Message[]): void {
    for (const message of messages) {
      const member = this.members.get(message.to);
      if (member === undefined) continue;
      const own = message.from === message.to || !this.members.has(message.from);
      if (own) this.#input(member, () => member.raw.step(message));
      else if (this.#network.length < MAX_MESSAGES) this.#network.push(message);
      else this.#lose(message);
    }
  }

  #lose(message: Message): void {
    if (message.type === 'MsgSnap') this.members.get(message.from)?.raw.reportSnapshot(message.to, false);
  }

  #deliverAny(): void {
    if (this.#network.length === 0) return;
    const position = this.#random.below(this.#network.length);
    const fate = this.#random.below(20);
    const [message] =
      fate === 0 ? this.#network.slice(position, position + 1) : this.#network.splice(position, 1);
    if (message === undefined) return;
    if (fate === 1 || this.#cut.has(`${message.from}>${message.to}`)) this.#lose(message);
    else this.#deliver(message);
  }

  #deliver(message: Message): void {
    const member = this.members.get(message.to);
    if (member === undefined) return;
    this.#input(member, () => member.raw.step(message));
    if (message.type === 'MsgSnap') this.members.get(message.from)?.raw.reportSnapshot(message.to, true);
  }

  #write(member: Member): void {
    const before = member.log.initialState().hardState;
    this.#send(member.write());
    const after = member.log.initialState().hardState;
    if (after.term < before.term) throw new Error(`the term of ${member.id} decreased`);
    if (after.term === before.term && before.vote !== 0 && after.vote !== before.vote) {
      throw new Error(`${member.id} changed its vote in term ${after.term}`);
    }
  }

  #apply(member: Member): void {
    const from = member.applied.length;
    const released = member.apply();
    for (const entry of member.applied.slice(from)) this.#checkApplied(member, entry);
    this.#send(released);
    this.#checkLeader(member);
  }

  #checkApplied(member: Member, entry: Entry): void {
    const text = `${entry.term}/${entry.type}/${textOf(entry.data)}`;
    const first = this.#committed.get(entry.index);
    if (first === undefined) this.#committed.set(entry.index, text);
    else if (first !== text)
      throw new Error(`${member.id} applied ${text} at ${entry.index}, another one ${first}`);
    this.#highest = Math.max(this.#highest, entry.index);
  }

  #checkLeader(member: Member): void {
    const { role, term } = member.raw.basicStatus();
    if (role !== 'leader') return;
    const known = this.#leaderOf.get(term) ?? member.id;
    if (known !== member.id) throw new Error(`${known} and ${member.id} both lead term ${term}`);
    this.#leaderOf.set(term, member.id);
  }

  /** If two logs hold an entry of the same index and term, they agree up to it (thesis §3.5). */
  #checkLogs(): void {
    const logs = [...this.members.values()].map(({ log }) => log);
    for (const [position, one] of logs.entries()) {
      for (const other of logs.slice(position + 1)) {
        const lo = Math.max(one.firstIndex(), other.firstIndex());
        const hi = Math.min(one.lastIndex(), other.lastIndex());
        let agreed = false;
        for (let index = hi; index >= lo; index--) {
          const same = one.term(index) === other.term(index);
          if (agreed && !same) throw new Error(`logs agree above index ${index}, and not there`);
          agreed = same;
        }
      }
    }
  }

  #propose(member: Member): void {
    this.#input(member, () => {
      member.raw.propose(bytes(`p${++this.#counter}`));
      this.proposed++;
    });
  }

  #ask(member: Member): void {
    const context = `r${++this.#counter}`;
    this.#reads.set(context, this.#highest);
    this.#input(member, () => member.raw.readIndex(bytes(context)));
  }

  #transfer(member: Member): void {
    const { id } = this.#anyone();
    this.#input(member, () => member.raw.transferLeader(id));
  }

  #partition(): void {
    this.#cut.clear();
    if (this.#random.below(2) === 0) return;
    const lonely = this.#anyone().id;
    const oneWay = this.#random.below(3) === 0;
    for (const id of this.members.keys()) {
      this.#cut.add(`${lonely}>${id}`);
      if (!oneWay) this.#cut.add(`${id}>${lonely}`);
    }
  }

  #reconfigure(member: Member): void {
    const changes = Array.from({ length: 1 + this.#random.below(3) }, (): ConfChangeSingle => {
      const type =
        (['add-voter', 'add-voter', 'add-learner', 'remove'] as const)[this.#random.below(4)] ?? 'update';
      return { type, id: this.#anyone().id };
    });
    const transition =
      (['auto', 'joint-implicit', 'joint-explicit'] as const)[this.#random.below(3)] ?? 'auto';
    const joint = member.raw.status().confState.votersOutgoing.length > 0;
    this.#input(member, () =>
      member.raw.proposeConfChange({
        version: 2,
        transition: joint ? 'auto' : transition,
        changes: joint ? [] : changes,
        context: bytes(''),
      }),
    );
  }

  /** Without faults the members must elect, converge and answer. Returns the rounds that it took. */
  recover(limit: number): number {
    this.#cut.clear();
    const mark = `alive ${this.#options.seed}`;
    for (let round = 0; round < limit; round++) {
      for (const member of this.members.values()) this.#input(member, () => member.raw.tick());
      for (let turn = 0; turn < 4; turn++) this.#turn();
      const leader = [...this.members.values()].find(({ role }) => role === 'leader');
      if (leader === undefined) continue;
      const { confState } = leader.raw.status();
      if (confState.votersOutgoing.length > 0 && !confState.autoLeave) this.#reconfigure(leader);
      const members = membersOf(confState).flatMap((id) => this.members.get(id) ?? []);
      if (!leader.appliedTexts().includes(mark)) this.#input(leader, () => leader.raw.propose(bytes(mark)));
      else if (members.every(({ appliedIndex }) => appliedIndex === leader.appliedIndex)) return round;
    }
    throw new Error(`no recovery within ${limit} rounds`);
  }

  #turn(): void {
    for (const member of this.members.values()) {
      this.#ready(member);
      while (member.appendWork.length > 0) this.#write(member);
      while (member.applyWork.length > 0) this.#apply(member);
    }
    for (const message of this.#network.splice(0)) this.#deliver(message);
  }
}
