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

  /** Behind all that were used before; those that one entry puts here stand by id, as in a node that was restored. */
  append(session: Session): void {
    let earlier = this.#back;
    while (earlier !== null && earlier.usedIndex === session.usedIndex && earlier.id > session.id) {
      earlier = earlier.earlier;
    }
    const later = earlier === null ? this.#front : earlier.later;
    session.earlier = earlier;
    session.later = later;
    if (earlier === null) this.#front = session;
    else earlier.later = session;
    if (later === null) this.#back = session;
    else later.earlier = session;
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
