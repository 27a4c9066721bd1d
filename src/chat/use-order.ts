import type { Session } from './session.ts';

/**
 * Sessions in the order of their last noted use, the least recent at the front. A linked list, since the front of a `Map` that is
 * constantly moved about costs a walk over its holes.
 */
export class UseOrder {
  #front: Session | null = null;
  #back: Session | null = null;

  get front(): Session | null {
    return this.#front;
  }

  append(session: Session): void {
    session.earlier = this.#back;
    session.later = null;
    if (this.#back === null) this.#front = session;
    else this.#back.later = session;
    this.#back = session;
  }

  remove(session: Session): void {
    if (session.earlier === null) this.#front = session.later;
    else session.earlier.later = session.later;
    if (session.later === null) this.#back = session.earlier;
    else session.later.earlier = session.earlier;
    session.earlier = null;
    session.later = null;
  }

  clear(): void {
    this.#front = null;
    this.#back = null;
  }
}
