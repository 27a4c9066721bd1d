import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { AppliedMark, StateStore } from '../../store/state-store.ts';
import type { LogStore } from '../../wal/log-store.ts';
import { type Directory, decodeDirectory } from '../formats/members.ts';
import type { PeerTransport } from '../ports/peer-transport.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { CoreStart } from '../replica/driver.ts';
import { type Found, joinCopy, type KeptLog } from '../replica/recovery.ts';
import type { Identity } from '../storage/identity.ts';
import { StateRepair } from './state-repair.ts';

/** An alarm about what has been made good stays so long, for whoever has to look at the disk. */
const REMEMBERED_MS = 3_600_000;

export interface StateKeeperOptions {
  readonly identity: Identity;
  readonly log: LogStore;
  readonly store: StateStore;
  readonly transport: PeerTransport;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Nodes with a link now. */
  readonly peers: () => readonly number[];
  /** Takes no part any more, until `enter`; answers what the log holds. */
  readonly withdraw: () => Promise<KeptLog>;
  readonly machine: Pick<StateMachine<unknown, unknown>, 'load'>;
  /** Takes part from there on. */
  readonly enter: (core: CoreStart) => void;
  /** The machine holds another state than before. */
  readonly replaced: (mark: AppliedMark) => void;
  /** This node takes no part for a while. */
  readonly waiting: () => void;
  readonly fatal: (error: unknown) => void;
}

/** Sees to it that this node has a state that can be believed: gets another one in place of a lost one, and says so. */
export class StateKeeper {
  readonly #options: StateKeeperOptions;
  #repair: StateRepair | null = null;
  #directory: Directory | null = null;
  #made: { readonly text: string; readonly atMs: number } | null = null;
  #rebuilds = 0;
  #withdrawing = false;
  #stopped = false;

  constructor(options: StateKeeperOptions) {
    this.#options = options;
  }

  /** This node takes no part until it has a copy of the state. */
  get rebuilding(): boolean {
    return this.#repair !== null || this.#withdrawing;
  }

  /** Who the members are, as far as the log says without the state; null while no copy is awaited. */
  get directory(): Directory | null {
    return this.#directory;
  }

  /** Times that the state was replaced, or built anew from the log, since the start. */
  get rebuilds(): number {
    return this.#rebuilds;
  }

  alarms(): readonly string[] {
    if (this.#repair !== null) return [this.#repair.alarm];
    const made = this.#made;
    if (made === null || this.#options.clock.monotonicMs() - made.atMs > REMEMBERED_MS) return [];
    return [made.text];
  }

  /** `discarded`: why a state that was found is not used, a sentence. */
  begin(found: Found, discarded: string | null): void {
    switch (found.kind) {
      case 'nothing':
        return;
      case 'core':
        if (discarded !== null) this.#builtFromLog(discarded);
        this.#options.enter(found.core);
        return;
      case 'state-lost':
        this.#rebuild(found.log, discarded ?? 'it is older than the log goes back.', this.#options.peers);
        return;
      default:
        found satisfies never;
    }
  }

  /** `damage`: what was wrong with the log, a sentence. */
  logBegunAnew(damage: string): void {
    this.#options.logger.warn({ damage }, 'the log was begun anew behind the state, which has all of it');
    this.#remember(`log: begun anew, since the state had all of it: ${damage} Look at the disk.`);
  }

  #builtFromLog(reason: string): void {
    this.#options.logger.warn({ reason }, 'the state is built anew from the log');
    this.#remember(`state: built anew from the log, for this reason: ${reason} Look at the disk.`);
  }

  /** Gives up the state that is in force, for one of these peers. */
  async replace(reason: string, peers: () => readonly number[]): Promise<void> {
    if (this.rebuilding || this.#stopped) return;
    this.#withdrawing = true;
    const kept = await this.#options.withdraw();
    this.#withdrawing = false;
    if (!this.#stopped) this.#rebuild(kept, reason, peers);
  }

  /** Fetches a copy, joins it to the log that is kept, and resumes. */
  #rebuild(kept: KeptLog, reason: string, peers: () => readonly number[]): void {
    const { logger, store } = this.#options;
    const leastIndex = Math.max(kept.start.index, store.mark?.index ?? 0);
    logger.warn(
      { leastIndex, reason },
      'the state is rebuilt from another node; until then this one takes no part',
    );
    this.#directory = decodeDirectory(kept.start.data);
    this.#repair = new StateRepair({
      ...this.#options,
      peers,
      leastIndex,
      reason,
      done: (mark, node) => {
        const text = `state: rebuilt from node ${node}, for this reason: ${reason} Look at the disk.`;
        this.#resume(kept, mark, text).catch((error) => this.#options.fatal(error));
      },
    });
    this.#options.waiting();
    this.#repair.attempt();
  }

  linkUp(): void {
    this.#repair?.attempt();
  }

  stop(): void {
    this.#stopped = true;
    this.#repair?.stop();
  }

  async #resume(kept: KeptLog, mark: AppliedMark, text: string): Promise<void> {
    const { machine, store, enter, replaced } = this.#options;
    const core = await joinCopy(this.#options, kept);
    await machine.load(store.rows(), mark.clusterMs);
    if (this.#stopped) return;
    this.#repair = null;
    this.#directory = null;
    this.#remember(text);
    enter(core);
    replaced(mark);
  }

  #remember(text: string): void {
    this.#rebuilds++;
    this.#made = { text, atMs: this.#options.clock.monotonicMs() };
  }
}
