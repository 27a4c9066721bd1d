import type { ProfileName } from './profiles.ts';

/**
 * A seed that found a mistake in the program; docs/failures.md tells the story of each. What a seed stands for changes when plans do, so
 * each mistake has a test of its own beside it: `test/client/connector.test.ts`, `full-disk.test.ts`.
 */
export interface FoundMistake {
  readonly seed: number;
  readonly seconds: number;
  readonly profile: ProfileName;
  readonly mistake: string;
}

export const foundMistakes: readonly FoundMistake[] = [
  {
    seed: 4,
    seconds: 60,
    profile: 'everything',
    mistake: 'a client woke itself without pause while it tried a connection',
  },
  {
    seed: 316,
    seconds: 22,
    profile: 'everything',
    mistake: 'a full disk under a snapshot looked like a bug, not like a full disk',
  },
];
