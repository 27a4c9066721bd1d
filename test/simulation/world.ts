/**
 * Time of a simulation: one queue of events, executed one after the other, each until nothing is left to do before the next. What
 * promises do between two events is part of the first one, so the same events give the same run, always.
 */
import type { Timer } from '../../src/base/clock.ts';
import { Heap } from './heap.ts';

/**
 * All times are multiples of it: sums of them are exact, so that whoever waits until a time finds that it has come, and does not look
 * again and again at a clock that stands just before it.
 */
export const QUANTUM_MS = 1 / 1_024;

/** What an event is, for the trace hash and the counters. */
export const eventKinds = ['timer', 'disk', 'frame', 'link', 'stream', 'socket', 'fault', 'client'] as const;
export type EventKind = (typeof eventKinds)[number];
const kindNumbers = new Map(eventKinds.map((kind, number) => [kind, number]));

/** Where an event happens: a process that may pause, or be gone by then. */
export interface Place {
  /** For the trace. */
  readonly number: number;
  readonly name: string;
  readonly alive: boolean;
  readonly paused: boolean;
  /** What came while it was paused. */
  readonly backlog: WorldEvent[];
}

export class WorldEvent implements Timer {
  atMs: number;
  order: number;
  readonly kind: EventKind;
  readonly host: Place | null;
  action: (() => void) | null;

  constructor(atMs: number, order: number, kind: EventKind, host: Place | null, action: () => void) {
    this.atMs = atMs;
    this.order = order;
    this.kind = kind;
    this.host = host;
    this.action = action;
  }

  cancel(): void {
    this.action = null;
  }
}

/** Behind it microtasks are asked for: `queueMicrotask` keeps a record of each, which at every event is felt. */
const settled = Promise.resolve();

/** Events at one instant after which something is taken to wake itself for ever. */
const MOST_AT_ONCE = 20_000;

const before = (a: WorldEvent, b: WorldEvent): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

export class StandstillError extends Error {
  constructor({ kind, atMs, action }: WorldEvent, host: Place | null) {
    super(
      `time stands still at ${atMs} ms: ${host?.name ?? 'the world'} does ${kind} again and again: ${action}`,
    );
    this.name = 'StandstillError';
  }
}

export class World {
  #nowMs = 0;
  #order = 0;
  #hash = 0x811c9dc5;
  #events = 0;
  #atOnce = 0;
  readonly #queue = new Heap<WorldEvent>(before);

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events executed. */
  get events(): number {
    return this.#events;
  }

  /** Over all that happened, in order: eight hexadecimal digits. */
  get traceHash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** Adds a number to the trace hash. */
  note(value: number): void {
    this.#hash = Math.imul(this.#hash ^ (value | 0), 0x01000193);
    this.#hash ^= this.#hash >>> 15;
  }

  /** Runs the action after the delay, unless the host is gone by then; a paused one gets it when it goes on. */
  after(delayMs: number, kind: EventKind, host: Place | null, action: () => void): WorldEvent {
    const atMs = Math.ceil((this.#nowMs + Math.max(0, delayMs)) / QUANTUM_MS) * QUANTUM_MS;
    const event = new WorldEvent(atMs, this.#order++, kind, host, action);
    this.#queue.push(event);
    return event;
  }

  /** What a paused host missed is due now, in its order. */
  resume(backlog: readonly WorldEvent[]): void {
    for (const event of backlog) {
      event.atMs = this.#nowMs;
      event.order = this.#order++;
      this.#queue.push(event);
    }
  }

  /**
   * Executes events until the time is reached or `done` says so. Between two events every promise that can settle does: a microtask
   * asks for the next tick, and the platform begins a tick only when no microtask is left.
   */
  run(untilMs: number, done: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = (): void => {
        try {
          if (done() || !this.#step(untilMs)) {
            resolve();
            return;
          }
        } catch (error) {
          reject(error);
          return;
        }
        void settled.then(afterMicrotasks);
      };
      const afterMicrotasks = (): void => process.nextTick(next);
      // Also before the first one: called from a callback of the platform, the next tick would come before the microtasks.
      void settled.then(afterMicrotasks);
    });
  }

  /** False when nothing is due before the time. */
  #step(untilMs: number): boolean {
    for (;;) {
      const event = this.#queue.first;
      if (event === undefined || event.atMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return false;
      }
      this.#queue.pop();
      const { action, host } = event;
      if (action === null || (host !== null && !host.alive)) continue;
      if (host?.paused === true) {
        host.backlog.push(event);
        continue;
      }
      this.#atOnce = event.atMs === this.#nowMs ? this.#atOnce + 1 : 0;
      if (this.#atOnce > MOST_AT_ONCE) throw new StandstillError(event, host);
      this.#nowMs = event.atMs;
      this.#events++;
      this.note(event.atMs / QUANTUM_MS);
      this.note((kindNumbers.get(event.kind) ?? 0) * 64 + (host?.number ?? 0));
      event.action = null;
      action();
      return true;
    }
  }
}
