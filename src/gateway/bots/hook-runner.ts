/**
 * Messages on their way to other programs: one at a time to each, in the order of the conversation, by the node that leads. What was taken is
 * told to the state a little later; a node that leads next begins there, so nothing is left out, and what is sent again carries the same id.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import type { Random } from '../../base/prng.ts';
import { decodeMessage } from '../../chat/codecs/message-codec.ts';
import type { HookId, HookProgress, HookView } from '../../chat/vocabulary/hook-types.ts';
import type { ChatEvent, Command, ConversationId } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import { addressOf } from '../../delivery/catch-up.ts';
import { Coalescer } from '../../delivery/coalescer.ts';
import { type PresentMessage, type PresentPorts, presentForms } from '../../delivery/present-form.ts';
import { deletedAccountName } from '../../protocol/requests.ts';
import type { StateStore } from '../../store/state-store.ts';
import { entryOf } from '../reads/entries.ts';
import type { HookSecrets } from '../secrets/hook-secrets.ts';
import type { HookAnswer, HookCaller } from './hook-caller.ts';

export interface HookRunnerOptions {
  readonly cluster: string;
  readonly view: ChatView;
  readonly store: Pick<StateStore, 'readStream'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly counters: { hookDeliveries: number; hookFailures: number };
  readonly secrets: HookSecrets;
  readonly caller: HookCaller;
  /** Rejects where there is no majority. */
  readonly barrier: () => Promise<void>;
  readonly proposeOwn: (command: Command) => Promise<{ readonly kind: string }>;
}

/** What this node knows of one hook beyond the state. */
interface Local extends Omit<HookProgress, 'hook'> {
  /** Monotonic time before which nothing is tried. */
  readonly dueMs: number;
}

/** Before a record that is not staged yet is looked for again. */
const pauseMs = 5;
const progressMs = 1_000;
const scanMs = 1_000;
/** Hooks that are served at once. */
const concurrency = 8;
const firstRetryMs = 1_000;
const longestRetryMs = 300_000;
/** Failures in a row after which nothing more is tried: after about an hour and a half. */
const mostFailures = 24;
const gone = 410;

export class HookRunner {
  readonly #options: HookRunnerOptions;
  readonly #present: PresentPorts;
  readonly #progress: Coalescer<HookProgress>;
  readonly #locals = new Map<HookId, Local>();
  /** To be looked at, in this order. */
  readonly #waiting = new Set<HookId>();
  readonly #running = new Set<HookId>();
  #term: AbortController | null = null;
  /** What earlier leaders did is in the state of this node. */
  #isSure = false;
  #scan: Timer | null = null;

