import type { Cast, Member } from './cast.ts';
import type { Recorder } from './recorder.ts';

const tickMs = 2;

/** Of so many sends of a writer the last one goes to the group, the others to the partner. */
const groupEvery = 4;

/** Unanswered sends of one writer. What would exceed it is not sent, and missing in the end. */
const mostOpen = 1_000;

/** Sends at a fixed rate whatever the answers do, spread evenly over the writers and over time. */
export class Load {
  readonly #recorder: Recorder;
  readonly #group: string;
  readonly #writers: readonly Writer[];
  readonly #intervalMs: number;
  readonly #open = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #startedMs = 0;
  #endedMs = 0;
  #failure: unknown = null;

  constructor(cast: Cast, writers: number, ratePerSecond: number, recorder: Recorder) {
    this.#recorder = recorder;
    this.#group = cast.group;
    this.#intervalMs = (1_000 * writers) / ratePerSecond;
    this.#writers = cast.members
      .slice(0, writers)
      .map((member, at) => ({ member, sent: 0, open: 0, offsetMs: (at * 1_000) / ratePerSecond }));
  }

  get names(): string[] {
    return this.#writers.map(({ member }) => member.name);
  }

  /** Sends that the rate promised up to the end. */
  get promised(): number {
    return Math.floor(((this.#endedMs - this.#startedMs) * this.#writers.length) / this.#intervalMs);
  }

  get durationMs(): number {
    return this.#endedMs - this.#startedMs;
  }

  start(): void {
    this.#startedMs = performance.now();
    this.#timer = setInterval(() => this.#tick(performance.now() - this.#startedMs), tickMs);
  }

  /** Idempotent: the first stop is the end. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#endedMs = performance.now();
  }

  /** Until everything that was sent has its outcome. */
  async drain(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
    if (this.#failure !== null) throw this.#failure;
  }

  #tick(elapsedMs: number): void {
    for (const writer of this.#writers) {
      const due = Math.floor((elapsedMs - writer.offsetMs) / this.#intervalMs) + 1;
      while (writer.sent < due) {
        writer.sent++;
        if (writer.open < mostOpen) this.#send(writer);
      }
    }
  }

  #send(writer: Writer): void {
    const { name, partner, client } = writer.member;
    const to = writer.sent % groupEvery === 0 ? this.#group : partner;
    const text = `${name} says ${writer.sent} to ${to}`;
    writer.open++;
    const sending = this.#recorder
      .send(name, writer.sent, to, text, () => client.send(to, text))
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => {
        writer.open--;
        this.#open.delete(sending);
      });
    this.#open.add(sending);
  }
}

interface Writer {
  readonly member: Member;
  readonly offsetMs: number;
  sent: number;
  open: number;
}
