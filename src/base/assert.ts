/** Thrown when the program contradicts itself. The node stops: stopping beats diverging. */
export class InvariantError extends Error {
  constructor(text: string) {
    super(`invariant violated: ${text}`);
    this.name = 'InvariantError';
  }
}

/** Stays on in production. `text` names the invariant, not the values. */
export function assert(condition: boolean, text: string): asserts condition {
  if (!condition) throw new InvariantError(text);
}

/** Closes an exhaustive switch: a new kind that is not handled does not compile. */
export function unreachable(value: never): never {
  throw new InvariantError(`unhandled kind ${JSON.stringify(value)}`);
}