  constructor(options: HookRunnerOptions) {
    this.#options = options;
    const { view, store, clock } = options;
    this.#present = { view, store, pause: () => new Promise((resolve) => clock.after(pauseMs, resolve)) };
    this.#progress = new Coalescer({
      clock,
      propose: (hooks) => this.#tell(hooks),
      keyOf: ({ hook }) => String(hook),
      // What could not be told comes back, perhaps behind what is newer.
      join: (known, fact) => (isNewer(fact, known) ? fact : null),
      flushMs: progressMs,
      batchFacts: limits.hooks,
      waitingFacts: limits.hooks,
    });
  }

  /** Called whenever it is another one; the first time, too. */
  leads(isLeader: boolean): void {
    if (isLeader === (this.#term !== null)) return;
    if (isLeader) {
      this.#term = new AbortController();
      void this.#begin(this.#term);
    } else {
      this.#end();
    }
  }

  applied(events: readonly ChatEvent[]): void {
    if (this.#term === null) return;
    for (const event of events) if (event.kind === 'message') this.#touch(event.message.conversation);
    this.#work();
  }

  /** Conditions that somebody should look at. */
  alarms(): readonly string[] {
    let count = 0;
    for (const { suspended } of this.#options.view.hooks()) if (suspended) count += 1;
    return count === 0 ? [] : [`webhooks suspended: ${count}`];
  }

  flush(): Promise<void> {
    return this.#progress.flush();
  }

  stop(): void {
    this.#end();
    this.#progress.stop();
  }

  /** The state of this node may be behind what an earlier leader did: then more would be sent again than must be. */
  async #begin(term: AbortController): Promise<void> {
    const { barrier, clock } = this.#options;
    while (!term.signal.aborted) {
      const isSure = await barrier().then(
        () => true,
        () => false,
      );
      if (term.signal.aborted) return;
      if (isSure) break;
      await new Promise<void>((resolve) => clock.after(firstRetryMs, resolve));
    }
    this.#isSure = true;
    this.#lookAtAll(term);
  }

  #end(): void {
    this.#term?.abort();
    this.#term = null;
    this.#isSure = false;
    this.#scan?.cancel();
    this.#scan = null;
    this.#waiting.clear();
    this.#locals.clear();
  }

  /** Also for those that were resumed, or whose time has come. */
  #lookAtAll(term: AbortController): void {
    if (term.signal.aborted) return;
    const { view, clock } = this.#options;
    for (const id of this.#locals.keys()) if (view.hook(id) === undefined) this.#locals.delete(id);
    for (const { id, direction } of view.hooks()) if (direction === 'out') this.#waiting.add(id);
    this.#scan = clock.after(scanMs, () => this.#lookAtAll(term));
    this.#work();
  }

  #touch(conversation: ConversationId): void {
    for (const { id, direction } of this.#options.view.hooksIn(conversation)) {
      if (direction === 'out') this.#waiting.add(id);
    }
  }

  #work(): void {
    const term = this.#term;
    if (term === null || !this.#isSure) return;
    for (const id of this.#waiting) {
      if (this.#running.size >= concurrency) return;
      if (this.#running.has(id)) continue;
      this.#waiting.delete(id);
      if (!this.#isDue(id)) continue;
      this.#running.add(id);
      void this.#serve(id, term).finally(() => {
        this.#running.delete(id);
        this.#work();
      });
    }
  }

  #isDue(id: HookId): boolean {
    const hook = this.#options.view.hook(id);
    if (hook === undefined || hook.suspended) return false;
    const { cursor, dueMs, suspended } = this.#standing(hook);
    const last = this.#options.view.conversation(hook.conversation)?.lastSequence ?? 0;
    return !suspended && last > cursor && dueMs <= this.#options.clock.monotonicMs();
  }

  /** One message; what is behind it comes in its turn, so that no hook keeps the others waiting. */
  async #serve(id: HookId, term: AbortController): Promise<void> {
    const { view, logger } = this.#options;
    const hook = view.hook(id);
    if (hook === undefined) return;
    // What is too old is gone, and is passed over.
    const { firstSequence = 1 } = view.conversation(hook.conversation) ?? {};
    const next = Math.max(this.#standing(hook).cursor + 1, firstSequence);
    try {
      const message = await this.#read(hook.conversation, next);
      // Not staged yet, or gone with its conversation: the next look tells.
      if (message === null || term.signal.aborted) return;
      const answer = await this.#send(hook, message, term.signal);
      if (term.signal.aborted) return;
      this.#note(id, next, answer);
      this.#waiting.add(id);
    } catch (error) {
      logger.error({ hook: id, cause: String(error) }, 'a webhook could not be served');
    }
  }

  /** As it is now: what was deleted meanwhile is told to nobody. */
  async #read(conversation: ConversationId, sequence: number): Promise<PresentMessage | null> {
    const range = { from: sequence, to: sequence, limit: 1 };
    const [found] = await this.#options.store.readStream(conversation, range);
    if (found === undefined) return null;
    const sent = decodeMessage(conversation, sequence, found.record);
    const [present] = await presentForms(this.#present, [sent]);
    return present ?? null;
  }

  #send(hook: HookView, { message, state }: PresentMessage, signal: AbortSignal): Promise<HookAnswer> {
    const { cluster, view, secrets, caller, clock } = this.#options;
    const from = view.accountById(message.from)?.name ?? deletedAccountName;
    const entry = entryOf(message, from, addressOf(view, message), state);
    const timestamp = String(Math.floor(clock.wallMs() / 1_000));
    const body = JSON.stringify({
      type: 'message',
      timestamp: new Date(message.sentMs).toISOString(),
      data: { hook: hook.id, ...entry },
    });
    const id = `${cluster}-${hook.id}-${message.sequence}`;
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'conclave-webhook/1',
      'idempotency-key': id,
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': secrets.sign(hook.id, { id, timestamp, body }),
    };
    return caller.call({ url: hook.url ?? '', headers, body }, signal);
  }

  #note(id: HookId, sequence: number, answer: HookAnswer): void {
    const { view, clock, random, counters, logger } = this.#options;
    const hook = view.hook(id);
    if (hook === undefined) return;
    if (answer.kind === 'answered' && answer.status >= 200 && answer.status < 300) {
      counters.hookDeliveries += 1;
      this.#keep(id, { cursor: sequence, failures: 0, fault: '', suspended: false, dueMs: 0 });
      return;
    }
    counters.hookFailures += 1;
    const standing = this.#standing(hook);
    const failures = standing.failures + 1;
    const fault = answer.kind === 'failed' ? answer.fault : `status ${answer.status}`;
    const isGone = answer.kind === 'answered' && answer.status === gone;
    const suspended = isGone || failures >= mostFailures;
    if (suspended) logger.warn({ hook: id, fault }, 'a webhook is suspended');
    const dueMs = clock.monotonicMs() + retryMs(failures, random);
    this.#keep(id, { cursor: standing.cursor, failures, fault, suspended, dueMs });
  }

  #keep(id: HookId, local: Local): void {
    this.#locals.set(id, local);
    const { dueMs: _dueMs, ...progress } = local;
    this.#progress.add({ hook: id, ...progress });
    if (local.suspended) void this.#progress.flush();
  }

  async #tell(hooks: readonly HookProgress[]): Promise<boolean> {
    const { kind } = await this.#options.proposeOwn({ kind: 'note-hooks', hooks });
    if (kind !== 'applied') return false;
    // Of one that is suspended the state alone says how it stands: it may be resumed.
    for (const { hook } of hooks) if (this.#locals.get(hook)?.suspended === true) this.#locals.delete(hook);
    return true;
  }

  /** What this node did since the state was told counts on top of it. */
  #standing(hook: HookView): Local {
    const local = this.#locals.get(hook.id);
    return local !== undefined && local.cursor >= hook.cursor ? local : { ...hook, dueMs: 0 };
  }
}

function retryMs(failures: number, random: Random): number {
  const whole = Math.min(firstRetryMs * 2 ** (failures - 1), longestRetryMs);
  return whole / 2 + random.below(Math.floor(whole / 2) + 1);
}

function isNewer(a: HookProgress, b: HookProgress): boolean {
  return a.cursor === b.cursor ? a.failures > b.failures : a.cursor > b.cursor;
}
