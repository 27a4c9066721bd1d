import { rm } from 'node:fs/promises';
import t from 'tap';
import { crc32c } from '../../src/base/crc.ts';
import { seededRandom } from '../../src/base/prng.ts';
import { StateDamage } from '../../src/store/damage.ts';
import { type Database, openLevelOnDisk } from '../../src/store/database.ts';
import { discardState } from '../../src/store/pointer.ts';
import { checkUnlocked } from '../../src/store/repair.ts';
import { openState } from '../../src/store/state.ts';
import type { StateStore } from '../../src/store/state-store.ts';
import { nodeDisk } from '../../src/wal/node-disk.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import {
  type Backend,
  type BackendKind,
  changes,
  levelOnDisk,
  mark,
  memoryLevel,
  rowsOf,
  streamOf,
} from './support/backends.ts';

const BATCHES = 6;

/** A closed state of several batches, with a stream of as many chunks. */
async function closedState(backend: Backend): Promise<void> {
  const store = await backend.open();
  for (let i = 1; i <= BATCHES; i++) {
    const records = Array.from(
      { length: 10 },
      (_, n) => ['d1', (i - 1) * 10 + n + 1, `text ${i}/${n}`] as const,
    );
    store.stage(mark(i * 10), changes({ [`row${i}`]: `value ${i}`, shared: `${i}` }, records));
    await store.flush(true);
  }
  await store.close();
}

async function tampered(backend: Backend, tamper: (raw: Database) => Promise<void>): Promise<void> {
  const raw = await backend.raw('state-1');
  await tamper(raw);
  await raw.close();
}

async function keyOf(raw: Database, prefix: string, number: number): Promise<string> {
  const keys = await raw.keys({ gte: prefix, lt: `${prefix}~` }).all();
  return keys[number] ?? '';
}

async function flipBit(raw: Database, key: string, at: number): Promise<void> {
  const value = Buffer.from((await raw.get(key)) ?? Buffer.alloc(0));
  const place = (at + value.length) % value.length;
  value[place] = (value[place] ?? 0) ^ 4;
  await raw.put(key, value);
}

