/** Asks other nodes, each question on a connection of its own, so many a node at a time, none for longer than its time. */
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { encodeQuestion, type Question } from './exchange.ts';
import type { FilePeers } from './ports.ts';
import { Slots } from './slots.ts';

/** A peer that stopped in mid-answer keeps its slots until its connections end: it costs so many, never more. */
const questionsPerPeer = 4;
/** Room for every part that uploads may have under way on one node (`limits.filePartsInFlight`). */
const questionsWaiting = limits.filePartsInFlight;
/** Without a frame for so long, a question is given up. */
const silenceMs = 10_000;

export class PeerQuestions {
  readonly #peers: FilePeers;
  readonly #clock: Clock;
  readonly #slots = new Map<number, Slots>();

  constructor(peers: FilePeers, clock: Clock) {
    this.#peers = peers;
    this.#clock = clock;
  }

  /**
   * The frames of the answer, at most `most` of them; `take` is called with each as it comes, and may wait. Rejects when the peer
   * fails, answers too much or is too slow.
   */
  async ask(
    node: number,
    question: Question,
    most: number,
    take: (frame: Uint8Array) => void | Promise<void>,
  ): Promise<void> {
    const watch = new Silence(this.#clock);
    const running = this.#slotsOf(node).run(async () => {
      let frames = 0;
      for await (const frame of await this.#peers.ask(node, encodeQuestion(question))) {
        frames += 1;
        if (frames > most) throw new CodedError('UNAVAILABLE', 'a node answered more than it was asked');
        watch.heard();
        await take(frame);
      }
    });
    await watch.over(running);
  }

  /** The only frame of an answer. */
  async askOne(node: number, question: Question): Promise<Uint8Array | undefined> {
    let answer: Uint8Array | undefined;
    await this.ask(node, question, 1, (frame) => {
      answer = frame;
    });
    return answer;
  }

  #slotsOf(node: number): Slots {
    const known = this.#slots.get(node);
    if (known !== undefined) return known;
    const made = new Slots(questionsPerPeer, questionsWaiting);
    this.#slots.set(node, made);
    return made;
  }
}

/** Gives a piece of work up when nothing was heard for too long. The work itself goes on, and keeps its slot, until it ends. */
class Silence {
  readonly #clock: Clock;
  #heardMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#heardMs = clock.monotonicMs();
  }

  heard(): void {
    this.#heardMs = this.#clock.monotonicMs();
  }

  over(running: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer = this.#clock.after(silenceMs, () => look());
      const look = (): void => {
        const leftMs = this.#heardMs + silenceMs - this.#clock.monotonicMs();
        if (leftMs > 0) timer = this.#clock.after(leftMs, look);
        else reject(new CodedError('UNAVAILABLE', 'a node did not answer about chunks in time'));
      };
      running.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}
