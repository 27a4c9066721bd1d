import t from 'tap';
import { addressOf } from '../../src/files/digest.ts';
import { encodeQuestion } from '../../src/files/exchange.ts';
import { chunkBytes } from '../../src/protocol/manifest.ts';
import { MemoryDisk } from '../support/memory-disk.ts';
import { download, FileCluster, makeFile, TestRoots } from './support/file-cluster.ts';

const file = makeFile(2 * chunkBytes + 1_000);
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

t.test(
  'files: an upload is held by a majority before it is acknowledged, and whole on any node',
  async (t) => {
    const cluster = await FileCluster.of(3);
    cluster.roots.lease(file.address);
    cluster.node(3).up = false;
    await cluster.upload(1, file);
    const found = await cluster.node(1).files.holdings.holdings(file.address);
    t.strictSame(found?.held, [true, true, true]);
    cluster.node(3).up = true;
    cluster.node(1).up = false;
    t.ok(same(await download(cluster.node(2), file.address), file.content), 'from the node that has it');
    t.ok(
      same(await download(cluster.node(3), file.address), file.content),
      'pulled by the one that missed it',
    );
    cluster.stopAll();
  },
);

t.test('files: a node that answers nothing holds nobody up who asks what a majority holds', async (t) => {
  const cluster = await FileCluster.of(3);
  const { holdings } = cluster.node(1).files;
  cluster.roots.lease(file.address);
  cluster.node(3).hangs = true;
  await holdings.put(file.address, file.address, file.encoded);
  let begun: Awaited<ReturnType<typeof holdings.holdings>> | undefined;
  void holdings.holdings(file.address).then((found) => {
    begun = found;
  });
  const sinceMs = cluster.clock.monotonicMs();
  await cluster.until('what is held is known', () => begun !== undefined);
  t.ok(cluster.clock.monotonicMs() - sinceMs < 2_000, 'a moment, for what the third might have');
  t.strictSame(begun?.held, [false, false, false]);
  await cluster.upload(1, file);
  t.strictSame((await holdings.holdings(file.address))?.held, [true, true, true], 'no time passes');
  cluster.stopAll();
});

t.test('files: without a majority a chunk is refused, and what is held is not told as held', async (t) => {
  const cluster = await FileCluster.of(3);
  cluster.roots.lease(file.address);
  cluster.node(2).up = false;
  cluster.node(3).up = false;
  await t.rejects(cluster.upload(1, file), { code: 'UNAVAILABLE' });
  t.equal(await cluster.node(1).files.holdings.holdings(file.address), null);
  cluster.stopAll();
});

t.test('files: a node that only learns does not count towards the majority', async (t) => {
  const cluster = await FileCluster.of(2);
  await cluster.start(3, new MemoryDisk(), false);
  cluster.roots.lease(file.address);
  cluster.node(2).up = false;
  await t.rejects(cluster.upload(1, file), { code: 'UNAVAILABLE' });
  cluster.stopAll();
});

t.test(
  'files: a voter whose disk is gone counts in the majority, until another has replaced it',
  async (t) => {
    const cluster = await FileCluster.of(4);
    const replaced = await cluster.start(2, new MemoryDisk(), false);
    replaced.oldVoter = true;
    cluster.roots.lease(file.address);
    cluster.node(3).up = false;
    await t.rejects(cluster.upload(1, file), { code: 'UNAVAILABLE' }, 'two of four');
    replaced.oldVoter = false;
    await t.resolves(cluster.upload(1, file), 'two of three');
    cluster.stopAll();
  },
);