function conformance(kind: BackendKind): void {
  const title = (scenario: string): string => `state damage (${kind.name}): ${scenario}`;

  const atOpening: Readonly<
    Record<string, readonly [kind: string, tamper: (raw: Database) => Promise<void>]>
  > = {
    'a missing link in the middle': ['hole', async (raw) => raw.del(await keyOf(raw, 'l!', 2))],
    'a missing first link': ['hole', async (raw) => raw.del(await keyOf(raw, 'l!', 0))],
    'a missing last link': ['hole', async (raw) => raw.del(await keyOf(raw, 'l!', BATCHES - 1))],
    'a missing head': ['hole', (raw) => raw.del('m')],
    'a missing row': ['hole', (raw) => raw.del('r!row3')],
    'a row of another state': [
      'value',
      async (raw) => raw.put('r!other', (await raw.get('r!row3')) ?? Buffer.alloc(0)),
    ],
    'two rows exchanged': [
      'value',
      async (raw) => {
        const [a, b] = await raw.getMany(['r!row1', 'r!row2']);
        await raw.put('r!row1', b ?? Buffer.alloc(0));
        await raw.put('r!row2', a ?? Buffer.alloc(0));
      },
    ],
    'a flipped bit in a row': ['value', (raw) => flipBit(raw, 'r!shared', -1)],
    'a flipped bit in the head': ['value', (raw) => flipBit(raw, 'm', 9)],
    'a flipped bit in a link': ['value', async (raw) => flipBit(raw, await keyOf(raw, 'l!', 1), 12)],
    'an empty value': ['value', (raw) => raw.put('r!row3', Buffer.alloc(0))],
  };
  t.test(title('what is missing or changed is found at opening'), async (t) => {
    for (const [what, [damageKind, tamper]] of Object.entries(atOpening)) {
      const backend = kind.make(t);
      await closedState(backend);
      await tampered(backend, tamper);
      await t.rejects(backend.open(), { code: 'DATA_DAMAGED', kind: damageKind }, what);
      await t.rejects(backend.open(), { code: 'DATA_DAMAGED', kind: damageKind }, `${what}, opened again`);
    }
  });

  t.test(title('an older row under its own key is found at opening'), async (t) => {
    const backend = kind.make(t);
    const store = await backend.open();
    store.stage(mark(1), changes({ a: 'old' }));
    await store.close();
    let old: Buffer = Buffer.alloc(0);
    await tampered(backend, async (raw) => {
      old = Buffer.from((await raw.get('r!a')) ?? old);
    });
    const later = await backend.open();
    later.stage(mark(2), changes({ a: 'new' }));
    await later.close();
    await tampered(backend, (raw) => raw.put('r!a', old));
    await t.rejects(backend.open(), { code: 'DATA_DAMAGED', kind: 'hole' });
  });

  t.test(title('damage to history does not hinder opening, and is found on read'), async (t) => {
    const reads: Readonly<Record<string, (raw: Database) => Promise<void>>> = {
      'a flipped bit': async (raw) => flipBit(raw, await keyOf(raw, 's!d1!', 2), 15),
      'a missing chunk': async (raw) => raw.del(await keyOf(raw, 's!d1!', 2)),
      'a cut chunk': async (raw) => {
        const key = await keyOf(raw, 's!d1!', 2);
        await raw.put(key, Buffer.from((await raw.get(key)) ?? Buffer.alloc(0)).subarray(0, 40));
      },
    };
    for (const [what, tamper] of Object.entries(reads)) {
      const backend = kind.make(t);
      await closedState(backend);
      await tampered(backend, tamper);
      const store = await backend.open();
      const damaged = { code: 'DATA_DAMAGED' } as const;
      await t.rejects(streamOf(store, 'd1'), damaged, `${what}, forward`);
      await t.rejects(streamOf(store, 'd1', { fromEnd: true }), damaged, `${what}, backward`);
      await t.rejects(streamOf(store, 'd1', { from: 25, limit: 1 }), damaged, `${what}, in the middle`);
      await t.rejects(
        streamOf(store, 'd1', { to: 28, limit: 1, fromEnd: true }),
        damaged,
        `${what}, its end`,
      );
      t.strictSame(
        await streamOf(store, 'd1', { from: 1, to: 2 }),
        ['1:text 1/0', '2:text 1/1'],
        'the rest is served',
      );
      store.stage(mark(100), changes({}, [['d1', BATCHES * 10 + 1, 'more']]));
      t.strictSame(await streamOf(store, 'd1', { from: 61 }), ['61:more']);
      await store.close();
    }
  });

  t.test(title('a missing chunk below staged records is found'), async (t) => {
    const backend = kind.make(t);
    await closedState(backend);
    await tampered(backend, async (raw) => raw.del(await keyOf(raw, 's!d1!', BATCHES - 1)));
    const store = await backend.open();
    store.stage(mark(100), changes({}, [['d1', BATCHES * 10 + 1, 'more']]));
    await t.rejects(streamOf(store, 'd1'), { code: 'DATA_DAMAGED', kind: 'gap' });
    await t.rejects(streamOf(store, 'd1', { fromEnd: true }), { code: 'DATA_DAMAGED', kind: 'gap' });
    await t.rejects(streamOf(store, 'd1', { from: 55 }), { code: 'DATA_DAMAGED', kind: 'gap' });
    await store.close();
  });

  t.test(title('a copy of a damaged history is not made'), async (t) => {
    const backend = kind.make(t);
    await closedState(backend);
    await tampered(backend, async (raw) => flipBit(raw, await keyOf(raw, 's!d1!', 2), 15));
    const store = await backend.open();
    const { chunks } = await store.exportSnapshot();
    const read = async (): Promise<void> => {
      for await (const frame of chunks) t.ok(frame.length > 0);
    };
    await t.rejects(read(), { code: 'DATA_DAMAGED', kind: 'value' });
    await store.close();
  });

  t.test(title('a pointer that is missing or changed is found, and nothing is removed'), async (t) => {
    const backend = kind.make(t);
    await closedState(backend);
    const pointer = (await backend.disk.read('CURRENT-STATE')) ?? new Uint8Array(0);
    for (const wrong of [
      '',
      'state-2 made\n',
      new TextDecoder().decode(pointer).replace('state-1', 'state-2'),
    ]) {
      await backend.disk.replace('CURRENT-STATE', new TextEncoder().encode(wrong));
      await t.rejects(backend.open(), { code: 'DATA_DAMAGED', kind: 'pointer' });
    }
    await backend.disk.remove('CURRENT-STATE');
    await t.rejects(backend.open(), { code: 'DATA_DAMAGED', kind: 'pointer' });
    await backend.disk.replace('CURRENT-STATE', pointer);
    const store = await backend.open();
    t.equal(store.syncedIndex, BATCHES * 10);
    await store.close();
  });

  t.test(title('a discarded state is replaced by an empty one, durably'), async (t) => {
    const backend = kind.make(t);
    await closedState(backend);
    await tampered(backend, (raw) => raw.del('r!row3'));
    await t.rejects(backend.open(), StateDamage);
    await discardState(backend.disk);
    let store: StateStore = await backend.open();
    t.equal(store.mark, null);
    store.stage(mark(1), changes({ a: 'anew' }));
    await store.close();
    store = await backend.open();
    t.strictSame(await rowsOf(store), ['a=anew']);
    await store.close();
    t.strictSame(await backend.disk.list('.'), ['CURRENT-STATE', 'state-2']);
  });
}

