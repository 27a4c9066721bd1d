import t from 'tap';
import { atMost } from '../../src/base/at-most.ts';
import { settle, VirtualClock } from '../support/virtual-clock.ts';

t.test('at most: ends with the work, or with the time', async (t) => {
  const clock = new VirtualClock();
  const ended: string[] = [];
  let finish = (): void => undefined;
  const work = new Promise<void>((resolve) => {
    finish = resolve;
  });
  void atMost(clock, 100, work).then(() => ended.push('by the work'));
  void atMost(clock, 50, new Promise(() => undefined)).then(() => ended.push('by the time'));
  await clock.advance(49);
  t.same(ended, []);
  await clock.advance(1);
  t.same(ended, ['by the time']);
  finish();
  await settle();
  t.same(ended, ['by the time', 'by the work']);
  await clock.advance(100);
  t.equal(ended.length, 2);
});
