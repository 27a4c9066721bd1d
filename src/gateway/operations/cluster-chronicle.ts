/** What this node has seen of its cluster since it started: who led, who came and went. The newest only; nothing of it is replicated. */
import type { Clock } from '../../base/clock.ts';
import type { Engine, PeerBus } from '../../replication/ports/engine.ts';

export type ChronicleEvent =
  | { readonly kind: 'started'; readonly atMs: number }
  /** The leader that this node knows changed; null: it knows none. */
  | { readonly kind: 'leader'; readonly atMs: number; readonly term: number; readonly leader: number | null }
  /** A connection with that node is up, or the last one is gone. */
  | { readonly kind: 'peer'; readonly atMs: number; readonly node: number; readonly up: boolean };

export interface ChronicleOptions {
  readonly clock: Clock;
  readonly engine: Pick<Engine<unknown, unknown>, 'status' | 'onLeader'>;
  readonly bus: Pick<PeerBus, 'onPeer'>;
}

const eventsKept = 200;

export class ClusterChronicle {
  readonly #clock: Clock;
  readonly #events: ChronicleEvent[] = [];
  readonly #unsubscribe: readonly (() => void)[];

  constructor({ clock, engine, bus }: ChronicleOptions) {
    this.#clock = clock;
    this.#add({ kind: 'started', atMs: clock.wallMs() });
    this.#unsubscribe = [
      engine.onLeader((leader) =>
        this.#add({ kind: 'leader', atMs: clock.wallMs(), term: engine.status().term, leader }),
      ),
      bus.onPeer((node, up) => this.#add({ kind: 'peer', atMs: clock.wallMs(), node, up })),
    ];
  }

  /** Oldest first. */
  get events(): readonly ChronicleEvent[] {
    return this.#events;
  }

  get nowMs(): number {
    return this.#clock.wallMs();
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #add(event: ChronicleEvent): void {
    this.#events.push(event);
    if (this.#events.length > eventsKept) this.#events.shift();
  }
}