conformance(levelOnDisk);
conformance(memoryLevel);

t.test('state damage: a second opening of the same directory is told that it is in use', async (t) => {
  const backend = levelOnDisk.make(t);
  const store = await backend.open();
  await t.rejects(backend.open(), { code: 'DATA_LOCKED' });
  store.stage(mark(1), changes({ a: '1' }));
  await store.close();
  t.equal((await (await backend.open()).mark)?.index, 1);
});

t.test(
  'state damage: a directory that level cannot open, or that is gone, is damage and not an empty state',
  async (t) => {
    const wrong: Readonly<Record<string, (backend: Backend) => Promise<void>>> = {
      'the directory is missing': ({ disk }) => disk.remove('state-1'),
      'its manifest is missing': async ({ disk }) => {
        const name = (await disk.list('state-1')).find((file) => file.startsWith('MANIFEST'));
        await disk.remove(`state-1/${name}`);
      },
      'its CURRENT is missing': ({ disk }) => disk.remove('state-1/CURRENT'),
      'its CURRENT is changed': ({ disk }) =>
        disk.replace('state-1/CURRENT', new TextEncoder().encode('nonsense')),
    };
    for (const [what, tamper] of Object.entries(wrong)) {
      const backend = levelOnDisk.make(t);
      await closedState(backend);
      await tamper(backend);
      await t.rejects(backend.open(), { code: 'DATA_DAMAGED', kind: 'database' }, what);
    }
  },
);

t.test('state damage: frames of random bytes are refused, and take no memory', async (t) => {
  const random = seededRandom(11);
  const store = await memoryLevel.make(t).open();
  for (let run = 0; run < 100; run++) {
    const target = await store.beginInstall();
    const frame = Uint8Array.from({ length: random.below(3_000) }, () => random.below(256));
    await t.rejects(target.write(frame), StateDamage);
    await target.abort();
  }
  // A whole frame with a right checksum, which announces an item of 4 GiB.
  const huge = Buffer.alloc(40);
  huge.writeUInt8(1, 0);
  huge.writeUInt8(2, 12);
  huge.writeUInt32LE(0xffffffff, 17);
  huge.writeUInt32LE(crc32c(huge, crc32c(huge, 0, 0, 8), 12), 8);
  const target = await store.beginInstall();
  await t.rejects(target.write(huge), { code: 'DATA_DAMAGED', kind: 'transfer' });
  await target.abort();
  await store.close();
});

t.test(
  'state damage: a state that level can no longer write to, for damage, is given up at the next start',
  async (t) => {
    const backend = levelOnDisk.make(t);
    backend.onOpen = (database) => {
      const batch = database.batch.bind(database) as () => ReturnType<typeof database.batch>;
      database.batch = (() => {
        const made = batch();
        made.write = async () => {
          throw new Error('Corruption: bad block type');
        };
        return made;
      }) as typeof database.batch;
    };
    const store = await backend.open();
    store.stage(mark(1), changes({ a: '1' }));
    await t.rejects(store.flush(true), { code: 'DISK_FAILED', message: /bad block type/ });
    await t.rejects(store.close(), { code: 'DISK_FAILED' });
    backend.onOpen = () => undefined;
    const again = await backend.open();
    t.equal(again.mark, null, 'an empty one is in its place');
    await again.close();
    t.strictSame(
      (await backend.disk.list('.')).filter((name) => /^state/.test(name)),
      ['state-2'],
    );
  },
);

t.test(
  'state damage: a state that was closed is not given to level to see whether it is in use',
  async (t) => {
    const root = t.testdirName;
    const disk = nodeDisk(root);
    t.teardown(() => rm(root, { recursive: true, force: true }));
    const opened: string[] = [];
    const options = {
      root,
      disk,
      clock: new VirtualClock(),
      openLevel: (path: string) => {
        opened.push(path);
        return openLevelOnDisk(path);
      },
    };
    const store = await openState(options);
    store.stage(mark(1), changes({ a: '1' }));
    await store.flush(true);
    await t.rejects(checkUnlocked(options), { code: 'DATA_LOCKED' }, 'one that is open is in use');
    await store.close();
    const names = await disk.list('state-1');
    const table = `state-1/${names.find((name) => /^MANIFEST/.test(name)) ?? ''}`;
    const content = Uint8Array.from((await disk.read(table)) ?? []);
    content[10] = (content[10] ?? 0) ^ 1;
    await disk.replace(table, content);
    await t.rejects(openState(options), { code: 'DATA_DAMAGED' });
    opened.length = 0;
    await checkUnlocked(options);
    t.strictSame(opened, []);
  },
);
