import { assert } from '../base/assert.ts';
import { encodeConfChange } from './conf-change.ts';
import { checkConfig } from './config.ts';
import { Core } from './core.ts';
import { entriesSize } from './entries.ts';
import { adoptConfiguration, applyConfChange, setObservers } from './membership.ts';
import { isLocalType, isResponseType, isStorageThread, localMessage } from './messages.ts';
import { step, tick } from './step.ts';
import {
  storageAppendMessage,
  storageAppendResponse,
  storageApplyMessage,
  storageApplyResponse,
} from './storage-messages.ts';
import {
  type BasicStatus,
  type ConfChange,
  type ConfState,
  type Entry,
  type HardState,
  type MemberId,
  type Message,
  NONE,
  type ProposalRefusal,
  type RaftConfig,
  RaftError,
  type RaftStatus,
  type Ready,
  type SoftState,
} from './types.ts';

/**
 * One member of a Raft group, as its driver sees it: inputs are `step`, `tick` and the requests; the output is `ready()`.
 * Nothing happens in between; the same inputs in the same order give the same outputs.
 *
 * Synchronous mode: `ready()`, persist, send, apply, `advance()`. Asynchronous mode (`asyncStorageWrites`): the work for the disk
 * and for the state machine comes as MsgStorageAppend and MsgStorageApply among the messages, each lane done in order;
 * the `responses` they carry are stepped or sent once that work is durable or applied; no `advance()`.
 *
 * `ready()` hands its work out: it must be called only when the driver will do that work.
 */
export class RawNode {
  readonly #core: Core;
  readonly #asyncWrites: boolean;
  #lastSoftState: SoftState;
  #lastHardState: HardState;
  /** Synchronous mode: what this node tells itself once the driver has done the work of the last Ready. */
  #stepsOnAdvance: Message[] = [];

  /** Starts from what `config.storage` holds. Throws `CodedError` CONFIG_INVALID. */
  constructor(config: RaftConfig) {
    checkConfig(config);
    const core = new Core(config);
    const { hardState, confState } = config.storage.initialState();
    adoptConfiguration(core, confState);
    core.term = hardState.term;
    core.vote = hardState.vote;
    // What was compacted or applied was committed, even if the disk lost the note of it (a commit index alone is not synced).
    core.log.commitTo(Math.max(hardState.commit, config.applied));
    if (config.applied > 0) core.log.appliedTo(config.applied, 0);
    core.becomeFollower(core.term, NONE);
    config.logger.info(
      `newRaft ${core.id} [peers: [${core.tracker.confState.voters.join(',')}], term: ${core.term}, ` +
        `commit: ${core.log.committed}, applied: ${core.log.applied}, lastindex: ${core.log.lastIndex()}, ` +
        `lastterm: ${core.log.lastTerm()}]`,
    );
    this.#core = core;
    this.#asyncWrites = config.asyncStorageWrites;
    this.#lastSoftState = core.softState();
    this.#lastHardState = core.hardState();
  }

  /** Stands for election now, by way of a pre-vote where that is configured. Without effect on a leader or a non-voter. */
  campaign(): void {
    this.#step(localMessage('MsgHup', NONE));
  }

  /** Asks to append. Throws `RaftError` proposal-dropped: certainly not appended, and never will be. */
  propose(data: Uint8Array): void {
    this.proposeAll([data]);
  }

  /** Asks to append many at once, together or not at all: one append to each peer for all of them. */
  proposeAll(data: readonly Uint8Array[]): void {
    const entries = data.map((bytes): Entry => ({ term: 0, index: 0, type: 'normal', data: bytes }));
    this.#stepOrThrow(localMessage('MsgProp', this.#core.id, { entries }));
  }

  /**
   * Asks to change the configuration. An untimely change (another is not applied yet, or it does not fit a joint state)
   * becomes an empty entry. Throws `RaftError` proposal-dropped, or invalid-conf-change when it could never be applied.
   */
  proposeConfChange(change: ConfChange): void {
    const type = change.version === 1 ? 'conf-change' : 'conf-change-v2';
    const entry: Entry = { term: 0, index: 0, type, data: encodeConfChange(change) };
    this.#stepOrThrow(localMessage('MsgProp', this.#core.id, { entries: [entry] }));
  }

