import { assert } from '../../../src/base/assert.ts';
import type { ProfileName } from '../profiles.ts';
import { faithful, type Wiring } from '../wiring.ts';

/** A program that is wrong in one way. The simulator's checkers are judged by whether they notice. */
export interface Mutant {
  readonly name: string;
  /** What it does wrong, for people. */
  readonly does: string;
  /** In which runs it shows soonest. */
  readonly profile: ProfileName;
  readonly wiring: Wiring;
  /** What no port reaches: a method of a class is replaced for the time of a run; returns how to undo that. */
  readonly patch?: () => () => void;
}

export function wired(changes: Partial<Wiring>): Wiring {
  return { ...faithful, ...changes };
}

/** Puts another method in the place of one; returns how to put the first one back. */
export function replaceMethod<Class extends object, Name extends keyof Class>(
  prototype: Class,
  name: Name,
  make: (original: Class[Name]) => Class[Name],
): () => void {
  const original = prototype[name];
  prototype[name] = make(original);
  return () => {
    prototype[name] = original;
  };
}

/** The same for a getter. */
export function replaceGetter<Class extends object, Name extends keyof Class & string>(
  prototype: Class,
  name: Name,
  get: (this: Class) => Class[Name],
): () => void {
  const original = Object.getOwnPropertyDescriptor(prototype, name);
  assert(original?.get !== undefined, 'it is a getter');
  Object.defineProperty(prototype, name, { ...original, get });
  return () => {
    Object.defineProperty(prototype, name, original);
  };
}
