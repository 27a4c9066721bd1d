import { assert } from '../base/assert.ts';
import { emptyConfState } from './memory-log.ts';
import { type MessageFields, makeMessage } from './messages.ts';
import { RaftLog } from './raft-log.ts';
import { ReadQueue } from './read-queue.ts';
import { Tracker } from './tracker.ts';
import {
  type HardState,
  type MemberId,
  type Message,
  type MessageType,
  NONE,
  type RaftConfig,
  type RaftLogger,
  type ReadState,
  type Role,
  type SoftState,
} from './types.ts';

/**
 * The state of one consensus member and the transitions between its roles. What each role does with a message is in
 * follower.ts, candidate.ts and leader.ts; step.ts applies the rules of terms before them. Open to those
 * modules, closed to everybody else: outside of this folder only `RawNode` is seen.
 *
 * Invariants: `term` never decreases; `vote` changes within a term only from NONE.
 */
export class Core {
  readonly id: MemberId;
  readonly config: RaftConfig;
  readonly logger: RaftLogger;
  readonly log: RaftLog;
  readonly tracker: Tracker;
  readonly reads = new ReadQueue();

  term = 0;
  vote: MemberId = NONE;
  leader: MemberId = NONE;
  role: Role = 'follower';

  /** May leave at once, even before what is in memory is on disk. */
  messages: Message[] = [];
  /** Promise something about the disk (a vote, an append): leave only once all that precedes them is durable. */
  messagesAfterAppend: Message[] = [];
  readStates: ReadState[] = [];

  /** Ticks since the leader was last heard of; on a leader, since its last check of the quorum. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  /** Drawn anew at each change of role or term, so that rival candidates drift apart (thesis §3.4). */
  randomizedElectionTicks = 0;

  /** Leader: the member that leadership is being handed to; no proposals meanwhile (thesis §3.10). */
  leadTransferee: MemberId = NONE;
  /** Leader: no change of configuration is proposed until the entry of this index is applied: at most one is in the log. */
  pendingConfIndex = 0;
  /** Leader: payload bytes appended and not yet applied; reset at each term, so an estimate from below. */
  uncommittedBytes = 0;
  /** Leader: reads that came before an entry of its term was committed. */
  heldReads: Message[] = [];

  constructor(config: RaftConfig) {
    this.id = config.id;
    this.config = config;
    this.logger = config.logger;
    this.log = new RaftLog(config.storage, config.logger, config.maxCommittedSizePerReady);
    this.tracker = new Tracker(
      config.id,
      config.maxInflightMessages,
      config.maxInflightBytes,
      emptyConfState,
    );
  }

  softState(): SoftState {
    return { leader: this.leader, role: this.role };
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed };
  }

  /** Only a voter without a snapshot in hand may become leader: before that is applied its configuration is unknown. */
  promotable(): boolean {
    return this.tracker.isVoter(this.id) && this.log.unstable.snapshot === null;
  }

  committedInOwnTerm(): boolean {
    return this.log.matches(this.log.committed, this.term);
  }

  /** Sends with the term of this node. Proposals and reads carry none: they are not part of any term's protocol. */
  send(type: MessageType, to: MemberId, fields?: MessageFields): void {
    this.#enqueue(makeMessage(type, to, this.id, this.term, fields));
  }

  /** Votes name their term themselves: a pre-vote speaks of a term that nobody has entered. */
  sendInTerm(type: MessageType, to: MemberId, term: number, fields?: MessageFields): void {
    this.#enqueue(makeMessage(type, to, this.id, term, fields));
  }

  /** Passes a request on to the leader, in the name of whoever made it. */
  forward(message: Message, to: MemberId): void {
    const from = message.from === NONE ? this.id : message.from;
    const term = message.type === 'MsgProp' || message.type === 'MsgReadIndex' ? 0 : this.term;
    this.#enqueue(makeMessage(message.type, to, from, term, message));
  }

  #enqueue(message: Message): void {
    switch (message.type) {
      case 'MsgAppResp':
      case 'MsgVoteResp':
      case 'MsgPreVoteResp':
        this.messagesAfterAppend.push(message);
        return;
      default:
        assert(message.to !== this.id, 'only acknowledgements are sent to oneself');
        this.messages.push(message);
    }
  }

  reset(term: number): void {
    if (this.term !== term) {
      assert(term > this.term, 'the term never decreases');
      this.term = term;
      this.vote = NONE;
    }
    this.leader = NONE;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.randomizedElectionTicks =
      this.config.electionTicks + this.config.randomBelow(this.config.electionTicks);
    this.abortTransfer();
    this.tracker.resetVotes();
    this.tracker.resetProgress(this.log.lastIndex());
    this.pendingConfIndex = 0;
    this.uncommittedBytes = 0;
    this.reads.clear();
    this.heldReads = [];
  }

  abortTransfer(): void {
    this.leadTransferee = NONE;
  }

  becomeFollower(term: number, leader: MemberId): void {
    this.reset(term);
    this.leader = leader;
    this.role = 'follower';
    this.logger.info(`${this.id} became follower at term ${this.term}`);
  }

  becomeCandidate(): void {
    assert(this.role !== 'leader', 'a leader does not stand for election');
    this.reset(this.term + 1);
    this.vote = this.id;
    this.role = 'candidate';
    this.logger.info(`${this.id} became candidate at term ${this.term}`);
  }

  /** Changes neither term nor vote: a trial election must leave no trace (thesis §9.6). */
  becomePreCandidate(): void {
    assert(this.role !== 'leader', 'a leader does not stand for election');
    this.tracker.resetVotes();
    this.leader = NONE;
    this.role = 'pre-candidate';
    this.logger.info(`${this.id} became pre-candidate at term ${this.term}`);
  }

  /** Takes the role only; `openTerm` of replication.ts appends the entry that opens the term. */
  becomeLeader(): void {
    assert(this.role !== 'follower', 'only a candidate becomes leader');
    this.reset(this.term);
    this.leader = this.id;
    this.role = 'leader';
    const own = this.tracker.progress(this.id);
    assert(own !== undefined, 'a leader is a member of its configuration');
    own.becomeReplicate();
    own.recentActive = true;
    // Whatever is in the log may hold a change of configuration: none is added before it is applied (thesis §4.1).
    this.pendingConfIndex = this.log.lastIndex();
  }
}
