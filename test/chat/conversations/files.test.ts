import t from 'tap';
import { defaultFileBounds } from '../../../src/chat/conversations/files.ts';
import type { FileQuota } from '../../../src/chat/vocabulary/file-types.ts';
import type { Command } from '../../../src/chat/vocabulary/types.ts';
import { inKeyOrder, said, World } from '../support/world.ts';

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

const file = (digit: number, bytes = MIB, name = 'a.txt') =>
  ({ name, type: 'text/plain', bytes, manifest: manifest(digit) }) as const;
const send = (to: string, digit: number, more: { complete?: boolean; bytes?: number; name?: string } = {}) =>
  ({
    kind: 'send-file',
    to,
    file: file(digit, more.bytes, more.name),
    replyTo: null,
    complete: more.complete ?? true,
  }) as const;

t.test('file message: refers to what was leased, and the lease is over', async (t) => {
  const world = new World();
  const [ann, bob] = [world.register('ann'), world.register('bob')];
  world.raw(lease(1), ann);
  const answer = world.raw(send('bob', 1), ann);
  t.equal(said(answer), 'sent');
  const { files } = world.machine;
  t.equal(files.lease(ann, manifest(1)), undefined);
  t.strictSame([...files.referenced()], [manifest(1)]);
  t.strictSame([...files.leased()], []);
  t.equal(files.bytesOf(ann), MIB, 'it counts against its sender');
  t.equal(files.bytesOf(bob), 0);
  const reference = files.file(world.index);
  t.match(reference, { sequence: 1, manifest: manifest(1), owner: ann });
  const [message] = world.history(reference?.conversation ?? '');
  t.strictSame(message?.body, { kind: 'file', file: file(1) });
  t.match(answer.events.at(-1), { kind: 'message', message: { body: { kind: 'file' } } });
});

t.test('file message: without a lease, or before all of it is there, nothing is sent', async (t) => {
  const world = new World();
  const [ann, bob] = [world.register('ann'), world.register('bob')];
  t.equal(said(world.raw(send('bob', 1), ann)), 'UNKNOWN_UPLOAD');
  world.raw(lease(1), ann);
  t.equal(said(world.raw(send('bob', 1), bob)), 'UNKNOWN_UPLOAD', 'another one’s lease');
  t.equal(said(world.raw(send('bob', 1, { bytes: 5 }), ann)), 'UNKNOWN_UPLOAD', 'another size');
  t.equal(said(world.raw(send('bob', 1, { complete: false }), ann)), 'UPLOAD_INCOMPLETE');
  t.equal(said(world.raw(send('bob', 1))), 'AUTH_REQUIRED');
  t.equal(said(world.raw(send('zoe', 1), ann)), 'UNKNOWN_USER');
  t.equal(said(world.raw(send('bob', 1, { name: '' }), ann)), 'BAD_REQUEST');
  t.equal(said(world.raw(send('bob', 1, { name: 'x'.repeat(256) }), ann)), 'TOO_LONG');
  t.strictSame([...world.machine.files.referenced()], []);
  t.ok(world.machine.files.lease(ann, manifest(1)), 'the lease stays');
  const asText = { kind: 'send', to: 'bob', body: { kind: 'file', file: file(1) }, replyTo: null } as const;
  t.equal(said(world.raw({ ...asText, wantsReceipt: false }, ann)), 'BAD_REQUEST', 'by no other way');
});

t.test(
  'file message: repeated under its number it is one, however its chunks are judged by then',
  async (t) => {
    const world = new World();
    world.register('bob');
    world.numbered(1, 1, { kind: 'register', name: 'ann', passwordHash: 'hash' });
    const ann = world.machine.accountByName('ann');
    world.numbered(1, 2, { kind: 'login', account: ann?.id ?? 0, credential: 1 });
    world.numbered(1, 3, lease(1));
    const first = world.numbered(1, 4, send('bob', 1));
    t.equal(said(first), 'sent');
    t.strictSame(world.numbered(1, 4, send('bob', 1, { complete: false })).result, first.result);
    t.equal(said(world.numbered(1, 4, send('bob', 1, { name: 'b.txt' }))), 'CONFLICT');
    world.numbered(1, 5, lease(2));
    t.equal(said(world.numbered(1, 6, send('bob', 2, { complete: false }))), 'UPLOAD_INCOMPLETE');
    t.equal(
      said(world.numbered(1, 6, send('bob', 2))),
      'UPLOAD_INCOMPLETE',
      'the first answer is the answer',
    );
    t.equal(said(world.numbered(1, 7, send('bob', 2))), 'sent', 'under a new number');
  },
);

t.test('file message: a content stays while any message refers to it', async (t) => {
  const world = new World();
  const [ann, bob] = [world.register('ann'), world.register('bob')];
  const cal = world.register('cal');
  world.raw(lease(1), ann);
  world.raw(send('bob', 1), ann);
  world.raw(lease(1), bob);
  world.raw(send('bob', 1), bob);
  const { files } = world.machine;
  t.equal(files.clusterBytes, MIB, 'one content');
  world.raw({ kind: 'delete-account', name: 'bob' }, bob);
  t.ok(files.has(manifest(1)), 'ann still has her conversation');
  t.equal(files.bytesOf(bob), 0, 'his own is gone, with its conversation');
  world.raw({ kind: 'delete-account', name: 'ann' }, ann);
  t.notOk(files.has(manifest(1)), 'nobody can read it any more');
  t.equal(files.clusterBytes, 0);
  world.store();
  t.notOk([...world.rows.keys()].some((key) => key.startsWith('f/') || key.startsWith('u/')));
  t.equal(files.bytesOf(cal), 0);
});

t.test('file message: in a group and in the lobby; gone with the group', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  world.raw({ kind: 'create-group', name: 'g', passwordHash: null }, ann);
  for (const [digit, to] of [
    [1, '#g'],
    [2, '#lobby'],
  ] as const) {
    world.raw(lease(digit), ann);
    t.equal(said(world.raw(send(to, digit), ann)), 'sent');
  }
  await world.reload();
  const { files } = world.machine;
  t.strictSame([...files.referenced()].sort(), [manifest(1), manifest(2)]);
  t.equal(files.bytesOf(ann), 2 * MIB);
  world.raw({ kind: 'delete-group', name: 'g' }, ann);
  t.strictSame([...files.referenced()], [manifest(2)]);
  t.equal(files.bytesOf(ann), MIB);
});
