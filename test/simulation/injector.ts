/** Makes the planned faults happen, each in its time, and takes them back. */
import { type ClientNetwork, nearby } from './client-network.ts';
import { damageLog, damageState, rotState } from './damage.ts';
import type { Fault, FaultKind, PlannedFault } from './faults.ts';
import type { PeerNetwork } from './network.ts';
import type { Operator } from './operator.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import type { Tally } from './tally.ts';
import type { World } from './world.ts';

export interface InjectorOptions {
  readonly world: World;
  readonly cluster: SimulatedCluster;
  readonly peers: PeerNetwork;
  readonly clients: ClientNetwork;
  readonly injected: Tally;
  readonly operator: Operator;
  readonly restartClient: (client: number, anew: boolean) => void;
}

export class Injector {
  readonly #options: InjectorOptions;
  /** Faults are over: what is planned for later does not happen. */
  #over = false;
  #deposing: Extract<Fault, { kind: 'depose' }> | null = null;
  #depositions = 0;
  /** When each kind was done first. */
  readonly firstMs = new Map<FaultKind, number>();
  onFault: (fault: Fault) => void = () => undefined;

  constructor(options: InjectorOptions) {
    this.#options = options;
  }

  plan(faults: readonly PlannedFault[]): void {
    for (const { atMs, fault } of faults) {
      this.#at(atMs - this.#options.world.nowMs, () => {
        if (this.#over || !this.#inject(fault)) return;
        this.#options.injected.add(fault.kind);
        if (!this.firstMs.has(fault.kind)) this.firstMs.set(fault.kind, this.#options.world.nowMs);
        this.onFault(fault);
      });
    }
  }

  /** Everything is taken back, and every node started. */
  heal(): void {
    this.#over = true;
    const { cluster, clients, peers } = this.#options;
    peers.heal();
    for (const machine of cluster.machines) {
      const { faults } = machine.disk;
      Object.assign(faults, { failing: 0, freeBytes: Number.POSITIVE_INFINITY });
      faults.slowMs = { least: 0.2, spread: 1 };
      clients.restore(cluster.portOf(machine.node));
      clients.setDelay(cluster.portOf(machine.node), nearby);
      cluster.node(machine.node)?.host.resume();
      cluster.start(machine.node);
    }
  }

