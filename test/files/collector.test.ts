import t from 'tap';
import { collectEveryMs } from '../../src/files/collector.ts';
import { chunkBytes } from '../../src/protocol/manifest.ts';
import { download, FileCluster, makeFile } from './support/file-cluster.ts';

const file = makeFile(2 * chunkBytes + 1_000);
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

t.test('files: collection removes what nothing refers to, and nothing else', async (t) => {
  const cluster = await FileCluster.of(1);
  const { files, roots } = cluster.node(1);
  const kept = makeFile(chunkBytes + 1, 2);
  const leased = makeFile(10, 3);
  for (const each of [file, kept, leased]) {
    roots.lease(each.address);
    await cluster.upload(1, each);
  }
  roots.refer(kept.address);
  roots.leases.delete(file.address);
  files.start();
  await cluster.clock.advance(collectEveryMs);
  await cluster.until('it was collected', () => files.status().collected === 4);
  t.equal(files.status().chunks, 5);
  t.ok(same(await download(cluster.node(1), kept.address), kept.content));
  t.ok(same(await download(cluster.node(1), leased.address), leased.content));
  cluster.stopAll();
});

t.test('files: while somebody reads what an earlier state referred to, nothing is removed', async (t) => {
  const cluster = await FileCluster.of(1);
  const { files, roots } = cluster.node(1);
  roots.lease(file.address);
  await cluster.upload(1, file);
  roots.leases.delete(file.address);
  const [first, second] = [files.hold(), files.hold()];
  first();
  first();
  await files.collect();
  t.equal(files.status().collected, 0, 'one of the two goes on reading');
  second();
  await files.collect();
  t.equal(files.status().chunks, 0);
  cluster.stopAll();
});

t.test('files: a chunk that two files share stays until both are gone', async (t) => {
  const cluster = await FileCluster.of(1);
  const { files, roots } = cluster.node(1);
  const longer = makeFile(chunkBytes, 1);
  t.equal(longer.manifest.chunks[0], file.manifest.chunks[0]);
  for (const each of [file, longer]) {
    roots.lease(each.address);
    await cluster.upload(1, each);
    roots.refer(each.address);
  }
  roots.messages.delete(file.address);
  await files.collect();
  t.ok(same(await download(cluster.node(1), longer.address), longer.content));
  roots.messages.delete(longer.address);
  await files.collect();
  t.equal(files.status().chunks, 0);
  cluster.stopAll();
});

t.test('files: what is leased while a collection runs is not collected', async (t) => {
  const cluster = await FileCluster.of(1);
  const { files, roots, disk } = cluster.node(1);
  roots.lease(file.address);
  await cluster.upload(1, file);
  roots.leases.delete(file.address);
  let removals = 0;
  disk.before = ({ kind }) => {
    if (kind === 'remove' && ++removals === 1) roots.lease(file.address);
  };
  await files.collect();
  t.equal(files.status().collected, 1, 'the one that was going when the lease came');
  t.equal(await files.holdings.holdings(file.address), null, 'and that one is not told as held');
  await files.collect();
  t.equal(files.status().chunks, 3);
  cluster.stopAll();
});

t.test('files: nothing is collected while a manifest that may want it is missing', async (t) => {
  const cluster = await FileCluster.of(1);
  const { files, roots } = cluster.node(1);
  roots.lease(file.address);
  await cluster.upload(1, file);
  roots.leases.delete(file.address);
  roots.lease(makeFile(5, 9).address);
  await files.collect();
  t.equal(files.status().chunks, 4);
  cluster.stopAll();
});

t.test(
  'files: nothing is collected by a node that has not caught up, or whose state is being replaced',
  async (t) => {
    const cluster = await FileCluster.of(1);
    const node = cluster.node(1);
    node.roots.lease(file.address);
    await cluster.upload(1, file);
    node.roots.leases.delete(file.address);
    node.catchUp = () => {
      throw new Error('no majority');
    };
    await node.files.collect();
    t.equal(node.files.status().chunks, 4);
    node.catchUp = () => undefined;
    node.roots.known = false;
    await node.files.collect();
    t.equal(node.files.status().chunks, 4);
    t.equal(await node.files.missingAt(1), null);
    node.roots.known = true;
    await node.files.collect();
    t.equal(node.files.status().chunks, 0);
    cluster.stopAll();
  },
);
