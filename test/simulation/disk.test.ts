import t from 'tap';
import type { Disk } from '../../src/base/disk.ts';
import { seededRandom } from '../../src/base/prng.ts';
import { openDatabase, scan, writeBatch } from '../../src/store/database.ts';
import { MachineDisk } from './disk.ts';
import { Host } from './host.ts';
import { SECTOR_BYTES } from './inode.ts';
import { levelsOn } from './level.ts';
import { World } from './world.ts';

interface Bench {
  readonly world: World;
  readonly machine: MachineDisk;
  readonly host: Host;
  readonly disk: Disk;
  /** Moves time until it settles. */
  finish<Value>(promise: Promise<Value>): Promise<Value>;
}

function bench(seed = 1): Bench {
  const world = new World();
  const machine = new MachineDisk(seededRandom(seed));
  const host = new Host(world, 1, 'node 1', { wallSkewMs: 0, rate: 1 });
  const finish = async <Value>(promise: Promise<Value>): Promise<Value> => {
    promise.catch(() => undefined);
    await world.run(world.nowMs + 100);
    return promise;
  };
  return { world, machine, host, disk: machine.attach(host), finish };
}

const filled = (bytes: number, value: number): Uint8Array => new Uint8Array(bytes).fill(value);

t.test('disk: what was synced survives the power, what was not is torn at sector borders', async (t) => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const { machine, disk, finish } = bench(seed);
    const file = await finish(disk.open('log'));
    await finish(file.write(filled(2 * SECTOR_BYTES, 1), 0));
    await finish(file.sync());
    await finish(disk.syncDirectory('.'));
    await finish(file.write(filled(2 * SECTOR_BYTES, 2), SECTOR_BYTES));
    machine.losePower();
    const content = machine.inode('log')?.content ?? filled(0, 0);
    t.ok(content.subarray(0, SECTOR_BYTES).every((byte) => byte === 1));
    const second = content.subarray(SECTOR_BYTES, 2 * SECTOR_BYTES);
    t.equal(new Set(second).size, 1, 'a sector is old or new, never mixed');
    outcomes.add(`${second[0]} ${content.length}`);
  }
  t.equal(outcomes.size, 4, 'each of the two sectors is there or not');
});

t.test('disk: what a failed sync leaves is seen until the power goes, and is not there then', async (t) => {
  let lost = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const { machine, disk, finish } = bench(seed);
    const file = await finish(disk.open('log'));
    await finish(disk.syncDirectory('.'));
    machine.faults.failing = 1;
    const failing = finish(file.write(filled(100, 1), 0));
    await t.rejects(failing, /EIO/, 'the write fails');
    await finish(file.write(filled(100, 1), 0));
    machine.faults.failing = 1;
    await t.rejects(finish(file.sync()), /EIO/, 'the sync fails');
    await finish(file.sync());
    t.equal(machine.inode('log')?.content[0], 1);
    machine.losePower();
    if (machine.inode('log')?.content[0] !== 1) lost++;
  }
  t.ok(lost > 0 && lost < 20, 'a later sync did not make it durable, unless it had reached the disk');
});

t.test('disk: what is written anew after a failed sync is durable again', async (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    const { machine, disk, finish } = bench(seed);
    const file = await finish(disk.open('log'));
    await finish(disk.syncDirectory('.'));
    await finish(file.write(filled(1_500, 1), 0));
    machine.faults.failing = 1;
    await t.rejects(finish(file.sync()), /EIO/);
    await finish(file.write(filled(1_500, 1), 0));
    await finish(file.sync());
    machine.losePower();
    t.ok(machine.inode('log')?.content.every((byte) => byte === 1));
  }
});

t.test('disk: a full one refuses what makes files larger, and takes what does not', async (t) => {
  const { machine, disk, finish } = bench();
  const file = await finish(disk.open('log'));
  await finish(file.write(filled(1_000, 1), 0));
  machine.faults.freeBytes = 500;
  await t.rejects(finish(file.write(filled(600, 1), 1_000)), /ENOSPC/);
  await finish(file.write(filled(600, 2), 0));
  await t.rejects(finish(disk.replace('other', filled(600, 1))), /ENOSPC/);
  t.equal(machine.inode('other'), undefined);
});

t.test('disk: with its process, whatever it waited for is gone', async (t) => {
  const { world, host, disk } = bench();
  let answered = false;
  void disk.list('.').then(() => {
    answered = true;
  });
  host.kill();
  await world.run(100);
  t.notOk(answered);
});

t.test('level: a batch is whole or absent after the power went, and older ones stay', async (t) => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const { world, machine, host, finish } = bench(seed);
    const database = await finish(openDatabase(levelsOn(machine, host, 'root'), 'root/state-1', true));
    const put = (key: string, value: string) => ({ type: 'put', key, value: Buffer.from(value) }) as const;
    await finish(writeBatch(database, [put('a', '1'), put('b', '1')]));
    void writeBatch(database, [put('a', '2'), put('c', '2'), { type: 'del', key: 'b' }]);
    await world.run(world.nowMs + 0.01);
    host.kill();
    machine.losePower();
    const next = new Host(world, 1, 'node 1', { wallSkewMs: 0, rate: 1 });
    const again = await finish(openDatabase(levelsOn(machine, next, 'root'), 'root/state-1', false));
    const found: string[] = [];
    const read = async (): Promise<void> => {
      for await (const [key, value] of scan(again, { gte: 'a', lt: 'z' })) found.push(`${key}${value}`);
    };
    await finish(read());
    outcomes.add(found.join());
  }
  t.same([...outcomes].sort(), ['a1,b1', 'a2,c2']);
});

t.test('level: ranges, reversed ones, limits and snapshots', async (t) => {
  const { machine, host, finish } = bench();
  const database = await finish(openDatabase(levelsOn(machine, host, 'root'), 'root/state-1', true));
  const batch = ['a', 'b', 'c', 'd'].map((key) => ({ type: 'put', key, value: Buffer.from(key) }) as const);
  await finish(writeBatch(database, batch));
  const snapshot = database.snapshot();
  await finish(writeBatch(database, [{ type: 'del', key: 'c' }]));
  const keysOf = async (options: Parameters<typeof scan>[1]): Promise<string> => {
    const keys: string[] = [];
    for await (const [key] of scan(database, options, 2)) keys.push(key);
    return keys.join('');
  };
  t.equal(await keysOf({ gte: 'b', lt: 'd' }), 'b');
  t.equal(await keysOf({ gte: 'b', lt: 'd', snapshot }), 'bc');
  t.equal(await keysOf({ gte: 'a', lte: 'd', reverse: true }), 'dba');
  t.equal(await keysOf({ gte: 'a', lt: 'z', limit: 2 }), 'ab');
});
