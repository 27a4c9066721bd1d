import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { codedDisk } from '../../src/base/coded-disk.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { openDataDirectory } from '../../src/replication/storage/data-directory.ts';
import { nodeDisk } from '../../src/wal/node-disk.ts';
import { MemoryDisk } from '../support/memory-disk.ts';

t.test('coded disk: a failure of the disk names the file, and what the platform said', async (t) => {
  const disk = new MemoryDisk();
  disk.before = ({ kind }) =>
    kind === 'read' ? Promise.reject(new Error('EIO: i/o error, read')) : Promise.resolve();
  const failed = { code: 'DISK_FAILED', message: 'The disk failed: wal/seal: EIO: i/o error, read' };
  await t.rejects(codedDisk(disk).read('wal/seal'), failed);
});

t.test(
  'coded disk: a directory in place of a file, or a file in place of a directory, is damage',
  async (t) => {
    const root = t.testdir({ wal: { seal: {} }, 'state-1': 'no directory' });
    const disk = codedDisk(nodeDisk(root));
    const damaged = (message: string) => ({ code: 'DATA_DAMAGED', message });
    await t.rejects(disk.read('wal/seal'), damaged('wal/seal is a directory, where a file belongs.'));
    await t.rejects(disk.replace('wal/seal', Buffer.from('x')), { code: 'DATA_DAMAGED' });
    await t.rejects(
      disk.read('state-1/SEAL'),
      damaged('state-1/SEAL is not there: a file stands where a directory belongs.'),
    );
    await t.rejects(disk.makeDirectory('state-1'), damaged('state-1 is a file, where a directory belongs.'));
  },
);

t.test('coded disk: a node refuses such a directory, and says which file it is and what to do', async (t) => {
  for (const path of ['identity.json', 'CURRENT-STATE', 'wal']) {
    const root = t.testdir({});
    const open = () =>
      openDataDirectory({
        cluster: 'test',
        node: 3,
        random53: () => 77,
        root,
        disk: nodeDisk(root),
        clock: systemClock,
      });
    const { log, store } = await open();
    await log.close();
    await store.close();
    await rm(join(root, path), { recursive: true });
    if (path === 'wal') await writeFile(join(root, path), 'no directory');
    else await mkdir(join(root, path));
    await t.rejects(open(), {
      code: 'DATA_DAMAGED',
      message: new RegExp(`^${path} is a .*members replace 3`),
    });
  }
});
