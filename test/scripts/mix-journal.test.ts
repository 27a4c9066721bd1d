/** The journal of the drill of all dialects: what its people saw becomes a history in which the oracle finds each planted mistake. */
import t from 'tap';
import { Journal, tokenIn, tokenOf } from '../../scripts/support/drill/mix/journal.ts';
import { judge, type Verdict } from '../checkers/verdict.ts';

const everyTrack = (): boolean => true;
const place = (sequence: number) => ({ conversation: 'd:1:2', sequence, index: 100 + sequence });

/** Three messages are sent and acknowledged; the reader hears `heard`, and the conversation holds `held`, by their numbers. */
async function verdictOf(
  heard: readonly number[],
  held: readonly number[],
): Promise<Verdict & { readonly homeless: readonly string[] }> {
  const journal = new Journal();
  for (const n of [1, 2, 3]) {
    await journal.send(
      { client: 'pipe', n, to: 'reader', token: tokenOf('pipe', n) },
      async () => 'acknowledged',
    );
  }
  for (const n of heard) journal.hear('reader', tokenOf('pipe', n));
  for (const [at, n] of held.entries()) journal.read('whole', tokenOf('pipe', n), place(at + 1));
  journal.scan('complete', 'whole', 'd:1:2');
  const homeless = journal.homeless().map(({ token }) => token);
  return { ...judge(journal.history(everyTrack)), homeless };
}

t.test('mix: a word names a message within whatever a dialect writes around it', async (t) => {
  const token = tokenOf('slash', 12);
  for (const line of [
    `[#g ann] ${token}`,
    `R|ann|000001|${token}`,
    `You received file '${token}.txt' from ann.`,
  ]) {
    t.equal(tokenIn(line), token, line);
  }
  t.equal(tokenIn(`${tokenOf('slash', 1)} and`), tokenOf('slash', 1));
  t.equal(tokenIn('user ann join the chat!'), null);
});

t.test('mix: nothing wrong is nothing found', async (t) => {
  t.match(await verdictOf([1, 2, 3], [1, 2, 3]), {
    acknowledged: 3,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    others: 0,
  });
});

t.test('mix: each mistake is found', async (t) => {
  t.same(
    (await verdictOf([1, 2], [1, 2])).homeless,
    [tokenOf('pipe', 3)],
    'acknowledged, and in no conversation',
  );
  t.match(await verdictOf([1, 3], [1, 2, 3]), { lost: 1 }, 'left out at a reader');
  t.match(await verdictOf([1, 3, 2], [1, 2, 3]), { reordered: 1 }, 'out of order at a reader');
  const twice = await verdictOf([1, 2, 3], [1, 2, 3, 3]);
  t.ok(twice.duplicated > 0, 'one message at two places');
  const swapped = await verdictOf([2, 1, 3], [2, 1, 3]);
  t.ok(swapped.reordered > 0, 'against the order of acknowledgement');
});

t.test('mix: a repeat at a reader is told, and kept out of the history', async (t) => {
  const journal = new Journal();
  t.ok(journal.hear('reader', tokenOf('pipe', 1)));
  t.notOk(journal.hear('reader', tokenOf('pipe', 1)));
  t.same(journal.heardBy('reader'), [tokenOf('pipe', 1)]);
});

t.test('mix: without an answer nothing is claimed', async (t) => {
  const journal = new Journal();
  const sent = { client: 'pipe', n: 1, to: 'reader', token: tokenOf('pipe', 1) };
  await journal.send(sent, async () => 'unknown');
  t.match(judge(journal.history(everyTrack)), { acknowledged: 0, unknown: 1, lost: 0 });
  t.same(journal.acknowledged, []);
});