  /**
   * A message from a peer or from a storage thread. The driver vouches for `from`: the core believes it.
   * Throws `RaftError`: step-local-message, step-peer-not-found (an answer from a stranger), proposal-dropped.
   */
  step(message: Message): void {
    const fromStorage = isStorageThread(message.from);
    if (isLocalType(message.type) && !fromStorage) {
      throw new RaftError('step-local-message', 'raft: cannot step raft local message');
    }
    const answer = isResponseType(message.type) && !fromStorage;
    if (answer && this.#core.tracker.progress(message.from) === undefined) {
      throw new RaftError('step-peer-not-found', 'raft: cannot step as peer not found');
    }
    this.#stepOrThrow(message);
  }

  /** One unit of logical time. */
  tick(): void {
    tick(this.#core);
  }

  /** Whether `ready()` has anything to hand out. */
  hasReady(): boolean {
    const core = this.#core;
    return (
      core.messages.length > 0 ||
      core.messagesAfterAppend.length > 0 ||
      core.readStates.length > 0 ||
      core.log.unstable.hasNextEntries() ||
      core.log.hasNextCommitted(!this.#asyncWrites) ||
      core.log.unstable.nextSnapshot() !== null ||
      this.#changedSoftState() !== null ||
      this.#changedHardState() !== null
    );
  }

  /** Everything to be done since the last one; it counts as handed out. */
  ready(): Ready {
    const core = this.#core;
    const entries = core.log.nextUnstableEntries();
    const hardState = this.#changedHardState();
    const ready = {
      softState: this.#changedSoftState(),
      hardState,
      readStates: core.readStates,
      entries,
      snapshot: core.log.unstable.nextSnapshot(),
      committedEntries: core.log.nextCommitted(!this.#asyncWrites),
      messages: core.messages,
      // A commit index alone may be lost: it is learnt again. Term, vote and entries may not (thesis §3.8).
      mustSync:
        entries.length > 0 ||
        core.term !== this.#lastHardState.term ||
        core.vote !== this.#lastHardState.vote,
    };
    if (this.#asyncWrites) this.#addStorageMessages(ready);
    else this.#addSynchronousMessages(ready);
    this.#accept(ready);
    return ready;
  }

  #addStorageMessages(ready: Ready & { readonly messages: Message[] }): void {
    const append = storageAppendMessage(this.#core, ready);
    if (append !== null) ready.messages.push(append);
    const apply = storageApplyMessage(this.#core, ready.committedEntries);
    if (apply !== null) ready.messages.push(apply);
  }

  #addSynchronousMessages(ready: Ready & { readonly messages: Message[] }): void {
    const core = this.#core;
    assert(this.#stepsOnAdvance.length === 0, 'each Ready is followed by advance() before the next');
    for (const message of core.messagesAfterAppend) {
      if (message.to === core.id) this.#stepsOnAdvance.push(message);
      else ready.messages.push(message);
    }
    const stable = storageAppendResponse(core, ready.snapshot);
    if (stable !== null) this.#stepsOnAdvance.push(stable);
    if (ready.committedEntries.length > 0) {
      this.#stepsOnAdvance.push(storageApplyResponse(core, ready.committedEntries));
    }
  }

  #accept(ready: Ready): void {
    const core = this.#core;
    if (ready.softState !== null) this.#lastSoftState = ready.softState;
    if (ready.hardState !== null) this.#lastHardState = ready.hardState;
    core.readStates = [];
    core.messages = [];
    core.messagesAfterAppend = [];
    core.log.unstable.acceptInProgress();
    const last = ready.committedEntries[ready.committedEntries.length - 1];
    if (last !== undefined) {
      core.log.acceptApplying(last.index, entriesSize(ready.committedEntries), !this.#asyncWrites);
    }
  }

  /** Synchronous mode: the work of the last Ready is done. */
  advance(): void {
    assert(!this.#asyncWrites, 'advance() belongs to the synchronous mode');
    const steps = this.#stepsOnAdvance;
    this.#stepsOnAdvance = [];
    for (const message of steps) this.#step(message);
  }

  /** To be called for each committed change of configuration, in order. Throws `RaftError` when it does not fit. */
  applyConfChange(change: ConfChange): ConfState {
    return applyConfChange(this.#core, change);
  }

  /** Asks the leader to hand over to `transferee`. May come to nothing: watch who leads. */
  transferLeader(transferee: MemberId): void {
    this.#step(localMessage('MsgTransferLeader', transferee));
  }

  /** The leader is known to be gone: grant pre-votes to others at once. Without effect on a leader, or with leases. */
  forgetLeader(): void {
    this.#step(localMessage('MsgForgetLeader', NONE));
  }

  /**
   * Asks for a read index; it comes back in `readStates` with this context, or never: ask again after a while. `context` is
   * unique within the cluster.
   */
  readIndex(context: Uint8Array): void {
    this.#step(localMessage('MsgReadIndex', NONE, { context }));
  }

  /** A message to that peer was probably lost. */
  reportUnreachable(id: MemberId): void {
    this.#step(localMessage('MsgUnreachable', id));
  }

  /** How the sending of a snapshot to that peer ended. Without it nothing more is sent to a peer that did not get one. */
  reportSnapshot(id: MemberId, ok: boolean): void {
    this.#step(localMessage('MsgSnapStatus', id, { reject: !ok }));
  }

  /** Who, outside the configuration, is to be kept up to date whenever this node leads. Own id and members are ignored. */
  setObservers(ids: ReadonlySet<MemberId>): void {
    setObservers(this.#core, ids);
  }

  /** All there is to know; on a leader it costs something for each peer. */
  status(): RaftStatus {
    const core = this.#core;
    const peers = core.role === 'leader' ? core.tracker.ids : [];
    return {
      id: core.id,
      hardState: core.hardState(),
      softState: core.softState(),
      applied: core.log.applied,
      confState: core.tracker.confState,
      leadTransferee: core.leadTransferee,
      peers: peers.flatMap((id) => core.tracker.progress(id)?.status(id) ?? []),
    };
  }

  /** What is cheap to know. */
  basicStatus(): BasicStatus {
    const core = this.#core;
    return {
      id: core.id,
      term: core.term,
      vote: core.vote,
      commit: core.log.committed,
      leader: core.leader,
      role: core.role,
      applied: core.log.applied,
      lastIndex: core.log.lastIndex(),
      lastTerm: core.log.lastTerm(),
      leadTransferee: core.leadTransferee,
      committedInOwnTerm: core.role === 'leader' && core.committedInOwnTerm(),
    };
  }

  /** For tests and scripts; drawn anew at each change of term or role. */
  get randomizedElectionTicks(): number {
    return this.#core.randomizedElectionTicks;
  }

  set randomizedElectionTicks(ticks: number) {
    this.#core.randomizedElectionTicks = ticks;
  }

  #changedSoftState(): SoftState | null {
    const { leader, role } = this.#core;
    const same = leader === this.#lastSoftState.leader && role === this.#lastSoftState.role;
    return same ? null : { leader, role };
  }

  #changedHardState(): HardState | null {
    const { term, vote, log } = this.#core;
    const last = this.#lastHardState;
    const same = term === last.term && vote === last.vote && log.committed === last.commit;
    return same ? null : { term, vote, commit: log.committed };
  }

  #step(message: Message): ProposalRefusal | null {
    return step(this.#core, message);
  }

  #stepOrThrow(message: Message): void {
    const refusal = this.#step(message);
    if (refusal === null) return;
    const text =
      refusal === 'invalid-conf-change' ? 'raft: conf change cannot be applied' : 'raft proposal dropped';
    throw new RaftError(refusal, text);
  }
}
