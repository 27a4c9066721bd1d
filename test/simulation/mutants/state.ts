/** Wrong ways with the replicated state, its clients and its readers. */
import { decodeProposal, encodeProposal } from '../../../src/chat/codecs/codec.ts';
import type { ChatEvent, Result } from '../../../src/chat/vocabulary/types.ts';
import { Cursors } from '../../../src/delivery/cursors.ts';
import type { CommittedCommand, StateMachine } from '../../../src/replication/ports/state-machine.ts';
import { Proposals } from '../../../src/replication/requests/proposals.ts';
import { engineWith } from '../engine-with.ts';
import type { Machine } from '../machine.ts';
import { faithful } from '../wiring.ts';
import { type Mutant, replaceMethod, wired } from './mutant.ts';

type Rows = AsyncIterable<readonly [key: string, value: Uint8Array]>;

/** A machine that is given something else than what was committed, or loads something else than what is stored. */
function changed(
  machine: StateMachine<Result, ChatEvent>,
  changes: {
    readonly entry?: (entry: CommittedCommand) => CommittedCommand;
    readonly rows?: (rows: Rows) => Rows;
  },
): StateMachine<Result, ChatEvent> {
  const { entry = (same) => same, rows = (same) => same } = changes;
  return {
    apply: (committed) => machine.apply(entry(committed)),
    takeChanges: () => machine.takeChanges(),
    load: (stored, clusterMs) => machine.load(rows(stored), clusterMs),
  };
}

const staleRead: Mutant = {
  name: 'stale-read',
  does: 'every node reads from what it has applied, without asking anybody',
  profile: 'network',
  wiring: wired({ engine: (engine) => engineWith(engine, { barrier: async () => undefined }) }),
};

const barrierShared: Mutant = {
  name: 'barrier-shared',
  does: 'who asks for a barrier while one is under way gets the answer of that one, which may be older than the question',
  profile: 'network',
  wiring: wired({
    engine: (engine) => {
      let underWay: Promise<void> | null = null;
      const barrier = (): Promise<void> => {
        underWay ??= engine.barrier().finally(() => {
          underWay = null;
        });
        return underWay;
      };
      return engineWith(engine, { barrier });
    },
  }),
};

const readWithoutQuorum: Mutant = {
  name: 'read-without-quorum',
  does: 'a node that takes itself for the leader reads without asking a majority',
  profile: 'network',
  wiring: wired({
    engine: (engine) =>
      engineWith(engine, {
        barrier: async () => {
          if (engine.status().role !== 'leader') await engine.barrier();
        },
      }),
  }),
};

async function* without(prefix: string, rows: Rows): Rows {
  for await (const row of rows) if (!row[0].startsWith(prefix)) yield row;
}

const noSessionsInSnapshot: Mutant = {
  name: 'sequence-table-missing',
  does: 'a snapshot brings no sessions, and with them no answers to retries',
  profile: 'membership',
  wiring: wired({
    machine: (machine) => {
      let loads = 0;
      // The first time it is its own state, after that a snapshot's.
      return changed(machine, { rows: (rows) => (loads++ === 0 ? rows : without('s/', rows)) });
    },
  }),
};

const noSessionsAfterRestart: Mutant = {
  name: 'dedupe-forgotten',
  does: 'a node that starts again has forgotten which requests were answered',
  profile: 'storage',
  wiring: wired({ machine: (machine) => changed(machine, { rows: (rows) => without('s/', rows) }) }),
};

/** What each machine applied last, before its process ended. */
const lastApplied = new WeakMap<Machine, CommittedCommand[]>();
const REPEATED = 8;

