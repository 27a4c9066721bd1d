import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { writeWhole } from '../../../src/cli/program/whole-file.ts';

async function* content(breaks = false): AsyncGenerator<string> {
  yield 'one\n';
  if (breaks) throw new Error('the node went away');
  yield 'two\n';
}

t.test('whole file: there when all of it is, for its owner only; else what was there before', async (t) => {
  const directory = t.testdir({ old: 'kept' });
  const [file, old] = [join(directory, 'new'), join(directory, 'old')];
  await writeWhole(file, content());
  t.equal(await readFile(file, 'utf8'), 'one\ntwo\n');
  t.equal((await stat(file)).mode & 0o777, 0o600);
  await t.rejects(writeWhole(old, content(true)), { message: 'the node went away' });
  t.equal(await readFile(old, 'utf8'), 'kept');
  t.strictSame((await readdir(directory)).sort(), ['new', 'old']);
});

t.test('whole file: a place that cannot be written to is named, and is no fault of a node', async (t) => {
  const file = join(t.testdir({}), 'nowhere', 'file');
  await t.rejects(writeWhole(file, content()), {
    code: 'USAGE',
    message: `${file} cannot be written: ENOENT`,
  });
});
