import t from 'tap';
import { formatProgress, formatRest } from '../../../src/cli/program/progress.ts';
import { measured, workBar } from '../../../src/cli/program/work-bar.ts';

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(3);
  yield new Uint8Array(4);
}

t.test('work bar: bytes are counted as they go by, and it is over even when they break off', async (t) => {
  const seen: string[] = [];
  const bar = {
    moved: (bytes: number, total: number | null): void => void seen.push(`${bytes} of ${total}`),
    over: (): void => void seen.push('over'),
  };
  for await (const piece of measured(pieces(), bar, 7)) t.ok(piece.length);
  t.strictSame(seen, ['3 of 7', '7 of 7', 'over']);
  for await (const _first of measured(pieces(), bar, null)) break;
  t.strictSame(seen.slice(3), ['3 of null', 'over']);
});

t.test(
  'work bar: without a known end it tells how much and how fast; where no terminal is, nothing',
  async (t) => {
    t.equal(
      formatProgress({ name: 'backup', bytes: 2 ** 20, total: null, elapsedMs: 1_000 }, 80),
      'backup  1.0 MiB  1.0 MiB/s',
    );
    let written = 0;
    const screen = Object.assign(Object.create(process.stderr), {
      isTTY: false,
      write: () => (written += 1),
    });
    const bar = workBar('x', screen);
    bar.moved(1, 2);
    bar.over();
    t.equal(written, 0);
  },
);

t.test(
  'work bar: a node that catches up: from all that it lacked to nothing, within the columns',
  async (t) => {
    const text = 'node 4 is a learner, 50 entries behind';
    t.equal(formatRest(text, 50, 200, 60), `[#########----] 75%  ${text}`);
    t.equal(formatRest(text, 0, 0, 60), `[#############]100%  ${text}`);
    t.equal(formatRest(text, 50, 200, 45), text, 'no room for a bar');
    t.equal(formatRest(text, 50, 200, 10), 'node 4 is ');
  },
);
