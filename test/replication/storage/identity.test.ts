/** What a data directory says about whose it is. */
import t from 'tap';
import { loadIdentity } from '../../../src/replication/storage/identity.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';

const owner = { cluster: 'test', node: 1, random53: () => 4_711 };

t.test('identity: what is noted at the same time is all kept', async (t) => {
  const disk = new MemoryDisk();
  const identity = await loadIdentity(disk, owner);
  const installing = { index: 7, term: 2 };
  await Promise.all([identity.markInstalling(installing), identity.markRemoved(), identity.markFounded()]);
  const again = await loadIdentity(disk, owner);
  t.strictSame([again.installing, again.removed, again.founded], [installing, true, true]);
});
