/** Chance as an input; see `Clock` for the reason. */
export interface Random {
  /** A uniform integer in [0, bound); bound is an integer in [1, 2^32]. */
  below(bound: number): number;
  /** A uniform number in [0, 1). */
  fraction(): number;
}

/**
 * A small fast generator of good quality (sfc32, Chris Doty-Humphrey, PractRand), for schedules and jitter, never for secrets.
 * The same seed gives the same sequence on every platform.
 */
export function seededRandom(seed: number): Random {
  let a = seed >>> 0;
  let b = Math.floor(seed / 2 ** 32) >>> 0;
  let c = 0x9e3779b9;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) next();
  return {
    below: (bound) => Math.floor((next() / 2 ** 32) * bound),
    fraction: () => next() / 2 ** 32,
  };
}
