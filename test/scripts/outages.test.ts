import t from 'tap';
import { longestGapMs, quantile, worstGapMs } from '../../scripts/support/drill/outages.ts';

t.test('outages: the gap around a kill counts whole, gaps elsewhere do not', async (t) => {
  const times = [0, 10, 20, 520, 530, 1_530, 1_540];
  t.equal(longestGapMs(times, 30, 525), 500, 'it began before the kill and ends after it');
  t.equal(longestGapMs(times, 530, 535), 1_000, 'a gap that begins in the window counts to its end');
  t.equal(longestGapMs(times, 0, 15), 10);
});

t.test('outages: a writer that is never acknowledged again counts up to the end', async (t) => {
  t.equal(longestGapMs([0, 10], 5, 3_000), 2_990);
  t.equal(
    worstGapMs(
      [
        [0, 10, 20, 30],
        [0, 30],
      ],
      10,
      30,
    ),
    30,
    'the worst writer decides',
  );
});

t.test('outages: quantiles by nearest rank', async (t) => {
  t.equal(quantile([5, 1, 3], 0.5), 3);
  t.equal(quantile([4, 1, 2, 3], 0.5), 2);
  t.equal(quantile([1, 2, 3], 1), 3);
  t.equal(quantile([], 0.5), 0);
});
