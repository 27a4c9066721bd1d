import t, { type Test } from 'tap';
import { Schedule, type ScheduleOptions } from './support/schedule.ts';

/** Runs many seeds; the title of a failure names the seed that replays it. */
function runMany(t: Test, seeds: number, options: Omit<ScheduleOptions, 'seed'>): void {
  let committed = 0;
  let reads = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const schedule = new Schedule({ ...options, seed });
    try {
      schedule.run();
      schedule.recover(600);
    } catch (error) {
      t.fail(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
      return;
    }
    committed += schedule.committed;
    reads += schedule.answeredReads;
  }
  t.ok(committed > seeds * 5, `${committed} entries were committed`);
  t.ok(reads > seeds / 2, `${reads} reads were answered`);
}

t.test('schedules: three members under random faults keep every invariant and recover', (t) => {
  runMany(t, 160, { steps: 1500, voters: [1, 2, 3], others: [] });
  t.end();
});

t.test('schedules: so do five', (t) => {
  runMany(t, 40, { steps: 5000, voters: [1, 2, 3, 4, 5], others: [] });
  t.end();
});

t.test('schedules: so do members whose configuration changes meanwhile', (t) => {
  runMany(t, 100, { steps: 2500, voters: [1, 2, 3], others: [4, 5] });
  t.end();
});
