/** Whatever anybody asked of the cluster, and what it was told: for the table of operations, and for the checker of refusals. */
import type { Session } from '../../src/client/types.ts';
import type { Answer, AskedOperation, LostSession } from '../checkers/refusals.ts';
import type { Tally } from './tally.ts';
import type { World } from './world.ts';

/** What is common to all outcomes. */
type Told =
  | { readonly kind: 'receipt' | 'unknown' }
  | { readonly kind: 'rejection'; readonly code: Answer['said'] };

export class Answers {
  readonly all: Answer[] = [];
  readonly lostSessions: LostSession[] = [];
  /** Asked and not answered; also what somebody asked who is gone. */
  open = 0;
  readonly #world: World;
  readonly #outcomes: Tally;

  constructor(world: World, outcomes: Tally) {
    this.#world = world;
    this.#outcomes = outcomes;
  }

  /** `endedItself`: it may have done so, with an account that it deleted. */
  losesSession(who: string, endedItself: boolean): void {
    this.#outcomes.add('session lost');
    if (!endedItself) this.lostSessions.push({ who, atMs: this.#world.nowMs });
  }

  /**
   * Somebody asks; the returned function says what the answer was. Never called: whoever asked is gone. `session`: the one that it has at the
   * time; left out on a plain connection.
   */
  ask(who: string, op: AskedOperation, session?: () => Session): (told: Told) => void {
    const askedAtMs = this.#world.nowMs;
    const askedIn = session?.();
    this.open++;
    return (told) => {
      const said = told.kind === 'rejection' ? told.code : told.kind;
      const by = session === undefined ? 'line' : 'library';
      const inNextSession = session?.() !== askedIn;
      this.open--;
      this.#outcomes.add(`${by === 'line' ? 'line, ' : ''}${op}: ${said}`);
      this.all.push({ who, op, by, inNextSession, said, askedAtMs, atMs: this.#world.nowMs });
    };
  }
}