const applyTwice: Mutant = {
  name: 'apply-twice',
  does: 'a node that starts again applies its last entries once more',
  profile: 'storage',
  wiring: wired({
    machine: (machine, place) => {
      const before = lastApplied.get(place.machine) ?? [];
      const applied: CommittedCommand[] = [];
      lastApplied.set(place.machine, applied);
      return {
        apply: (entry) => {
          for (const again of before.splice(0)) if (again.index < entry.index) machine.apply(again);
          applied.push(entry);
          if (applied.length > REPEATED) applied.shift();
          return machine.apply(entry);
        },
        takeChanges: () => machine.takeChanges(),
        load: (rows, clusterMs) => machine.load(rows, clusterMs),
      };
    },
  }),
};

const localExpiry: Mutant = {
  name: 'session-expiry-by-local-clock',
  does: 'a node judges the age of sessions by its own clock',
  profile: 'everything',
  wiring: wired({
    machine: (machine, { clock }) =>
      changed(machine, {
        entry: (entry) => ({ ...entry, time: { ...entry.time, clusterMs: clock.monotonicMs() } }),
      }),
  }),
};

const cursorBack: Mutant = {
  name: 'cursor-moved-back',
  does: 'a delivery cursor is put one message back',
  profile: 'calm',
  wiring: wired({
    machine: (machine) =>
      changed(machine, {
        entry: (entry) => {
          const proposal = decodeProposal(entry.command);
          if (proposal?.command.kind !== 'advance-cursors') return entry;
          const cursors = proposal.command.cursors.map((one) => ({ ...one, delivered: one.delivered - 1 }));
          return {
            ...entry,
            command: encodeProposal({ ...proposal, command: { ...proposal.command, cursors } }),
          };
        },
      }),
  }),
};

/** Proposals of one life of a node that are looked at. */
const COUNTERS = 3_000;

const proposedAgain: Mutant = {
  name: 'proposed-again',
  does: 'when the leader changes, a node takes what it had sent to the old one for lost and proposes it anew',
  profile: 'network',
  wiring: faithful,
  patch: () =>
    replaceMethod(
      Proposals.prototype,
      'leaderChanged',
      (original) =>
        function (this: Proposals<unknown>): void {
          original.call(this);
          this.refused(Array.from({ length: COUNTERS }, (_, i) => i + 1));
        },
    ),
};

const outboxSkips: Mutant = {
  name: 'outbox-skips',
  does: 'after a reconnection delivery begins a few entries too late',
  profile: 'network',
  wiring: wired({
    socket: (socket) => {
      const { on } = socket;
      socket.on = (event, listener) =>
        on.call(socket, event, (data, isBinary) => {
          const text = String(data).replace(
            /("op":"hello".*"after":)(\d+)/,
            (_, before: string, index: string) => `${before}${Number(index) + 4}`,
          );
          listener(Buffer.from(text), isBinary);
        });
      return socket;
    },
  }),
};

const deliveredAhead: Mutant = {
  name: 'delivered-ahead',
  does: 'a node notes one message more as delivered than its reader has had',
  profile: 'sessions',
  wiring: faithful,
  patch: () =>
    replaceMethod(
      Cursors.prototype,
      'advance',
      (original) =>
        function (this: Cursors, account, conversation, delivered): void {
          original.call(this, account, conversation, delivered + 1);
        },
    ),
};

const revisionBehind: Mutant = {
  name: 'revision-behind',
  does: 'a read shows a message that was amended under the revision before',
  profile: 'amendments',
  wiring: wired({
    socket: (socket) => {
      const { send } = socket;
      socket.send = (frame, taken) => {
        const lowered = frame.replace(
          /"revision":(\d+)/g,
          (_, of: string) => `"revision":${Math.max(1, Number(of) - 1)}`,
        );
        send.call(socket, frame.includes('"messages":') ? lowered : frame, taken);
      };
      return socket;
    },
  }),
};

export const stateMutants: readonly Mutant[] = [
  staleRead,
  readWithoutQuorum,
  barrierShared,
  noSessionsInSnapshot,
  noSessionsAfterRestart,
  applyTwice,
  localExpiry,
  cursorBack,
  proposedAgain,
  outboxSkips,
  deliveredAhead,
  revisionBehind,
];
