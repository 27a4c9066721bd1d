/** Wrong ways of consensus: votes, terms, commitment, the log. */
import { Core } from '../../../src/raft/core.ts';
import { RaftLog } from '../../../src/raft/raft-log.ts';
import { RawNode } from '../../../src/raft/raw-node.ts';
import { Tracker } from '../../../src/raft/tracker.ts';
import { decodeFrame } from '../../../src/replication/formats/peer-frames.ts';
import type { PeerTransport } from '../../../src/replication/ports/peer-transport.ts';
import type { LogStore } from '../../../src/wal/log-store.ts';
import type { Machine } from '../machine.ts';
import { withSmallAppends } from '../small-appends.ts';
import { faithful } from '../wiring.ts';
import { type Mutant, replaceMethod, wired } from './mutant.ts';

/** A log with another `append`. */
function appending(log: LogStore, append: LogStore['append']): LogStore {
  return {
    get recovered() {
      return log.recovered;
    },
    get bytes() {
      return log.bytes;
    },
    append,
    restart: (start, keep) => log.restart(start, keep),
    seal: () => log.seal(),
    close: () => log.close(),
  };
}

const ackBeforeFsync: Mutant = {
  name: 'ack-before-fsync',
  does: 'tells that an entry is durable when it is only on its way to the disk',
  profile: 'storage',
  wiring: wired({
    log: (log) =>
      appending(log, (write) => {
        log.append(write).catch(() => undefined);
        return Promise.resolve();
      }),
  }),
};

const voteNotPersisted: Mutant = {
  name: 'vote-not-persisted',
  does: 'writes the term and not the vote',
  profile: 'storage',
  wiring: wired({
    log: (log) =>
      appending(log, ({ hardState, entries }) =>
        log.append({ hardState: hardState === null ? null : { ...hardState, vote: 0 }, entries }),
      ),
  }),
};

/** Each append comes once more, behind the next one: what a network may do, here done always. */
function withEchoes(transport: PeerTransport): PeerTransport {
  const send = transport.send.bind(transport);
  const before = new Map<number, Uint8Array>();
  transport.send = (node, lane, frame) => {
    const taken = send(node, lane, frame);
    if (lane !== 'bulk' || decodeFrame(frame)?.kind !== 'raft') return taken;
    const echo = before.get(node);
    if (echo !== undefined) send(node, lane, echo);
    before.set(node, frame);
    return taken;
  };
  return transport;
}

const commitOlderTerm: Mutant = {
  name: 'commit-older-term',
  does: 'a leader commits entries of earlier terms by counting who has them',
  profile: 'elections',
  wiring: wired({ transport: (transport) => withSmallAppends(transport) }),
  patch: () =>
    replaceMethod(
      RaftLog.prototype,
      'maybeCommit',
      (original) =>
        function (this: RaftLog, index: number): boolean {
          return original.call(this, index, this.term(index) ?? 0);
        },
    ),
};

const commitWithoutMajority: Mutant = {
  name: 'commit-without-majority',
  does: 'a leader commits what it alone has',
  profile: 'network',
  wiring: faithful,
  patch: () =>
    replaceMethod(
      Tracker.prototype,
      'committed',
      () =>
        function (this: Tracker): number {
          return Math.max(0, ...this.ids.map((id) => this.progress(id)?.match ?? 0));
        },
    ),
};

const truncateCommitted: Mutant = {
  name: 'truncate-committed',
  does: 'a follower cuts its log after every append, also after one that comes late',
  profile: 'network',
  wiring: wired({ transport: (transport) => withEchoes(transport) }),
  patch: () =>
    replaceMethod(
      RaftLog.prototype,
      'maybeAppend',
      () =>
        function (this: RaftLog, prevIndex, prevTerm, entries, commit): number | null {
          if (!this.matches(prevIndex, prevTerm)) return null;
          const last = prevIndex + entries.length;
          if (entries.length > 0) this.unstable.truncateAndAppend(entries, 0);
          if (last <= this.lastIndex()) this.commitTo(Math.min(commit, last));
          return last;
        },
    ),
};

const twoChanges: Mutant = {
  name: 'two-changes-at-once',
  does: 'a leader lets a change of members into the log while another one is not applied',
  profile: 'membership',
  wiring: faithful,
  patch: () => {
    const unchecked = replaceMethod(
      Core.prototype,
      'becomeLeader',
      (original) =>
        function (this: Core): void {
          original.call(this);
          Object.assign(this.config, { disableConfChangeValidation: true });
        },
    );
    const doubled = replaceMethod(
      RawNode.prototype,
      'proposeConfChange',
      (original) =>
        function (this: RawNode, change): void {
          original.call(this, change);
          original.call(this, change);
        },
    );
    return () => {
      doubled();
      unchecked();
    };
  },
};

const leaderNotSpared: Mutant = {
  name: 'leader-not-spared',
  does: 'a node that hears a leader votes for whoever does not hear it, and a leader that hears nobody goes on',
  profile: 'partial',
  wiring: faithful,
  patch: () =>
    replaceMethod(
      Core.prototype,
      'becomeFollower',
      (original) =>
        function (this: Core, term, leader): void {
          original.call(this, term, leader);
          Object.assign(this.config, { checkQuorum: false });
        },
    ),
};

/** Identities that a machine had first, whatever became of its disk. */
const firstIncarnation = new WeakMap<Machine, number>();

const rejoinAfterWipe: Mutant = {
  name: 'rejoin-after-wipe',
  does: 'a node that lost its disk takes part as the member that it was',
  profile: 'membership',
  wiring: wired({
    identity: (identity, { machine }) => {
      const incarnation = firstIncarnation.get(machine) ?? identity.incarnation;
      firstIncarnation.set(machine, incarnation);
      return {
        incarnation,
        get founded() {
          return identity.founded;
        },
        get installing() {
          return identity.installing;
        },
        get removed() {
          return identity.removed;
        },
        get lost() {
          return identity.lost;
        },
        markFounded: () => identity.markFounded(),
        markInstalling: (place) => identity.markInstalling(place),
        markRemoved: () => identity.markRemoved(),
        markLost: (lost) => identity.markLost(lost),
      };
    },
  }),
};

export const consensusMutants: readonly Mutant[] = [
  ackBeforeFsync,
  voteNotPersisted,
  commitOlderTerm,
  commitWithoutMajority,
  truncateCommitted,
  twoChanges,
  leaderNotSpared,
  rejoinAfterWipe,
];
