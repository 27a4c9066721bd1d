import { randomBytes } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { BackupReader, type BackupSink } from '../../src/backup/reader.ts';
import { type BackupRecord, encodeRecord, RecordReader } from '../../src/backup/records.ts';
import { RESTORE_GAP, Restorer } from '../../src/backup/restorer.ts';
import { backupRecords } from '../../src/backup/source.ts';
import { openSurvivor } from '../../src/backup/survivor.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { ChatMachine } from '../../src/chat/machine.ts';
import { ChunkStore } from '../../src/files/chunk-store.ts';
import type { ExportLine } from '../../src/gateway/transfer/export-line.ts';
import { Exporter } from '../../src/gateway/transfer/exporter.ts';
import { decodeDirectory } from '../../src/replication/formats/members.ts';
import { formats } from '../../src/replication/formats/versions.ts';
import { openDataDirectory } from '../../src/replication/storage/data-directory.ts';
import { nodeDisk } from '../../src/wal/node-disk.ts';
import { sessionId } from '../chat/support/world.ts';
import { places, type SmallCluster, smallCluster } from './support/small-cluster.ts';

const invalid = { code: 'BACKUP_INVALID' };
const random53 = (): number => Number(randomBytes(6).readUIntBE(0, 6));

async function recordsOf(cluster: SmallCluster): Promise<readonly BackupRecord[]> {
  const reader = new RecordReader();
  const records: BackupRecord[] = [];
  for await (const bytes of backupRecords(cluster.source)) records.push(...reader.read(bytes));
  return records;
}

async function read(records: readonly BackupRecord[], sink: BackupSink = {}): ReturnType<typeof finish> {
  const reader = new BackupReader(sink);
  const bytes = Buffer.concat(records.map(encodeRecord));
  // Cut where no record ends.
  for (let at = 0; at < bytes.length; at += 999) await reader.write(bytes.subarray(at, at + 999));
  return finish(reader);
}

async function finish(reader: BackupReader) {
  return reader.finish();
}

async function linesOf(exporter: Exporter): Promise<readonly ExportLine[]> {
  const lines: ExportLine[] = [];
  for await (const line of exporter.lines()) lines.push(line);
  return lines;
}

function placeIn(t: Test) {
  const root = join(t.testdir({}), 'data', 'node-2');
  const place = { root, cluster: 'new', node: 2, nodes: places, random53, clock: systemClock };
  return { root, place, names: () => readdir(join(root, '..')) };
}

t.test('backup: one index of the state, and each file once', async (t) => {
  const cluster = await smallCluster(t);
  const records = await recordsOf(cluster);
  const { head, end } = await read(records);
  t.match(head, { cluster: 'small', node: 2, index: cluster.mark.index });
  t.strictSame({ pieces: end.pieces, missing: end.missing }, { pieces: 2, missing: 0 });
  t.equal(cluster.holds, 0, 'chunks may be removed again');
});

t.test('backup: one that nobody reads to its end holds nothing back', async (t) => {
  const cluster = await smallCluster(t);
  // More than may be read at once.
  for (let n = 0; n < 12; n++) {
    const records = backupRecords(cluster.source);
    await records.next();
    const { holds } = cluster;
    await records.return();
    t.strictSame([holds, cluster.holds], [1, 0]);
  }
});

t.test('backup: what is missing, changed, exchanged or added is refused', async (t) => {
  const records = await recordsOf(await smallCluster(t));
  const kinds = records.map(({ kind }) => kind);
  const without = (kind: BackupRecord['kind']): readonly BackupRecord[] =>
    records.filter((_, at) => at !== kinds.indexOf(kind));
  for (const kind of new Set(kinds)) await t.rejects(read(without(kind)), invalid, `no ${kind}`);
  const frames = records.filter(({ kind }) => kind === 'frame');
  t.ok(frames.length >= 2);
  const swapped = [records[0], frames[1], frames[0], ...frames.slice(2), ...records.slice(1 + frames.length)];
  await t.rejects(read(swapped.flatMap((record) => record ?? [])), invalid, 'frames exchanged');
  await t.rejects(read([...records, ...records.slice(-1)]), invalid, 'something behind the end');
  const changed = records.map((record) =>
    record.kind === 'piece' ? { ...record, content: new Uint8Array(record.content.length) } : record,
  );
  await t.rejects(read(changed), invalid, 'another content');
  const bytes = Buffer.concat(records.map(encodeRecord));
  const reader = new BackupReader();
  await reader.write(bytes.subarray(0, -1));
  await t.rejects(finish(reader), invalid, 'cut');
  const long = Buffer.from([2, 255, 255, 255, 127]);
  await t.rejects(new BackupReader().write(long), invalid, 'a length without end');
});

t.test('backup: a chunk that no node has is told, and keeps nothing else from being saved', async (t) => {
  const cluster = await smallCluster(t);
  const [, chunk = ''] = cluster.pieces.keys();
  cluster.pieces.delete(chunk);
  const { end } = await read(await recordsOf(cluster));
  t.strictSame({ pieces: end.pieces, missing: end.missing }, { pieces: 1, missing: 1 });
});

