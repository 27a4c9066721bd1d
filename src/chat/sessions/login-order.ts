import type { Session } from './session.ts';

/**
 * Logged-in sessions in the order of their logins, the oldest at the front: the order of their absolute expiry. That a session ended is
 * noticed when it comes to the front, or when most of the list has ended.
 */
export class LoginOrder {
  #sessions: Session[] = [];
  #head = 0;
  readonly #isAlive: (session: Session) => boolean;

  constructor(isAlive: (session: Session) => boolean) {
    this.#isAlive = isAlive;
  }

  get front(): Session | null {
    for (;;) {
      const session = this.#sessions[this.#head];
      if (session === undefined || this.#isAlive(session)) return session ?? null;
      this.#head += 1;
    }
  }

  /** `alive`: how many of the list are. */
  append(session: Session, alive: number): void {
    if (this.#sessions.length > 2 * alive + slack) {
      this.#sessions = this.#sessions.slice(this.#head).filter(this.#isAlive);
      this.#head = 0;
    }
    this.#sessions.push(session);
  }

  clear(): void {
    this.#sessions = [];
    this.#head = 0;
  }
}

/** A short list is not worth tidying. */
const slack = 1_024;