t.test(
  'files: a full disk takes no chunk, the others do; when too many are full the sender is told',
  async (t) => {
    const cluster = await FileCluster.of(3);
    cluster.roots.lease(file.address);
    const fill = (id: number, freeBytes: number): void => {
      cluster.node(id).disk.space = async () => ({ freeBytes, totalBytes: 2 ** 40 });
    };
    fill(3, 2 ** 20);
    await t.resolves(cluster.upload(1, file));
    t.equal(cluster.node(3).files.status().chunks, 0);
    await t.rejects(cluster.upload(3, makeFile(10, 3)), { code: 'UNKNOWN_UPLOAD' });
    await t.rejects(cluster.upload(3, file), { code: 'LOW_SPACE' }, 'by the full one itself');
    fill(2, 2 ** 20);
    const other = makeFile(10, 4);
    cluster.roots.lease(other.address);
    await cluster.clock.advance(1_000);
    await t.rejects(cluster.upload(1, other), { code: 'LOW_SPACE' }, 'by two of three');
    fill(2, 2 ** 35);
    await cluster.clock.advance(1_000);
    await t.resolves(cluster.upload(1, other), 'it goes on by itself');
    cluster.stopAll();
  },
);

t.test(
  'files: which chunks are held is answered per chunk, so an upload goes on where it broke off',
  async (t) => {
    const cluster = await FileCluster.of(3);
    cluster.roots.lease(file.address);
    const { holdings } = cluster.node(1).files;
    await holdings.put(file.address, file.address, file.encoded);
    await holdings.put(file.address, file.manifest.chunks[1] ?? '', file.chunks[1] ?? new Uint8Array(0));
    cluster.node(1).up = false;
    const found = await cluster.node(2).files.holdings.holdings(file.address);
    t.strictSame(found?.held, [false, true, false]);
    cluster.stopAll();
  },
);

t.test('files: a peer whose state does not know the upload yet catches up first, or refuses', async (t) => {
  const cluster = await FileCluster.of(1);
  const behind = await cluster.start(2, new MemoryDisk(), true, new TestRoots());
  cluster.roots.lease(file.address);
  await t.rejects(cluster.upload(1, file), { code: 'UNAVAILABLE' }, 'it would not keep the chunk');
  behind.catchUp = () => behind.roots.lease(file.address);
  await cluster.upload(1, file);
  t.equal(behind.files.status().chunks, 4);
  cluster.stopAll();
});

t.test('files: nothing is taken for an upload that the state does not know', async (t) => {
  const cluster = await FileCluster.of(3);
  await t.rejects(cluster.upload(1, file), { code: 'UNKNOWN_UPLOAD' });
  t.equal(cluster.node(1).files.status().chunks, 0);
  cluster.stopAll();
});

t.test('files: a range is cut to the byte, over the borders of chunks', async (t) => {
  const cluster = await FileCluster.of(1);
  cluster.roots.lease(file.address);
  await cluster.upload(1, file);
  for (const [from, to] of [
    [0, 1],
    [chunkBytes - 1, chunkBytes + 1],
    [chunkBytes, 2 * chunkBytes],
    [5, 2 * chunkBytes + 7],
    [file.content.length - 1, file.content.length],
    [0, file.content.length],
  ] as const) {
    const part = await download(cluster.node(1), file.address, from, to);
    t.ok(same(part, file.content.slice(from, to)), `bytes ${from} to ${to}`);
  }
  const empty = makeFile(0);
  cluster.roots.lease(empty.address);
  await cluster.upload(1, empty);
  t.equal((await download(cluster.node(1), empty.address)).length, 0);
  cluster.stopAll();
});

t.test(
  'files: a node that was down, or lost its disk, fetches what messages refer to by itself',
  async (t) => {
    const cluster = await FileCluster.of(3);
    cluster.node(3).up = false;
    cluster.roots.lease(file.address);
    await cluster.upload(1, file);
    cluster.roots.refer(file.address);
    cluster.node(3).up = true;
    t.equal(await cluster.node(1).files.missingAt(3), 1, 'not even the manifest: nobody knows how much');
    cluster.node(3).files.start();
    await cluster.until('node 3 has everything', () => cluster.node(3).files.status().chunks === 4);
    t.equal(await cluster.node(1).files.missingAt(3), 0);

    await cluster.start(2);
    t.not(await cluster.node(1).files.missingAt(2), 0, 'a wiped disk is told');
    cluster.node(2).files.start();
    await cluster.until('node 2 has everything', () => cluster.node(2).files.status().chunks === 4);
    t.equal(cluster.node(2).files.status().missing, 0);
    cluster.stopAll();
  },
);

