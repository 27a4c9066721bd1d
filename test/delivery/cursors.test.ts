import fc from 'fast-check';
import t from 'tap';
import type { CursorAdvance } from '../../src/chat/vocabulary/types.ts';
import { batchCursors, Cursors, flushMs } from '../../src/delivery/cursors.ts';
import { settle, VirtualClock } from '../support/virtual-clock.ts';

/** Answers proposals as the test says, and keeps what was applied. */
class Log {
  readonly batches: (readonly CursorAdvance[])[] = [];
  readonly applied = new Map<string, number>();
  answer: () => Promise<boolean> = () => Promise.resolve(true);

  readonly propose = async (cursors: readonly CursorAdvance[]): Promise<boolean> => {
    this.batches.push(cursors);
    if (!(await this.answer())) return false;
    for (const { account, conversation, delivered } of cursors) {
      const key = `${account} ${conversation}`;
      this.applied.set(key, Math.max(delivered, this.applied.get(key) ?? 0));
    }
    return true;
  };
}

t.test('cursors: a thousand messages read in a moment are one small proposal', async (t) => {
  const [clock, log] = [new VirtualClock(), new Log()];
  const cursors = new Cursors(clock, log.propose);
  for (let at = 1; at <= 1_000; at++) cursors.advance(1, at % 2 === 0 ? 'd:1:2' : 'd:1:3', at);
  await clock.advance(flushMs - 1);
  t.same(log.batches, []);
  await clock.advance(1);
  t.same(log.batches, [
    [
      { account: 1, conversation: 'd:1:3', delivered: 999, read: 0 },
      { account: 1, conversation: 'd:1:2', delivered: 1_000, read: 0 },
    ],
  ]);
  await clock.advance(10 * flushMs);
  t.equal(log.batches.length, 1, 'nothing new, nothing proposed');
});

t.test('cursors: a proposal is bounded, and many go one after the other', async (t) => {
  const [clock, log] = [new VirtualClock(), new Log()];
  const cursors = new Cursors(clock, log.propose);
  const total = 2 * batchCursors + 5;
  for (let at = 1; at <= total; at++) cursors.advance(at, 'd:1:2', 1);
  await cursors.flush();
  t.same(
    log.batches.map((batch) => batch.length),
    [batchCursors, batchCursors, 5],
  );
});

t.test('cursors: what is refused is proposed again, with what came meanwhile', async (t) => {
  const [clock, log] = [new VirtualClock(), new Log()];
  const cursors = new Cursors(clock, log.propose);
  log.answer = () => Promise.resolve(false);
  cursors.advance(1, 'd:1:2', 5);
  await clock.advance(flushMs);
  t.equal(cursors.delivered(1, 'd:1:2'), 5, 'known here although refused');
  cursors.advance(1, 'd:1:2', 3);
  cursors.advance(1, 'd:1:2', 7);
  log.answer = () => Promise.resolve(true);
  await clock.advance(flushMs);
  t.same([...log.applied], [['1 d:1:2', 7]]);
  t.equal(cursors.delivered(1, 'd:1:2'), 0, 'the replicated cursor knows it now');
});

t.test('cursors: a flush with a bound does not wait for an answer that takes its time', async (t) => {
  const [clock, log] = [new VirtualClock(), new Log()];
  const cursors = new Cursors(clock, log.propose);
  log.answer = () => new Promise<boolean>(() => undefined);
  cursors.advance(1, 'd:1:2', 1);
  let done = false;
  void cursors.flushWithin(500).then(() => {
    done = true;
  });
  await clock.advance(499);
  t.equal(done, false);
  await clock.advance(1);
  t.equal(done, true);
});

t.test('cursors: whatever is refused or late, every advance is known in the end', async () => {
  const advance = fc.record({
    account: fc.integer({ min: 1, max: 3 }),
    to: fc.integer({ min: 1, max: 50 }),
    ms: fc.nat({ max: flushMs }),
    works: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(advance, { maxLength: 30 }), async (advances) => {
      const [clock, log] = [new VirtualClock(), new Log()];
      const cursors = new Cursors(clock, log.propose);
      const highest = new Map<string, number>();
      for (const { account, to, ms, works } of advances) {
        log.answer = () => new Promise((resolve) => clock.after(ms, () => resolve(works)));
        cursors.advance(account, 'd:1:2', to);
        const key = `${account} d:1:2`;
        highest.set(key, Math.max(to, highest.get(key) ?? 0));
        await clock.advance(ms);
      }
      log.answer = () => Promise.resolve(true);
      await clock.advance(4 * flushMs);
      await settle();
      for (const [key, to] of highest) {
        if (log.applied.get(key) !== to) throw new Error(`${key}: ${log.applied.get(key)} instead of ${to}`);
      }
    }),
    { numRuns: 50 },
  );
});
