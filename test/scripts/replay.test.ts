import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { replay } from '../../scripts/support/simulate/replay.ts';
import { foundMistakes } from '../simulation/regressions.ts';

// Seconds of work, and many more on a busy machine.
t.setTimeout(300_000);

t.test('replay: the trace of a run that fails is written to its end, with what was found', async (t) => {
  const plan = foundMistakes().find(({ name }) => name.startsWith('state-failed-unasked'))?.plan ?? null;
  t.ok(plan);
  const traceFile = join(t.testdir({}), 'trace.txt');
  const told: string[] = [];
  const code = await replay({
    firstSeed: 0,
    seconds: 0,
    nodes: null,
    profile: null,
    mutant: 'full-for-ever',
    plan: plan && {
      ...plan,
      faults: [
        { atMs: 20_000, fault: { kind: 'full-disk', node: 1, freeBytes: 0, forMs: 2_000 } },
        { atMs: 20_000, fault: { kind: 'full-disk', node: 2, freeBytes: 0, forMs: 2_000 } },
      ],
    },
    traceFile,
    saveFile: null,
    shrink: false,
    tell: (line) => told.push(line),
  });
  t.equal(code, 1);
  t.match(told.join('\n'), /FAILED/);
  const lines = (await readFile(traceFile, 'utf8')).trimEnd().split('\n');
  t.ok(lines.length > 100, `${lines.length} lines`);
  t.match(lines.at(-1), /FOUND {4}/);
});