t.test(
  'files: whether a node has everything is known a moment after it was asked, and not for long',
  async (t) => {
    const cluster = await FileCluster.of(3);
    const leader = cluster.node(1).files;
    t.equal(leader.hasEverything(2), null, 'not known yet');
    await cluster.clock.advance(1);
    t.ok(leader.hasEverything(2));
    cluster.node(2).up = false;
    cluster.roots.lease(file.address);
    await cluster.upload(1, file);
    cluster.roots.refer(file.address);
    cluster.node(2).up = true;
    await cluster.clock.advance(2_000);
    t.equal(leader.hasEverything(2), null, 'what was seen is too old');
    await cluster.clock.advance(1);
    t.equal(leader.hasEverything(2), false, 'it lacks what came meanwhile');
    cluster.node(2).files.start();
    await cluster.until('node 2 may vote', () => leader.hasEverything(2) === true);
    cluster.stopAll();
  },
);

t.test('files: whether everything is there cannot be said by a node that cannot be asked', async (t) => {
  const cluster = await FileCluster.of(3);
  cluster.node(2).up = false;
  t.equal(await cluster.node(1).files.missingAt(2), null);
  cluster.node(2).up = true;
  cluster.node(2).catchUp = () => {
    throw new Error('no majority');
  };
  t.equal(await cluster.node(1).files.missingAt(2), null);
  cluster.stopAll();
});

t.test('files: the scrub finds a damaged chunk and a good copy takes its place', async (t) => {
  const cluster = await FileCluster.of(3);
  cluster.roots.lease(file.address);
  await cluster.upload(1, file);
  cluster.roots.refer(file.address);
  const { disk, files } = cluster.node(2);
  const damaged = file.manifest.chunks[1] ?? '';
  const path = `files/${damaged.slice(0, 2)}/${damaged}`;
  const content = disk.contentOf(path);
  content[7] = (content[7] ?? 0) ^ 1;
  disk.plant(path, content);
  files.start();
  await cluster.until('it was found and repaired', () => {
    const { damaged, fetched } = files.status();
    return damaged === 1 && fetched === 1;
  });
  t.equal(addressOf(disk.contentOf(path)), damaged);
  await cluster.until('the scrub went on', () => files.status().scrubbed >= 8);
  t.equal(files.status().damaged, 1);
  cluster.stopAll();
});

t.test('files: what no voter has any more keeps nobody from becoming one', async (t) => {
  const cluster = await FileCluster.of(3);
  cluster.roots.lease(file.address);
  await cluster.upload(1, file);
  cluster.roots.refer(file.address);
  const gone = file.manifest.chunks[1] ?? '';
  for (const id of [1, 2, 3]) {
    const { disk, files } = cluster.node(id);
    disk.plant(`files/${gone.slice(0, 2)}/${gone}`, null);
    for await (const copy of files.answer(encodeQuestion({ kind: 'get', addresses: [gone] })))
      t.equal(copy[0], 0);
  }
  const learner = await cluster.start(4, new MemoryDisk(), false);
  cluster.node(3).up = false;
  learner.files.start();
  await cluster.until('it has what there is', () => learner.files.status().chunks === 3);
  await cluster.clock.advance(5_000);
  t.equal(learner.files.status().gone, 0);
  t.equal(await cluster.node(1).files.missingAt(4), 1, 'the voter that is away may have it');
  cluster.node(3).up = true;
  await cluster.until('all were asked', () => learner.files.status().gone === 1);
  t.equal(learner.files.status().missing, 1, 'it is missing all the same');
  t.equal(await cluster.node(1).files.missingAt(4), 0);
  cluster.stopAll();
});

