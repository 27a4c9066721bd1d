import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { seededRandom } from '../../src/base/prng.ts';
import { ChunkStore } from '../../src/files/chunk-store.ts';
import { addressOf } from '../../src/files/digest.ts';
import { nodeDisk } from '../../src/wal/node-disk.ts';
import { MemoryDisk } from '../support/memory-disk.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const hello = bytes('hello');
const address = addressOf(hello);
const path = `files/${address.slice(0, 2)}/${address}`;

async function open(disk: MemoryDisk): Promise<{ readonly store: ChunkStore; readonly lost: string[] }> {
  const lost: string[] = [];
  return {
    store: await ChunkStore.open({ disk, hasRoom: async () => true, onLost: (gone) => lost.push(gone) }),
    lost,
  };
}

t.test('chunk store: what was put is read again, also after a crash right behind it', async (t) => {
  const disk = new MemoryDisk();
  const { store } = await open(disk);
  t.notOk(store.has(address));
  t.equal(await store.read(address), null);
  await store.put(address, hello);
  t.ok(store.has(address));
  t.strictSame(await store.read(address), hello);
  const { store: after } = await open(disk.crash({ kind: 'synced-only' }));
  t.strictSame(await after.read(address), hello);
  t.equal(after.count, 1);
});

t.test('chunk store: content under another address is refused and not kept', async (t) => {
  const disk = new MemoryDisk();
  const { store } = await open(disk);
  await t.rejects(store.put(address, bytes('hullo')), { code: 'BAD_REQUEST' });
  t.notOk(store.has(address));
  t.strictSame(disk.files(), []);
});

t.test('chunk store: a crash in the middle of a write leaves the chunk whole or absent', async (t) => {
  for (let seed = 0; seed < 50; seed++) {
    const disk = new MemoryDisk();
    const { store } = await open(disk);
    const other = bytes(`chunk ${seed}`);
    await store.put(address, hello);
    void store.put(addressOf(other), other).catch(() => undefined);
    for (let turns = seed % 7; turns > 0; turns--) await Promise.resolve();
    const { store: after, lost } = await open(disk.crash({ kind: 'random', random: seededRandom(seed) }));
    t.strictSame(await after.read(address), hello);
    if (after.has(addressOf(other))) t.strictSame(await after.read(addressOf(other)), other);
    t.strictSame(lost, []);
  }
});

t.test('chunk store: what an interrupted write left behind is cleared away at opening', async (t) => {
  const disk = new MemoryDisk();
  disk.plant(`${path}.tmp`, bytes('hel'));
  disk.plant('files/zz/note', bytes('not a chunk'));
  const { store } = await open(disk);
  t.equal(store.count, 0);
  t.strictSame(disk.files(), []);
});

t.test(
  'chunk store: a file in place of a directory gives way, and its chunks can be stored again',
  async (t) => {
    for (const lost of ['files', `files/${address.slice(0, 2)}`]) {
      const root = t.testdir({});
      const place = { disk: nodeDisk(root), hasRoom: async () => true, onLost: () => undefined };
      await (await ChunkStore.open(place)).put(address, hello);
      await rm(join(root, lost), { recursive: true });
      await writeFile(join(root, lost), 'no directory');
      const store = await ChunkStore.open(place);
      t.equal(store.count, 0, lost);
      await store.put(address, hello);
      t.strictSame(await store.read(address), hello);
    }
  },
);

for (const [what, content] of [
  ['a flipped bit', bytes('hellp')],
  ['a truncated file', bytes('hel')],
  ['an empty file', bytes('')],
  ['a removed file', null],
] as const) {
  t.test(`chunk store: ${what} is never handed out; the chunk is dropped and told`, async (t) => {
    const disk = new MemoryDisk();
    const { store, lost } = await open(disk);
    await store.put(address, hello);
    disk.plant(path, content);
    t.equal(await store.read(address), null);
    t.notOk(store.has(address));
    t.strictSame(lost, [address]);
    t.strictSame(disk.files(), [], 'a good copy can take its place');
    await store.put(address, hello);
    t.strictSame(await store.read(address), hello);
  });
}

t.test(
  'chunk store: what the disk cannot read is dropped and told, what it cannot do now is an error',
  async (t) => {
    const disk = new MemoryDisk();
    const { store, lost } = await open(disk);
    await store.put(address, hello);
    let code = 'EMFILE';
    disk.before = ({ kind }) => {
      if (kind === 'read') throw Object.assign(new Error(code), { code });
    };
    await t.rejects(store.read(address), { code: 'EMFILE' });
    t.ok(store.has(address));
    code = 'EIO';
    t.equal(await store.read(address), null);
    t.notOk(store.has(address));
    t.strictSame(lost, [address]);
  },
);

t.test('chunk store: a failed write rejects, and the chunk counts as absent', async (t) => {
  const disk = new MemoryDisk();
  const { store } = await open(disk);
  disk.before = ({ kind }) => {
    if (kind === 'replace') throw new Error('no space left on device');
  };
  await t.rejects(store.put(address, hello), { message: /no space/ });
  t.notOk(store.has(address));
  disk.before = ({ kind }) => {
    if (kind === 'replace') throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  };
  await t.rejects(store.put(address, hello), { code: 'LOW_SPACE' }, 'a full disk is told as one');
  disk.before = null;
  await store.put(address, hello);
  t.ok(store.has(address));
});

t.test(
  'chunk store: two writes of one chunk are one; a removal between two writes leaves it there',
  async (t) => {
    const disk = new MemoryDisk();
    const { store } = await open(disk);
    let writes = 0;
    disk.before = ({ kind }) => {
      if (kind === 'replace') writes += 1;
    };
    await Promise.all([store.put(address, hello), store.put(address, hello)]);
    t.equal(writes, 1);
    const removed = store.remove(address);
    t.notOk(store.has(address), 'gone at once');
    const again = store.put(address, hello);
    await Promise.all([removed, again]);
    t.ok(store.has(address));
    t.strictSame(await store.read(address), hello);
  },
);
