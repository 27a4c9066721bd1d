import type { MemberId } from '../raft/index.ts';
import type { StorageStatus } from './engine.ts';
import { encodeFrame, type StorageReport } from './peer-frames.ts';
import type { PeerTransport } from './ports.ts';
import type { Found } from './recovery.ts';
import { StateGuard, type StateGuardOptions } from './state-guard.ts';
import { StateKeeper, type StateKeeperOptions } from './state-keeper.ts';

export interface StorageHealthOptions
  extends Omit<StateKeeperOptions, 'peers'>,
    Omit<StateGuardOptions, 'keeper'> {
  readonly transport: PeerTransport;
  readonly dropped: (reason: string) => void;
}

/** What a node does about its disk, and tells the others of it. */
export class StorageHealth {
  readonly #options: StorageHealthOptions;
  readonly keeper: StateKeeper;
  readonly #guard: StateGuard;
  #report: StorageReport = { lacksRoom: false, digest: null };

  constructor(options: StorageHealthOptions) {
    this.#options = options;
    const { links, replaced } = options;
    this.keeper = new StateKeeper({
      ...options,
      peers: () => links.nodes(),
      replaced: (mark) => {
        this.#guard.replaced();
        replaced(mark);
      },
    });
    this.#guard = new StateGuard({ ...options, keeper: this.keeper });
  }

  /** `discarded`: why a state that was found is not used, a sentence. */
  start(found: Found, discarded: string | null): void {
    this.#options.store.watch({
      damaged: (damage) => this.#guard.damaged(damage),
      digest: (index, digest) => {
        this.#guard.compare(this.#options.self, index, digest);
        this.#tellAll({ ...this.#report, digest: { index, digest } });
      },
    });
    const { repaired } = this.#options.log.recovered;
    if (repaired !== null) this.keeper.logBegunAnew(repaired);
    this.keeper.begin(found, discarded);
  }

  stop(): void {
    this.keeper.stop();
    this.#guard.stop();
  }

  linkUp(node: number): void {
    this.#tell(node);
    this.keeper.linkUp();
  }

  heard(member: MemberId, { digest }: StorageReport): void {
    if (digest !== null) this.#guard.compare(member, digest.index, digest.digest);
  }

  alarms(): readonly string[] {
    return [...this.keeper.alarms(), ...this.#guard.alarms()];
  }

  status(): StorageStatus {
    return { rebuilds: this.keeper.rebuilds, checkedIndex: this.#guard.checkedIndex };
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