t.test('files: what is lost while the node looks whether all is there is fetched too', async (t) => {
  const cluster = await FileCluster.of(2);
  const later = makeFile(10, 2);
  for (const each of [file, later]) {
    cluster.roots.lease(each.address);
    await cluster.upload(1, each);
    cluster.roots.refer(each.address);
  }
  const { disk, files } = cluster.node(2);
  const damaged = file.manifest.chunks[0] ?? '';
  let looks = 0;
  disk.before = async ({ kind, path }) => {
    // The first file has been found complete: the look is at the second one.
    if (kind !== 'read' || !path.endsWith(later.address) || ++looks > 1) return;
    disk.plant(`files/${damaged.slice(0, 2)}/${damaged}`, new Uint8Array(1));
    // A peer that asks for it finds the damage; nobody here waits for the chunk.
    for await (const copy of files.answer(encodeQuestion({ kind: 'get', addresses: [damaged] })))
      t.equal(copy[0], 0);
  };
  files.start();
  await cluster.until('it was found and repaired', () => files.status().damaged === 1);
  await cluster.until(
    'everything is here',
    () => files.status().missing === 0 && files.status().chunks === 6,
  );
  t.equal(await cluster.node(1).files.missingAt(2), 0);
  cluster.stopAll();
});

t.test('files: a reader gets a good copy from another node when the own one is damaged', async (t) => {
  const cluster = await FileCluster.of(2);
  cluster.roots.lease(file.address);
  await cluster.upload(1, file);
  for (const path of cluster.node(1).disk.files()) cluster.node(1).disk.plant(path, new Uint8Array(3));
  t.ok(same(await download(cluster.node(1), file.address), file.content));
  t.equal(cluster.node(1).files.status().damaged, 4);
  cluster.stopAll();
});

t.test('files: a chunk that no reachable node has is an error, never a gap', async (t) => {
  const cluster = await FileCluster.of(2);
  cluster.roots.lease(file.address);
  await cluster.upload(1, file);
  for (const node of [1, 2]) {
    const gone = file.manifest.chunks[2] ?? '';
    cluster.node(node).disk.plant(`files/${gone.slice(0, 2)}/${gone}`, null);
  }
  await t.rejects(download(cluster.node(1), file.address), { code: 'UNAVAILABLE' });
  cluster.stopAll();
});

t.test('files: a peer that sends something else is not believed', async (t) => {
  const cluster = await FileCluster.of(3);
  cluster.roots.lease(file.address);
  await cluster.upload(1, file);
  const wiped = await cluster.start(3);
  const liar = cluster.node(1).files;
  liar.answer = async function* () {
    for (let at = 0; at < 3; at++) yield Uint8Array.of(1, 2, 3);
  };
  t.ok(same(await download(wiped, file.address), file.content), 'the honest node is asked next');
  cluster.stopAll();
});

t.test('files: a peer that falls silent is given up, one that is only slow is not', async (t) => {
  const cluster = await FileCluster.of(2);
  cluster.roots.lease(file.address);
  await cluster.upload(1, file);
  const slow = cluster.node(1).files;
  const answer = slow.answer.bind(slow);
  const wiped = await cluster.start(2);
  let waitMs = 6_000;
  slow.answer = async function* (question) {
    for await (const frame of answer(question)) {
      await new Promise<void>((resolve) => cluster.clock.after(waitMs, resolve));
      yield frame;
    }
  };
  const chunks = [...file.manifest.chunks];
  let left: number | null = null;
  const fetching = wiped.files.reader.fetch(chunks).then(({ missing }) => {
    left = missing.length;
  });
  await cluster.until('it came in the end', () => left !== null);
  t.equal(left, 0, 'eighteen seconds in all');
  waitMs = 60_000;
  await t.rejects(Promise.all([wiped.files.reader.read(file.address), cluster.clock.advance(11_000)]), {
    code: 'UNAVAILABLE',
  });
  await fetching;
  cluster.stopAll();
});

t.test('files: garbage as a question is refused', async (t) => {
  const cluster = await FileCluster.of(1);
  for (const question of [[], [1], [9, 0], [1, 9], [1, 2], [1, 1, 5], [1, 0, 1]]) {
    const answers = cluster.node(1).files.answer(Uint8Array.from(question));
    await t.rejects(answers[Symbol.asyncIterator]().next(), { code: 'BAD_REQUEST' });
  }
  cluster.stopAll();
});
