import t from 'tap';
import { defaultFileBounds } from '../../src/chat/files.ts';
import type { Command, FileQuota } from '../../src/chat/types.ts';
import { inKeyOrder, said, World } from './support/world.ts';

const MIB = 1_048_576;
const quota: FileQuota = { fileBytes: 10 * MIB, accountBytes: 25 * MIB, clusterBytes: 40 * MIB };
const manifest = (digit: number): string => digit.toString(16).padStart(64, '0');
const lease = (digit: number, bytes = MIB, more: Partial<FileQuota> = {}): Command => ({
  kind: 'lease-upload',
  manifest: manifest(digit),
  bytes,
  quota: { ...quota, ...more },
});
const cancel = (digit: number): Command => ({ kind: 'cancel-upload', manifest: manifest(digit) });

t.test('upload lease: protects its manifest and counts against the account until it is over', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  const { files } = world.machine;
  t.equal(said(world.raw(lease(1), ann)), 'upload-leased');
  t.ok(files.has(manifest(1)));
  t.strictSame([...files.leased()], [manifest(1)]);
  t.strictSame([...files.referenced()], []);
  t.equal(files.bytesOf(ann), MIB);
  t.equal(said(world.raw(cancel(1), ann)), 'upload-cancelled');
  t.notOk(files.has(manifest(1)));
  t.equal(files.bytesOf(ann), 0);
  t.equal(files.clusterBytes, 0);
  t.equal(said(world.raw(cancel(1), ann)), 'upload-cancelled', 'once more does no harm');
});

t.test('upload lease: asked for again it is one lease, for its full time from then on', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  world.raw(lease(1), ann);
  world.clusterMs = defaultFileBounds.leaseMs - 1;
  world.raw(lease(1), ann);
  t.equal(world.machine.files.bytesOf(ann), MIB);
  world.clusterMs += defaultFileBounds.leaseMs - 1;
  world.register('bob');
  t.ok(world.machine.files.has(manifest(1)));
  world.clusterMs += 1;
  world.register('cal');
  t.notOk(world.machine.files.has(manifest(1)), 'ended by cluster time, with the next entry');
});

t.test('upload lease: the size of a file, of an account and of the cluster are bounded', async (t) => {
  const world = new World();
  const [ann, bob] = [world.register('ann'), world.register('bob')];
  t.equal(said(world.raw(lease(1, 10 * MIB + 1), ann)), 'TOO_LARGE');
  t.equal(said(world.raw(lease(1, 10 * MIB), ann)), 'upload-leased');
  t.equal(said(world.raw(lease(2, 10 * MIB), ann)), 'upload-leased');
  t.equal(said(world.raw(lease(3, 5 * MIB + 1), ann)), 'QUOTA_EXCEEDED');
  t.equal(said(world.raw(lease(3, 5 * MIB), ann)), 'upload-leased', 'to the byte');
  t.equal(said(world.raw(lease(4, 10 * MIB), bob)), 'upload-leased');
  t.equal(said(world.raw(lease(5, 5 * MIB + 1), bob)), 'QUOTA_EXCEEDED', 'the cluster is full');
  t.equal(
    said(world.raw(lease(2, 10 * MIB), bob)),
    'upload-leased',
    'what is there already takes no more room',
  );
  t.equal(world.machine.files.clusterBytes, 35 * MIB);
  t.equal(said(world.raw(cancel(2), ann)), 'upload-cancelled');
  t.ok(world.machine.files.has(manifest(2)), 'the other account still has it');
});

t.test('upload lease: empty files take room too, and open uploads are bounded', async (t) => {
  const world = new World({ leasesPerAccount: 3 });
  const ann = world.register('ann');
  for (const digit of [1, 2, 3]) t.equal(said(world.raw(lease(digit, 0), ann)), 'upload-leased');
  t.ok(world.machine.files.bytesOf(ann) > 0);
  t.equal(said(world.raw(lease(4, 0), ann)), 'QUOTA_EXCEEDED');
  t.equal(said(world.raw(lease(3, 0), ann)), 'upload-leased', 'an open one may be renewed');
});

t.test('upload lease: needs an account and a well-formed address', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  t.equal(said(world.raw(lease(1))), 'AUTH_REQUIRED');
  t.equal(said(world.raw(cancel(1))), 'AUTH_REQUIRED');
  t.equal(said(world.raw({ ...lease(1), manifest: '../../x' } as Command, ann)), 'BAD_REQUEST');
  world.raw(lease(1, 5), ann);
  t.equal(said(world.raw(lease(1, 6), ann)), 'BAD_REQUEST', 'one content has one size');
});

t.test('upload lease: a deleted account has none', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  world.raw(lease(1), ann);
  world.raw({ kind: 'delete-account', name: 'ann' }, ann);
  t.notOk(world.machine.files.has(manifest(1)));
  world.store();
  t.notOk([...world.rows.keys()].some((key) => key.startsWith('u/')));
});

t.test('upload lease: a restarted node knows the same leases and ends them at the same entry', async (t) => {
  const world = new World({ expiriesPerEntry: 1 });
  const ann = world.register('ann');
  for (const digit of [3, 1, 2]) {
    world.clusterMs += 10;
    world.raw(lease(digit), ann);
  }
  world.clusterMs += 10;
  world.raw(lease(3), ann);
  const digest = world.machine.digest();
  await world.reload();
  t.equal(world.machine.digest(), digest);
  t.equal(world.machine.files.bytesOf(ann), 3 * MIB);
  world.clusterMs += defaultFileBounds.leaseMs;
  const left: string[][] = [];
  for (let entry = 0; entry < 4; entry++) {
    world.applyBytes(new Uint8Array(0));
    left.push([...world.machine.files.leased()].map((each) => each.slice(-1)).sort());
  }
  t.strictSame(left, [['2', '3'], ['3'], [], []]);
  t.equal(world.machine.files.clusterBytes, 0);
});

t.test('upload lease: what joins is counted, what is renewed or leaves is not', async (t) => {
  const world = new World();
  const [ann, bob] = [world.register('ann'), world.register('bob')];
  const { files } = world.machine;
  const start = files.additions;
  world.raw(lease(1), ann);
  const joined = files.additions;
  t.ok(joined > start);
  world.raw(lease(1), bob);
  t.equal(files.additions, joined, 'it was there');
  world.raw(cancel(1), bob);
  world.raw(cancel(1), ann);
  t.equal(files.additions, joined);
  world.raw(lease(1), ann);
  t.ok(files.additions > joined);
});

t.test('upload lease: while a state is loaded nothing is concluded from it', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  world.raw(lease(1), ann);
  world.store();
  const { files } = world.machine;
  const before = files.additions;
  const seen: boolean[] = [];
  await world.machine.load(
    (async function* () {
      seen.push(files.known);
      yield* inKeyOrder(world.rows);
    })(),
  );
  t.strictSame(seen, [false]);
  t.ok(files.known);
  t.ok(files.has(manifest(1)));
  t.ok(files.additions > before, 'a replaced state is news');
});
