import t from 'tap';
import { longestRestMs, resting } from '../../../src/gateway/files/rest.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

t.test('rest: as long as the work took, and no longer than there is a bound', async (t) => {
  const clock = new VirtualClock();
  for (const tookMs of [40, 10_000]) {
    let answered = false;
    const work = () => new Promise<string>((resolve) => clock.after(tookMs, () => resolve('done')));
    const whole = resting(clock, work).then((result) => {
      answered = true;
      return result;
    });
    await clock.advance(tookMs + Math.min(tookMs, longestRestMs) - 1);
    t.notOk(answered, `after ${tookMs} ms of work`);
    await clock.advance(1);
    t.equal(await whole, 'done');
  }
});

t.test('rest: a failure is told at once', async (t) => {
  const clock = new VirtualClock();
  const failed = resting(clock, () => Promise.reject(new Error('no room')));
  await t.rejects(failed, { message: 'no room' });
});
