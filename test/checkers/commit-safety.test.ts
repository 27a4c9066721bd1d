import t from 'tap';
import { checkCommitSafety, type DurableLog } from './commit-safety.ts';

const log = (lastIndex: number, lastTerm: number, holds: boolean): DurableLog => ({
  lastIndex,
  lastTerm,
  holds,
});
const kindOf = (...voters: readonly (DurableLog | null)[]): string | undefined =>
  checkCommitSafety(voters, 'entry 5 of term 2')?.kind;

t.test('commit safety: on a majority, whoever lacks it cannot be elected', async (t) => {
  t.equal(kindOf(log(5, 2, true), log(5, 2, true), log(4, 2, false)), undefined);
  t.equal(kindOf(log(5, 2, true), log(4, 2, false), log(4, 2, false)), 'unsafe-commit');
});

t.test(
  'commit safety: figure 8, an older entry on a majority, and one log that ends in a later term',
  async (t) => {
    t.equal(kindOf(log(5, 2, true), log(5, 2, true), log(4, 3, false)), 'unsafe-commit');
    t.equal(
      kindOf(log(6, 4, true), log(6, 4, true), log(4, 3, false)),
      undefined,
      'behind an entry of a term of its own it is safe',
    );
  },
);

t.test(
  'commit safety: a disk that is gone neither stands nor votes, and counts in the majority',
  async (t) => {
    t.equal(kindOf(log(5, 2, true), null, log(4, 2, false)), undefined);
    t.equal(kindOf(log(5, 2, true), null, null), undefined);
    const five = [log(5, 2, true), log(5, 2, true), null, log(4, 2, false), log(4, 2, false)];
    t.equal(kindOf(...five), undefined, 'two of five are no majority');
  },
);
