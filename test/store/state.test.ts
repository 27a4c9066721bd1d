import t from 'tap';
import type { CodedError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/prng.ts';
import type { StateStore } from '../../src/store/state-store.ts';
import {
  type BackendKind,
  changes,
  levelOnDisk,
  mark,
  memoryLevel,
  rowsOf,
  streamOf,
  until,
} from './support/backends.ts';

/** What every database below the store must give it. */
function conformance(kind: BackendKind): void {
  const title = (scenario: string): string => `state (${kind.name}): ${scenario}`;

  t.test(title('a new directory has no mark, no rows and no records'), async (t) => {
    const store = await kind.make(t).open();
    t.equal(store.mark, null);
    t.equal(store.syncedIndex, 0);
    t.strictSame(await rowsOf(store), []);
    t.strictSame(await streamOf(store, 'd1'), []);
    await t.rejects(store.exportSnapshot(), { code: 'UNAVAILABLE' });
    await store.close();
  });

  t.test(title('what was staged is read at once, and is there after closing and opening'), async (t) => {
    const backend = kind.make(t);
    let store = await backend.open();
    store.stage(mark(1), changes({ b: 'one', a: 'x', gone: 'y' }, [['d1', 1, 'hello']]));
    store.stage(
      mark(5, 2),
      changes({ b: 'two', gone: null, ключ: 'z' }, [
        ['d1', 2, 'world'],
        ['d2', 1, ''],
      ]),
    );
    const check = async (): Promise<void> => {
      t.strictSame(store.mark, mark(5, 2));
      t.strictSame(await streamOf(store, 'd1'), ['1:hello', '2:world']);
      t.strictSame(await streamOf(store, 'd2'), ['1:']);
      t.strictSame(await streamOf(store, 'd'), []);
    };
    t.equal(store.syncedIndex, 0);
    t.ok(store.pendingBytes > 0);
    await check();
    t.strictSame(await rowsOf(store), ['a=x', 'b=two', 'ключ=z'], 'in key order, the newest value of each');
    t.equal(store.syncedIndex, 5);
    t.equal(store.pendingBytes, 0);
    await check();
    await store.close();
    store = await backend.open();
    t.equal(store.syncedIndex, 5);
    await check();
    t.strictSame(await rowsOf(store), ['a=x', 'b=two', 'ключ=z']);
    await store.close();
  });

  t.test(
    title('groups are written a while after the first, many in one batch, or at once when they are large'),
    async (t) => {
      const backend = kind.make(t);
      let batches = 0;
      backend.onOpen = (database) => {
        const makeBatch = database.batch.bind(database) as () => ReturnType<typeof database.batch>;
        database.batch = ((): unknown => {
          batches++;
          return makeBatch();
        }) as typeof database.batch;
      };
      const store = await backend.open();
      for (let i = 1; i <= 50; i++) store.stage(mark(i), changes({ busy: `${i}` }, [['d1', i, 'text']]));
      await backend.clock.advance(99);
      t.equal(batches, 0, 'not yet');
      await backend.clock.advance(200);
      await until(() => store.syncedIndex === 50);
      t.equal(batches, 1);
      store.stage(mark(51), changes({ large: 'x'.repeat(2_000_000) }));
      await until(() => store.syncedIndex === 51);
      t.equal(batches, 2);
      await store.close();
    },
  );

  t.test(title('a timer that finds everything written stops nothing'), async (t) => {
    const backend = kind.make(t);
    const store = await backend.open();
    store.stage(mark(1), changes({ a: '1' }));
    const first = store.flush(true);
    store.stage(mark(2), changes({ a: '2' }));
    const second = store.flush(true);
    // Joins the second group, which is written for its own reader: the timer is left with nothing.
    store.stage(mark(3), changes({ a: '3' }));
    await Promise.all([first, second]);
    t.equal(store.syncedIndex, 3);
    await backend.clock.advance(200);
    store.stage(mark(4), changes({ a: '4' }));
    const third = store.flush(true);
    await until(() => store.syncedIndex === 4);
    await third;
    await store.close();
  });

  t.test(
    title('any range of a stream is read right, whatever is written, staged or on its way'),
    async (t) => {
      const backend = kind.make(t);
      const store = await backend.open();
      const random = seededRandom(3);
      const written: string[] = [];
      const sizes = [3, 700, 20_000];
      const same = (found: readonly string[], wanted: readonly string[], what: string): void => {
        if (found.length !== wanted.length || found.some((record, i) => record !== wanted[i])) t.fail(what);
      };
      let index = 0;
      for (let round = 0; round < 40; round++) {
        const records: [string, number, string][] = [];
        const size = sizes[random.below(sizes.length)] ?? 3;
        for (let count = random.below(round === 7 ? 600 : 12); count > 0; count--) {
          const body = `${written.length + 1}`.padEnd(size, '.');
          written.push(`${written.length + 1}:${body}`);
          records.push(['d1', written.length, body]);
        }
        store.stage(
          mark(++index),
          changes({}, [...records, ['d0', round + 1, 'other'], ['d10', round + 1, 'other']]),
        );
        const flushed = random.below(3) === 0 ? store.flush(false) : null;
        const from = random.below(written.length + 3);
        const to = from + random.below(written.length + 3);
        const limit = 1 + random.below(400);
        const inRange = written.slice(Math.max(0, from - 1), to);
        const forward = streamOf(store, 'd1', { from, to, limit });
        const backward = streamOf(store, 'd1', { from, to, limit, fromEnd: true });
        // What comes after a read began is not in it, and does not look like a gap behind it.
        for (let late = random.below(3); late > 0; late--) {
          written.push(`${written.length + 1}:late`);
          store.stage(mark(++index), changes({}, [['d1', written.length, 'late']]));
          await store.flush(false);
        }
        same(await forward, inRange.slice(0, limit), `${from}..${to}`);
        same(await backward, inRange.slice(-limit), `${from}..${to} from the end`);
        await flushed;
      }
      await store.close();
      const again = await backend.open();
      same(await streamOf(again, 'd1'), written, 'after opening again');
      await again.close();
    },
  );

  t.test(title('what is written while a read goes on does not look like a gap to it'), async (t) => {
    const backend = kind.make(t);
    let gate: Promise<void> | null = null;
    backend.onOpen = (database) => {
      const makeIterator = database.keys.bind(database) as typeof database.keys<string>;
      database.keys = ((options: Parameters<typeof makeIterator>[0]) => {
        const iterator = makeIterator(options);
        const all = iterator.all.bind(iterator) as () => Promise<string[]>;
        iterator.all = async () => {
          await gate;
          return all();
        };
        return iterator;
      }) as typeof database.keys;
    };
    const store = await backend.open();
    const extend = async (from: number, to: number): Promise<void> => {
      const records = Array.from({ length: to - from + 1 }, (_, i) => ['d1', from + i, 'text'] as const);
      store.stage(mark(to), changes({}, records));
      await store.flush(false);
    };
    await extend(1, 50);
    let release = (): void => undefined;
    gate = new Promise((resolve) => {
      release = resolve;
    });
    const reading = streamOf(store, 'd1', { from: 41, to: 60 });
    await extend(51, 60);
    await extend(61, 70);
    release();
    t.equal((await reading).length, 10);
    await store.close();
  });

  t.test(title('a dropped stream is gone at once, and may begin again'), async (t) => {
    const backend = kind.make(t);
    let store = await backend.open();
    const records = Array.from({ length: 600 }, (_, i) => ['d1', i + 1, 'old'] as const);
    store.stage(mark(1), changes({}, [...records, ['d10', 1, 'kept']]));
    await store.flush(true);
    store.stage(mark(2), changes({}, [['d1', 601, 'old']]));
    store.stage(mark(3), changes({}, [], ['d1']));
    t.strictSame(await streamOf(store, 'd1'), []);
    store.stage(mark(4), changes({}, [['d1', 1, 'new']]));
    t.strictSame(await streamOf(store, 'd1'), ['1:new']);
    const reading = streamOf(store, 'd1');
    await store.flush(true);
    t.strictSame(await reading, ['1:new'], 'also while it is being written');
    await store.close();
    store = await backend.open();
    t.strictSame(await streamOf(store, 'd1'), ['1:new']);
    t.strictSame(await streamOf(store, 'd1', { fromEnd: true, limit: 5 }), ['1:new']);
    t.strictSame(await streamOf(store, 'd10'), ['1:kept'], 'a stream with a longer name is another');
    await store.close();
  });

  t.test(
    title('after one failed batch nothing more is taken, and the state before it is there again'),
    async (t) => {
      const backend = kind.make(t);
      const broken = new Error('EIO');
      let failing = false;
      backend.onOpen = (database) => {
        const makeBatch = database.batch.bind(database) as () => ReturnType<typeof database.batch>;
        database.batch = ((): unknown => {
          const batch = makeBatch();
          if (failing) batch.write = () => Promise.reject(broken);
          return batch;
        }) as typeof database.batch;
      };
      const store = await backend.open();
      const told: CodedError[] = [];
      store.watch({
        damaged: () => undefined,
        failed: (error) => told.push(error),
        digest: () => undefined,
      });
      store.stage(mark(1), changes({ a: '1' }));
      await store.flush(true);
      failing = true;
      store.stage(mark(2), changes({ a: '2' }));
      const first = store.flush(false);
      const second = store.flush(true);
      await t.rejects(first, { code: 'DISK_FAILED', cause: broken });
      await t.rejects(second, { code: 'DISK_FAILED', cause: broken });
      failing = false;
      t.throws(() => store.stage(mark(3), changes({})), { code: 'DISK_FAILED' });
      await t.rejects(store.flush(true), { code: 'DISK_FAILED' });
      t.equal(store.syncedIndex, 1);
      await t.rejects(store.close(), { code: 'DISK_FAILED' });
      t.match(told, [{ code: 'DISK_FAILED', cause: broken }], 'told once');
      t.equal(told.length, 1);
      const again = await backend.open();
      t.strictSame(await rowsOf(again), ['a=1']);
      await again.close();
    },
  );

  t.test(title('closing writes what is staged, and ends everything'), async (t) => {
    const backend = kind.make(t);
    const store = await backend.open();
    store.stage(mark(7), changes({ a: '1' }));
    await store.close();
    await store.close();
    t.throws(() => store.stage(mark(8), changes({})), { code: 'UNAVAILABLE' });
    await t.rejects(store.readStream('d1', { from: 1, to: 2, limit: 3 }), { code: 'UNAVAILABLE' });
    t.equal(backend.clock.timers, 0);
    const again = await backend.open();
    t.strictSame(again.mark, mark(7));
    await again.close();
  });
}

conformance(levelOnDisk);
conformance(memoryLevel);

t.test('state: many batches leave a bounded number of links behind', async (t) => {
  const backend = memoryLevel.make(t);
  const store = await backend.open();
  for (let i = 1; i <= 1_100; i++) {
    store.stage(mark(i), changes({ a: `${i}` }));
    await store.flush(false);
  }
  await store.close();
  const raw = await backend.raw('state-1');
  const links = await raw.keys({ gte: 'l!', lt: 'l"' }).all();
  t.equal(links.length, 1_024);
  await raw.close();
  const again: StateStore = await backend.open();
  t.equal(again.syncedIndex, 1_100);
  await again.close();
});