t.test('restore: the state of the backup, a new history, one member that expects the others', async (t) => {
  const cluster = await smallCluster(t);
  const { root, place, names } = placeIn(t);
  const restorer = await Restorer.begin(place);
  await read(await recordsOf(cluster), restorer);
  t.strictSame(await names(), ['node-2.restoring'], 'nothing is in its place before all of it is');
  await restorer.commit();
  t.strictSame(await names(), ['node-2']);

  const disk = nodeDisk(root);
  const owner = { cluster: 'new', node: 2, random53 };
  const { identity, log, store } = await openDataDirectory({ ...owner, root, disk, clock: systemClock });
  t.equal(identity.founded, true);
  t.equal(store.mark?.index, cluster.mark.index + RESTORE_GAP);
  t.match(log.recovered, { sealed: true, entries: [], start: { index: store.mark?.index, term: 4 } });
  t.match(log.recovered.hardState, { term: 4, vote: 0, commit: store.mark?.index });
  const { members, founding, expected, removed } = decodeDirectory(store.mark?.engine ?? new Uint8Array(0));
  t.match(members, [{ node: 2, incarnation: identity.incarnation, httpPort: 302 }]);
  t.strictSame(founding, members);
  t.strictSame(removed, [], 'a cluster that lives elsewhere is told nothing');
  t.match(
    expected,
    [1, 3, 4, 5].map((id) => ({ id, promote: true })),
  );

  const machine = new ChatMachine();
  await machine.load(store.rows());
  const lines = await linesOf(new Exporter(machine, store, null));
  t.strictSame(lines, await linesOf(new Exporter(cluster.world.machine, cluster.store, null)));
  t.ok(cluster.world.machine.session(sessionId(1)), 'there was a session');
  t.equal(machine.session(sessionId(1)), undefined, 'people log in again');
  t.strictSame([...machine.files.leased()], []);
  const chunks = await ChunkStore.open({ disk, hasRoom: async () => true, onLost: () => undefined });
  for (const [address, piece] of cluster.pieces) t.strictSame(await chunks.read(address), piece);
  await log.close();
  await store.close();
});

t.test(
  'restore: over something it does not begin; interrupted, it leaves nothing and can begin again',
  async (t) => {
    const records = await recordsOf(await smallCluster(t));
    const { root, place, names } = placeIn(t);
    const broken = await Restorer.begin(place);
    await t.rejects(read(records.slice(0, -1), broken), invalid);
    await broken.abort();
    t.strictSame(await names(), []);
    await mkdir(`${root}.restoring`);
    await writeFile(join(`${root}.restoring`, 'left'), 'of a restore that was killed');
    const again = await Restorer.begin(place);
    await read(records, again);
    await again.commit();
    t.strictSame(await names(), ['node-2']);
    await t.rejects(Restorer.begin(place), { code: 'DATA_FOREIGN', message: /is not empty/ });
  },
);

t.test(
  'survivor: a directory that is none, or whose node still runs, is refused and left alone',
  async (t) => {
    await t.rejects(openSurvivor(t.testdir({}), systemClock), { code: 'DATA_FOREIGN' });
    const { root, place, names } = placeIn(t);
    const restorer = await Restorer.begin(place);
    await read(await recordsOf(await smallCluster(t)), restorer);
    await restorer.commit();
    const owner = { cluster: 'new', node: 2, random53 };
    const running = await openDataDirectory({ ...owner, root, disk: nodeDisk(root), clock: systemClock });
    await t.rejects(openSurvivor(root, systemClock), { code: 'DATA_LOCKED' });
    await running.log.close();
    await running.store.close();
    const survivor = await openSurvivor(root, systemClock);
    const reader = new BackupReader();
    for await (const piece of survivor.records) await reader.write(piece);
    await survivor.close();
    t.match(reader.finish(), { head: { cluster: 'new', node: 2 }, end: { pieces: 2, missing: 0 } });
    t.strictSame(await names(), ['node-2']);
  },
);

t.test('restore: a state of a newer version of the commands is refused', async (t) => {
  const records = await recordsOf(await smallCluster(t, formats.newest + 1));
  const { place, names } = placeIn(t);
  const restorer = await Restorer.begin(place);
  await t.rejects(read(records, restorer), { code: 'DATA_NEWER' });
  await restorer.abort();
  t.strictSame(await names(), []);
});

t.test('restore: what has come to its place meanwhile stays', async (t) => {
  const { root, place, names } = placeIn(t);
  const restorer = await Restorer.begin(place);
  await read(await recordsOf(await smallCluster(t)), restorer);
  await mkdir(root);
  await writeFile(join(root, 'identity.json'), 'of a node that was started');
  await t.rejects(restorer.commit(), { code: 'DATA_FOREIGN' });
  await restorer.abort();
  t.strictSame(await names(), ['node-2']);
  t.strictSame(await readdir(root), ['identity.json']);
});
