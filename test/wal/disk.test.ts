import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Disk } from '../../src/base/disk.ts';
import { nodeDisk } from '../../src/wal/node-disk.ts';
import { MemoryDisk } from '../support/memory-disk.ts';

const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : new TextDecoder().decode(bytes);
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);

/** What every adapter of the port does: the file system, and the memory that stands for it in tests. */
function conformance(name: string, makeDisk: (t: Test) => Disk): void {
  t.test(`disk (${name}): what is absent is empty or null, and removing it is no error`, async (t) => {
    const disk = makeDisk(t);
    t.strictSame(await disk.list('.'), []);
    t.strictSame(await disk.list('nowhere'), []);
    t.equal(await disk.read('nothing'), null);
    await disk.makeDirectory('here');
    await disk.remove('here/nothing');
  });

  t.test(`disk (${name}): replace puts a whole file in place, and leaves no other behind`, async (t) => {
    const disk = makeDisk(t);
    await disk.makeDirectory('here');
    await disk.replace('here/a', bytes('first, and longer'));
    await disk.replace('here/a', bytes('second'));
    await disk.replace('b', bytes(''));
    t.equal(text(await disk.read('here/a')), 'second');
    t.equal(text(await disk.read('b')), '');
    t.strictSame(await disk.list('here'), ['a']);
    t.strictSame(await disk.list('.'), ['b', 'here']);
  });

  t.test(`disk (${name}): directories are removed with what is in them`, async (t) => {
    const disk = makeDisk(t);
    await disk.makeDirectory('here');
    await disk.makeDirectory('here');
    await disk.replace('here/a', bytes('x'));
    await disk.remove('here');
    t.strictSame(await disk.list('.'), []);
    t.equal(await disk.read('here/a'), null);
  });

  for (const mode of ['buffered', 'through'] as const) {
    t.test(
      `disk (${name}): a file opened ${mode} is written at positions, cut, and opened again as it was`,
      async (t) => {
        const disk = makeDisk(t);
        const file = await disk.open('a', mode);
        await file.write(bytes('hello world'), 0);
        await file.write(bytes('W'), 6);
        await file.sync();
        await file.write(bytes('!'), 13);
        await file.sync();
        await file.close();
        t.equal(text(await disk.read('a')), 'hello World\0\0!');
        const again = await disk.open('a', mode);
        await again.truncate(5);
        await again.write(bytes('p'), 4);
        await again.sync();
        await again.close();
        t.equal(text(await disk.read('a')), 'hellp');
      },
    );
  }

  t.test(`disk (${name}): a large write arrives whole`, async (t) => {
    const disk = makeDisk(t);
    const large = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);
    const file = await disk.open('a', 'through');
    await file.write(large.subarray(1), 1);
    await file.close();
    t.equal(Buffer.compare((await disk.read('a'))?.subarray(1) ?? bytes(''), large.subarray(1)), 0);
  });
}

conformance('node', (t) => nodeDisk(t.testdir()));
conformance('memory', () => new MemoryDisk());

t.test('disk (node): files and directories are their owner’s only', async (t) => {
  const root = join(t.testdir(), 'data', 'node-1');
  const disk = nodeDisk(root);
  await disk.makeDirectory('.');
  await disk.makeDirectory('wal');
  await disk.replace('pointer', bytes('x'));
  await (await disk.open('wal/1.log')).close();
  const modeOf = (path: string): string => (fs.statSync(join(root, path)).mode & 0o777).toString(8);
  t.strictSame(['.', 'wal', 'pointer', 'wal/1.log'].map(modeOf), ['700', '700', '600', '600']);
});

t.test('disk (node): a path cannot leave the data directory', async (t) => {
  const disk = nodeDisk(t.testdir());
  await t.rejects(async () => disk.read('../secret'), /invariant/);
  await t.rejects(async () => disk.open('a/../../secret'), /invariant/);
  await t.rejects(async () => disk.remove('/etc/passwd'), /invariant/);
});

t.test('disk (memory): a crash keeps what was synced, and may lose the rest, names included', async (t) => {
  const disk = new MemoryDisk();
  const file = await disk.open('a');
  await file.write(bytes('synced'), 0);
  await file.sync();
  t.equal(await disk.image({ kind: 'synced-only' }).read('a'), null, 'its name was not');
  await disk.syncDirectory('.');
  await file.write(bytes('lost'), 6);
  t.equal(text(await disk.read('a')), 'syncedlost');
  t.equal(text(await disk.image({ kind: 'synced-only' }).read('a')), 'synced');
  t.equal(text(await disk.image({ kind: 'first-bytes', bytes: 2 }).read('a')), 'syncedlo');
  await disk.remove('a');
  t.equal(text(await disk.image({ kind: 'synced-only' }).read('a')), 'synced', 'nor was its removal');
  const after = disk.crash({ kind: 'synced-only' });
  await t.rejects(disk.read('a'), /crashed/);
  t.equal(text(await after.read('a')), 'synced');
});