  #at(delayMs: number, action: () => void): void {
    this.#options.world.after(delayMs, 'fault', null, action);
  }

  #undo(forMs: number, action: () => void): void {
    this.#at(forMs, () => {
      if (!this.#over) action();
    });
  }

  /** False when it cannot be. One disk at a time is lost, and the next only when the cluster is whole again. */
  #inject(fault: Fault): boolean {
    const { operator } = this.#options;
    switch (fault.kind) {
      case 'kill':
      case 'power':
      case 'power-all':
      case 'stop':
      case 'pause':
      case 'hand-over':
        return this.#ofProcess(fault);
      case 'retire':
        if (!operator.claim(fault.node)) return false;
        operator.retire(fault.node);
        return true;
      case 'depose':
      case 'cut':
      case 'silence':
      case 'isolate':
      case 'reset':
      case 'bad-network':
      case 'slow-network':
        return this.#ofNetwork(fault);
      case 'slow-disk':
      case 'failing-disk':
      case 'full-disk':
      case 'flip':
      case 'hole':
      case 'rot':
      case 'wipe':
        return this.#ofDisk(fault);
      case 'wall-jump':
      case 'drift':
        return this.#ofClock(fault);
      case 'client-silence':
      case 'client-slow':
      case 'client-reset':
      case 'client-restart':
      case 'client-anew':
        return this.#ofClients(fault);
    }
  }

  #ofProcess(
    fault: Extract<Fault, { kind: 'kill' | 'power' | 'power-all' | 'stop' | 'pause' | 'hand-over' }>,
  ): boolean {
    const { cluster } = this.#options;
    switch (fault.kind) {
      case 'kill':
      case 'power':
        if (cluster.node(fault.node) === undefined) return false;
        cluster.kill(fault.node, fault.kind === 'power');
        this.#undo(fault.forMs, () => cluster.start(fault.node));
        return true;
      case 'power-all':
        for (const { node } of cluster.machines) {
          cluster.kill(node, true);
          this.#undo(fault.forMs, () => cluster.start(node));
        }
        return true;
      case 'stop':
        if (cluster.node(fault.node)?.engine == null) return false;
        void cluster.stop(fault.node).then(() => {
          // Also when the faults are over by then.
          this.#at(fault.forMs, () => cluster.start(fault.node));
        });
        return true;
      case 'pause': {
        const host = cluster.node(fault.node)?.host;
        if (host === undefined || host.paused) return false;
        host.pause();
        this.#undo(fault.forMs, () => host.resume());
        return true;
      }
      case 'hand-over': {
        const engine = cluster.leader?.engine;
        void engine?.handOver();
        return engine != null;
      }
    }
  }

  #ofNetwork(
    fault: Extract<
      Fault,
      { kind: 'depose' | 'cut' | 'silence' | 'isolate' | 'reset' | 'bad-network' | 'slow-network' }
    >,
  ): boolean {
    const { cluster, peers } = this.#options;
    switch (fault.kind) {
      case 'cut':
        this.#disturb(fault.node, fault.other, 'cut', fault.forMs);
        return true;
      case 'silence':
        peers.disturb(fault.node, fault.other, 'silent');
        this.#undo(fault.forMs, () => peers.undisturb(fault.node, fault.other, 'silent'));
        return true;
      case 'isolate':
        this.#isolate(fault.node, fault.how, fault.forMs);
        return true;
      case 'depose':
        this.#deposing = fault;
        this.#depositions = fault.times;
        if (cluster.leader !== null) this.elected(cluster.leader.node);
        return true;
      case 'reset':
        peers.sever(fault.node, fault.other);
        return true;
      case 'bad-network': {
        const { loss, repeat, reorder } = fault;
        for (const path of peers.paths) Object.assign(path, { loss, repeat, reorder });
        this.#undo(fault.forMs, () => {
          for (const path of peers.paths) Object.assign(path, { loss: 0, repeat: 0, reorder: 0 });
        });
        return true;
      }
      case 'slow-network': {
        const { leastMs, spreadMs } = fault;
        for (const path of peers.paths) Object.assign(path, { leastMs, spreadMs });
        this.#undo(fault.forMs, () => {
          for (const path of peers.paths) Object.assign(path, { leastMs: 0.3, spreadMs: 1.2 });
        });
        return true;
      }
    }
  }

  #isolate(node: number, how: 'cut' | 'silence', forMs: number): void {
    for (const { node: other } of this.#options.cluster.machines) {
      if (other !== node) this.#disturb(node, other, how, forMs);
    }
  }

  /** A node leads a new term. */
  elected(node: number): void {
    const fault = this.#deposing;
    if (fault === null || this.#depositions === 0) return;
    this.#depositions--;
    // Each longer than the one before: the first of them is back while the others are away.
    const forMs = fault.forMs * (fault.times - this.#depositions);
    this.#undo(fault.afterMs, () => this.#isolate(node, 'silence', forMs));
  }

  #disturb(a: number, b: number, how: 'cut' | 'silence', forMs: number): void {
    const { peers } = this.#options;
    const what = how === 'cut' ? 'cut' : 'silent';
    peers.disturb(a, b, what);
    peers.disturb(b, a, what);
    this.#undo(forMs, () => {
      peers.undisturb(a, b, what);
      peers.undisturb(b, a, what);
    });
  }

  #ofDisk(
    fault: Extract<
      Fault,
      { kind: 'slow-disk' | 'failing-disk' | 'full-disk' | 'flip' | 'hole' | 'rot' | 'wipe' }
    >,
  ): boolean {
    const { cluster } = this.#options;
    const { faults } = cluster.machine(fault.node).disk;
    switch (fault.kind) {
      case 'slow-disk':
        faults.slowMs = { least: 0.2, spread: fault.spreadMs };
        this.#undo(fault.forMs, () => {
          faults.slowMs = { least: 0.2, spread: 1 };
        });
        return true;
      case 'failing-disk':
        if (cluster.node(fault.node) === undefined) return false;
        faults.failing = fault.count;
        return true;
      case 'full-disk':
        faults.freeBytes = fault.freeBytes;
        this.#undo(fault.forMs, () => {
          faults.freeBytes = Number.POSITIVE_INFINITY;
        });
        return true;
      case 'flip':
      case 'hole':
      case 'wipe':
        return this.#spoil(fault);
      case 'rot':
        return this.#rot(fault);
    }
  }

  /** It may stay unnoticed for long: so it is one disk of the run that does this, again and again, and a majority never does. */
  #rot({ node, fraction }: Extract<Fault, { kind: 'rot' }>): boolean {
    const { cluster, operator } = this.#options;
    if (cluster.rotten !== null && cluster.rotten !== node) return false;
    if (cluster.node(node)?.engine == null || !operator.claim(node)) return false;
    operator.undergone();
    if (!rotState(cluster.machine(node).disk, fraction)) return false;
    cluster.rotten = node;
    return true;
  }

  #spoil(fault: Extract<Fault, { kind: 'flip' | 'hole' | 'wipe' }>): boolean {
    const { cluster, operator } = this.#options;
    const { node, kind, forMs } = fault;
    if (cluster.node(node)?.engine == null || !operator.claim(node)) return false;
    const damage = (): void => {
      const { disk } = cluster.machine(node);
      if (kind === 'wipe') {
        cluster.wipe(node);
        return;
      }
      const done = kind === 'flip' ? damageLog(disk, fault.fraction) : damageState(disk, fault.batch);
      if (done) cluster.damaged.add(node);
    };
    // A bit of what a log without a seal ends with cannot be told from a write that was torn: damage is done to a disk at rest.
    void cluster.stop(node).then((isClean) => {
      // Something else started it meanwhile: then nothing is damaged.
      if ((isClean || kind === 'wipe') && cluster.node(node) === undefined) damage();
      this.#at(forMs, () => {
        cluster.start(node);
        operator.undergone();
      });
    });
    return true;
  }

  #ofClock(fault: Extract<Fault, { kind: 'wall-jump' | 'drift' }>): boolean {
    const { cluster } = this.#options;
    const { clock } = cluster.machine(fault.node);
    // Time up to now was counted at the old rate.
    cluster.node(fault.node)?.host.clock.monotonicMs();
    if (fault.kind === 'wall-jump') clock.wallSkewMs += fault.byMs;
    else clock.rate = fault.rate;
    return true;
  }

  #ofClients(
    fault: Extract<
      Fault,
      { kind: 'client-silence' | 'client-slow' | 'client-reset' | 'client-restart' | 'client-anew' }
    >,
  ): boolean {
    const { cluster, clients, restartClient } = this.#options;
    switch (fault.kind) {
      case 'client-silence': {
        const port = cluster.portOf(fault.node);
        clients.silence(port);
        this.#undo(fault.forMs, () => clients.restore(port));
        return true;
      }
      case 'client-slow': {
        const port = cluster.portOf(fault.node);
        clients.setDelay(port, fault);
        this.#undo(fault.forMs, () => clients.setDelay(port, nearby));
        return true;
      }
      case 'client-reset':
        clients.reset(cluster.portOf(fault.node));
        return true;
      case 'client-restart':
      case 'client-anew':
        restartClient(fault.client, fault.kind === 'client-anew');
        return true;
    }
  }
}
