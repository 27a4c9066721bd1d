/** Which faults a run may meet. A seed picks some of them, so that rare ones are not always drowned by the rest. */
import type { FaultKind } from './faults.ts';

export const profileNames = [
  'calm',
  'network',
  'partial',
  'elections',
  'storage',
  'room',
  'damage',
  'clocks',
  'membership',
  'clients',
  'sessions',
  'amendments',
  'files',
  'everything',
] as const;
export type ProfileName = (typeof profileNames)[number];

export interface Profile {
  /** With their weights. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** Of all that the profile allows, a seed picks each kind with this chance. */
  readonly pick: number;
  /** Mean time between two faults. */
  readonly everyMs: number;
  /** Messages are edited, deleted and reacted to as well. */
  readonly amends?: true;
  /** Files are sent as well. */
  readonly sendsFiles?: true;
  /** Every other deed is one of those who contend for names: they log in all the time. */
  readonly contends?: true;
  /** A majority that is well has to serve meanwhile. */
  readonly watchesMajority?: true;
}

const network: Profile['faults'] = {
  cut: 3,
  silence: 3,
  isolate: 4,
  reset: 3,
  'bad-network': 4,
  'slow-network': 1,
  pause: 3,
  kill: 3,
  'hand-over': 2,
  depose: 3,
  'client-silence': 2,
  'client-slow': 2,
  'client-reset': 2,
  'client-restart': 1,
};

const storage: Profile['faults'] = {
  kill: 3,
  power: 5,
  'power-all': 2,
  stop: 2,
  'slow-disk': 3,
  'failing-disk': 3,
  'full-disk': 3,
  flip: 1,
  hole: 1,
};

const clocks: Profile['faults'] = { 'wall-jump': 4, drift: 1 };

const membership: Profile['faults'] = {
  wipe: 3,
  retire: 3,
  kill: 3,
  power: 2,
  isolate: 3,
  pause: 1,
  'hand-over': 2,
  'bad-network': 1,
};

const all: Profile['faults'] = { ...network, ...storage, ...clocks, wipe: 1, retire: 1 };

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  calm: { faults: { 'hand-over': 1 }, pick: 1, everyMs: 25_000 },
  network: { faults: network, pick: 0.6, everyMs: 4_000 },
  /** Some nodes do not hear some others, who hear the rest. */
  partial: {
    faults: { cut: 6, silence: 5, isolate: 2, pause: 1, kill: 1 },
    pick: 0.8,
    everyMs: 5_000,
    watchesMajority: true,
  },
  /** Leaders that are hardly elected and gone: terms with entries that only one node has. */
  elections: { faults: { depose: 5, isolate: 2, 'hand-over': 1, kill: 1 }, pick: 1, everyMs: 5_000 },
  storage: { faults: storage, pick: 0.6, everyMs: 4_000 },
  /** Disks that fill up under nodes that are killed and started again. */
  room: { faults: { 'full-disk': 4, kill: 2, power: 3, stop: 1 }, pick: 1, everyMs: 3_000 },
  /** A disk that cannot be trusted, and nodes that are started again, so that what it holds is looked at. */
  damage: {
    faults: { rot: 8, flip: 1, hole: 1, kill: 2, power: 1, stop: 2, 'hand-over': 2, isolate: 1 },
    pick: 1,
    everyMs: 2_500,
  },
  /** Nothing else: with clocks alone gone wrong no election may happen. */
  clocks: { faults: clocks, pick: 1, everyMs: 2_500 },
  membership: { faults: membership, pick: 0.7, everyMs: 4_000 },
  /** Programs that are killed, and move, on slow and broken ways to nodes that are well. */
  clients: {
    faults: { 'client-slow': 4, 'client-restart': 4, 'client-silence': 2, 'client-reset': 2, 'hand-over': 5 },
    pick: 1,
    everyMs: 1_500,
    contends: true,
  },
  /** People who begin a new session again and again, at nodes that are killed before they have passed on what was had in the last one. */
  sessions: {
    faults: {
      'client-anew': 6,
      'client-restart': 1,
      'client-reset': 1,
      'client-slow': 1,
      'hand-over': 2,
      isolate: 1,
      kill: 3,
    },
    pick: 1,
    everyMs: 1_500,
  },
  amendments: { faults: all, pick: 0.5, everyMs: 3_500, amends: true },
  files: { faults: all, pick: 0.5, everyMs: 3_500, sendsFiles: true },
  everything: { faults: all, pick: 0.5, everyMs: 3_500 },
};

export function isProfile(name: string): name is ProfileName {
  return profileNames.some((known) => known === name);
}
