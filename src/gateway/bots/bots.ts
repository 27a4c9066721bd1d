/** What one node does for programs, put together: streams of events, and the webhooks that it serves while it leads. */
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Random } from '../../base/prng.ts';
import type { ChatEvent, Result } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { Engine } from '../../replication/ports/engine.ts';
import type { StateStore } from '../../store/state-store.ts';
import type { Counters } from '../connections/counters.ts';
import type { Delivery } from '../connections/subscription.ts';
import type { HookAddressRules } from '../requests/hook-address.ts';
import type { Service } from '../requests/service.ts';
import type { HookSecrets } from '../secrets/hook-secrets.ts';
import { EventStreams } from './event-streams.ts';
import { type HookCaller, HttpHookCaller } from './hook-caller.ts';
import { HookRunner } from './hook-runner.ts';

export interface BotsOptions {
  readonly cluster: string;
  readonly node: number;
  readonly engine: Engine<Result, ChatEvent>;
  readonly view: ChatView;
  readonly store: Pick<StateStore, 'readStream'>;
  readonly delivery: Delivery;
  readonly service: Service;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Null: there are no webhooks. */
  readonly hooks: { readonly secrets: HookSecrets; readonly rules: HookAddressRules } | null;
  /** For tests. */
  readonly caller?: HookCaller;
}

export class Bots {
  readonly streams: EventStreams;
  readonly #runner: HookRunner | null;
  readonly #engine: BotsOptions['engine'];
  readonly #node: number;
  #unsubscribe: readonly (() => void)[] = [];

  constructor(options: BotsOptions) {
    const { engine, node, service, hooks, clock } = options;
    this.#engine = engine;
    this.#node = node;
    this.streams = new EventStreams({ ...options, appliedIndex: () => engine.status().appliedIndex });
    const ports = {
      ...options,
      barrier: () => service.barrier({ stale: false }),
      proposeOwn: service.proposeOwn,
    };
    this.#runner =
      hooks === null
        ? null
        : new HookRunner({
            ...ports,
            secrets: hooks.secrets,
            caller: options.caller ?? new HttpHookCaller(clock, hooks.rules),
          });
  }

  start(): void {
    const runner = this.#runner;
    if (runner === null) return;
    this.#unsubscribe = [
      this.#engine.onApplied(({ events }) => runner.applied(events)),
      this.#engine.onLeader((leader) => runner.leads(leader === this.#node)),
    ];
    runner.leads(this.#engine.status().leader === this.#node);
  }

  alarms(): readonly string[] {
    return this.#runner?.alarms() ?? [];
  }

  /** Nothing is sent any more; what was taken goes into the state. The engine must still run. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.streams.stop();
    this.#runner?.leads(false);
    await this.#runner?.flush();
    this.#runner?.stop();
  }
}
