import { MemoryLevel } from 'memory-level';
import t from 'tap';
import type { Clock } from '../../src/base/clock.ts';
import { Generation } from '../../src/store/generation.ts';
import { Scrub } from '../../src/store/scrub.ts';
import { verifyState } from '../../src/store/verify.ts';

/** Of the steps of one pass over an empty state, how long the scrub rests behind each, when each takes so long. */
async function restsAfterSteps(stepMs: number): Promise<readonly number[]> {
  const database = new MemoryLevel<string, Buffer>({ keyEncoding: 'utf8', valueEncoding: 'buffer' });
  const generation = new Generation(1, database, await verifyState(database));
  const rests: number[] = [];
  let nowMs = 0;
  const waiting: (() => void)[] = [];
  const clock: Clock = {
    wallMs: () => 0,
    monotonicMs: () => {
      nowMs += stepMs;
      return nowMs;
    },
    after: (delayMs, action) => {
      rests.push(delayMs);
      waiting.push(action);
      return { cancel: () => undefined };
    },
  };
  const scrub = new Scrub({ clock, generation: () => generation, failed: () => undefined });
  while (scrub.passes === 0) {
    const begun = rests.length;
    waiting.shift()?.();
    while (rests.length === begun) await new Promise((resolve) => setImmediate(resolve));
  }
  await scrub.stop();
  await database.close();
  return rests.slice(1, -1);
}

t.test('scrub: it rests the longer the longer a step took, within bounds', async (t) => {
  t.same(await restsAfterSteps(1), [250], 'a quick disk');
  t.same(await restsAfterSteps(40), [2_000], 'a node that has much to do');
  t.same(await restsAfterSteps(5_000), [10_000], 'never for ever');
});
