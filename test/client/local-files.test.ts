import { execFileSync } from 'node:child_process';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { openSource, saveFile } from '../../src/client/local-files.ts';

const hello = Buffer.from('hello');
const fill = async (take: (piece: Uint8Array) => Promise<void>): Promise<void> => {
  await take(hello.subarray(0, 2));
  await take(hello.subarray(2));
};

t.test('saving: the content lands under the name, readable by its owner only', async (t) => {
  const directory = join(t.testdir(), 'downloads', 'new');
  const path = await saveFile(directory, 'a.txt', fill);
  t.equal(path, join(directory, 'a.txt'));
  t.equal(await readFile(path, 'utf8'), 'hello');
  t.equal((await lstat(path)).mode & 0o777, 0o600);
  t.strictSame(await readdir(directory), ['a.txt'], 'and nothing beside it');
});

t.test('saving: no file is ever overwritten, not even when two come at once', async (t) => {
  const directory = t.testdir({ 'a.txt': 'mine' });
  const paths = await Promise.all([1, 2, 3].map(() => saveFile(directory, 'a.txt', fill)));
  t.equal(new Set(paths).size, 3);
  t.equal(await readFile(join(directory, 'a.txt'), 'utf8'), 'mine');
  t.strictSame((await readdir(directory)).sort(), ['a (2).txt', 'a (3).txt', 'a (4).txt', 'a.txt']);
});

t.test('saving: a path in the name goes nowhere', async (t) => {
  const root = t.testdir({ downloads: {} });
  const directory = join(root, 'downloads');
  for (const wish of ['../../etc/x', '/etc/x', '..', 'C:\\x', '.bashrc', 'CON', 'a\u0000b']) {
    const path = await saveFile(directory, wish, fill);
    t.ok(path.startsWith(`${directory}/`), wish);
    t.notMatch(path.slice(directory.length + 1), /[/\\]/);
  }
  t.strictSame(await readdir(root), ['downloads']);
});

t.test('saving: a link that stands in the way is neither followed nor replaced', async (t) => {
  const root = t.testdir({ downloads: {}, secret: 'old' });
  const directory = join(root, 'downloads');
  await symlink(join(root, 'secret'), join(directory, 'a.txt'));
  await symlink(join(root, 'nowhere'), join(directory, 'b.txt'));
  await mkdir(join(directory, 'c.txt'));
  t.equal(await saveFile(directory, 'a.txt', fill), join(directory, 'a (2).txt'));
  t.equal(await saveFile(directory, 'b.txt', fill), join(directory, 'b (2).txt'));
  t.equal(await saveFile(directory, 'c.txt', fill), join(directory, 'c (2).txt'));
  t.equal(await readFile(join(root, 'secret'), 'utf8'), 'old');
  t.notOk((await readdir(root)).includes('nowhere'));
});

t.test('saving: what breaks off leaves nothing behind', async (t) => {
  const directory = t.testdir({});
  const broken = saveFile(directory, 'a.txt', async (take) => {
    await take(hello);
    throw new Error('connection lost');
  });
  await t.rejects(broken, { message: 'connection lost' });
  t.strictSame(await readdir(directory), []);
});

t.test('sending: a file is read by range, under its base name', async (t) => {
  const directory = t.testdir({ 'a.txt': 'hello world' });
  const source = await openSource(join(directory, 'a.txt'));
  t.teardown(() => source.close());
  t.equal(source.name, 'a.txt');
  t.equal(source.bytes, 11);
  t.equal(Buffer.from(await source.read(6, 11)).toString(), 'world');
  await writeFile(join(directory, 'a.txt'), 'hello');
  await t.rejects(source.read(6, 11), { code: 'BAD_REQUEST' }, 'it became shorter');
});

t.test('sending: what is absent, or no file, is refused', async (t) => {
  const directory = t.testdir({});
  await t.rejects(openSource(join(directory, 'none')), { code: 'ENOENT' });
  await t.rejects(openSource(directory), { code: 'BAD_REQUEST' });
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await t.rejects(openSource(pipe), { code: 'BAD_REQUEST' }, 'and nobody waits for its other end');
});
