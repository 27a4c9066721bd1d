import type { Disk } from '../../base/disk.ts';
import { MIB } from '../../base/limits.ts';
import type { MemberId } from '../../raft/index.ts';
import { noMembers, votersOf } from '../formats/members.ts';
import { encodeFrame, type StorageReport } from '../formats/peer-frames.ts';
import type { StorageStatus } from '../ports/engine.ts';
import type { PeerTransport } from '../ports/peer-transport.ts';
import type { Found } from '../replica/recovery.ts';
import { DiskRoom, defaultRoom, type RoomSettings } from '../storage/disk-room.ts';
import { StateGuard, type StateGuardOptions } from './state-guard.ts';
import { StateKeeper, type StateKeeperOptions } from './state-keeper.ts';

export interface StorageHealthOptions
  extends Omit<StateKeeperOptions, 'peers'>,
    Omit<StateGuardOptions, 'keeper'> {
  readonly transport: PeerTransport;
  readonly disk?: Pick<Disk, 'space'>;
  readonly room?: RoomSettings;
  /** Asks one of these voters to take over, when this node leads. */
  readonly relieve: (mayLead: (member: MemberId) => boolean) => void;
  readonly dropped: (reason: string) => void;
}

/** What a node does about its disk, and tells the others of it. */
export class StorageHealth {
  readonly #options: StorageHealthOptions;
  readonly keeper: StateKeeper;
  readonly #guard: StateGuard;
  readonly #room: DiskRoom | null;
  /** Members that have said that they lack room. */
  readonly #lacking = new Set<MemberId>();
  #report: StorageReport = { lacksRoom: false, digest: null };

  constructor(options: StorageHealthOptions) {
    this.#options = options;
    const { links, replaced } = options;
    this.keeper = new StateKeeper({
      ...options,
      peers: () => links.nodes(),
      replaced: (mark) => {
        this.#guard.replaced();
        this.#tellAll({ ...this.#report, digest: null });
        replaced(mark);
      },
    });
    this.#guard = new StateGuard({ ...options, keeper: this.keeper });
    const { disk, clock, room = defaultRoom } = options;
    const looked = (changed: boolean): void => this.#looked(changed);
    this.#room = disk === undefined ? null : new DiskRoom({ disk, clock, settings: room, looked });
  }

  /** On a majority of voters: an entry more could not be made durable for long. */
  get lacksRoom(): boolean {
    if (this.#lacking.size === 0) return false;
    const voters = this.#voters();
    const lacking = voters.filter((member) => this.#lacking.has(member));
    return lacking.length > voters.length / 2;
  }

  get takesProposals(): boolean {
    return this.takesEntries && !this.lacksRoom;
  }

  get takesEntries(): boolean {
    return this.#room?.level !== 'none';
  }

  /** `discarded`: why a state that was found is not used, a sentence. */
  start(found: Found, discarded: string | null): void {
    this.#options.store.watch({
      damaged: (damage) => this.#guard.damaged(damage),
      failed: (error) => this.#options.fatal(error),
      digest: (index, digest) => {
        this.#guard.compare(this.#options.self, index, digest);
        this.#tellAll({ ...this.#report, digest: { index, digest } });
      },
    });
    const { repaired } = this.#options.log.recovered;
    if (repaired !== null) this.keeper.logBegunAnew(repaired);
    this.keeper.begin(found, discarded);
    this.#room?.start();
  }

  stop(): void {
    this.#room?.stop();
    this.keeper.stop();
    this.#guard.stop();
  }

  linkUp(node: number): void {
    this.#tell(node);
    this.keeper.linkUp();
  }

  heard(member: MemberId, { lacksRoom, digest }: StorageReport): void {
    if (lacksRoom) this.#lacking.add(member);
    else this.#lacking.delete(member);
    if (digest === null) this.#guard.forget(member);
    else this.#guard.compare(member, digest.index, digest.digest);
  }

  alarms(): readonly string[] {
    return [...this.keeper.alarms(), ...this.#guard.alarms(), ...this.#roomAlarms()];
  }

  status(): StorageStatus {
    const { rebuilds } = this.keeper;
    return { rebuilds, checkedIndex: this.#guard.checkedIndex, room: this.#room?.figures ?? null };
  }

  #looked(changed: boolean): void {
    const { self, node, leader, relieve, logger } = this.#options;
    const lacksRoom = this.#room?.level !== 'ample';
    if (lacksRoom) this.#lacking.add(self);
    else this.#lacking.delete(self);
    if (changed) {
      logger.warn({ level: this.#room?.level, ...this.#room?.figures }, 'room on the disk');
      this.#tellAll({ ...this.#report, lacksRoom });
    }
    if (lacksRoom && leader() === node) relieve((member) => !this.#lacking.has(member));
  }

  #roomAlarms(): readonly string[] {
    const room = this.#room;
    const alarms: string[] = [];
    if (this.lacksRoom) alarms.push('disk: too little room on a majority of nodes: writes are refused');
    if (room === null || room.figures === null || room.level === 'ample') return alarms;
    const figures = `${inMib(room.figures.freeBytes)} free, mark ${inMib(room.figures.lowBytes)}`;
    const what = room.level === 'none' ? 'takes no entries' : 'gives up leading';
    return [...alarms, `disk: low on space (${figures}): until there is room this node ${what}`];
  }

  #voters(): readonly MemberId[] {
    return votersOf(this.#options.directory() ?? noMembers);
  }

  #tellAll(report: StorageReport): void {
    this.#report = report;
    for (const node of this.#options.links.nodes()) this.#tell(node);
  }

  #tell(node: number): void {
    const { transport, dropped } = this.#options;
    const frame = encodeFrame({ kind: 'storage', ...this.#report });
    if (!transport.send(node, 'control', frame)) dropped('storage-not-told');
  }
}

function inMib(bytes: number): string {
  return `${Math.floor(bytes / MIB)} MiB`;
}
