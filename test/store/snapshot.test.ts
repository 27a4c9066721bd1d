import t, { type Test } from 'tap';
import type { StateStore } from '../../src/store/state-store.ts';
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

const RECORDS = 900;

async function filled(backend: Backend): Promise<StateStore> {
  const store = await backend.open();
  const records = Array.from(
    { length: RECORDS },
    (_, i) => ['d1', i + 1, `record ${i + 1} ${'.'.repeat(300)}`] as const,
  );
  store.stage(
    mark(3),
    changes({ a: '1', b: '2', large: 'x'.repeat(200_000) }, [...records, ['d2', 1, 'other']]),
  );
  return store;
}

async function framesOf(store: StateStore): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for await (const frame of (await store.exportSnapshot()).chunks) frames.push(frame);
  return frames;
}

/** A store with something of its own, and the frames of another one. */
async function twoOf(
  t: Test,
  kind: BackendKind,
): Promise<{ readonly frames: Uint8Array[]; readonly backend: Backend; readonly store: StateStore }> {
  const source = await filled(kind.make(t));
  const frames = await framesOf(source);
  await source.close();
  const backend = kind.make(t);
  const store = await backend.open();
  store.stage(mark(1), changes({ a: 'mine' }));
  return { frames, backend, store };
}

async function contentOf(store: StateStore): Promise<readonly (readonly string[])[]> {
  return [
    await rowsOf(store),
    await streamOf(store, 'd1'),
    await streamOf(store, 'd2'),
    [JSON.stringify(store.mark)],
  ];
}

async function install(store: StateStore, frames: readonly Uint8Array[]): Promise<void> {
  const target = await store.beginInstall();
  try {
    for (const frame of frames) await target.write(frame);
    await target.commit();
  } catch (error) {
    await target.abort();
    throw error;
  }
}

async function stateDirectories({ disk }: Backend): Promise<readonly string[]> {
  return (await disk.list('.')).filter((name) => name.startsWith('state-'));
}

function conformance(kind: BackendKind): void {
  const title = (scenario: string): string => `snapshot (${kind.name}): ${scenario}`;

  t.test(title('a copy made while writes go on is the state at its mark, in bounded frames'), async (t) => {
    const store = await filled(kind.make(t));
    await store.flush(true);
    const before = await contentOf(store);
    const { mark: copied, chunks } = await store.exportSnapshot();
    t.strictSame(copied, mark(3));
    const frames: Uint8Array[] = [];
    for await (const frame of chunks) {
      frames.push(frame);
      const next = 3 + frames.length;
      store.stage(
        mark(next),
        changes({ a: `${next}`, [`new${next}`]: 'x' }, [['d1', RECORDS + frames.length, 'late']], ['d2']),
      );
      await store.flush(false);
    }
    t.ok(frames.length > 5);
    t.ok(frames.every((frame) => frame.length <= 65_536));
    const other = await kind.make(t).open();
    await install(other, frames);
    t.strictSame(await contentOf(other), before);
    await store.close();
    await other.close();
  });

  t.test(title('an installed copy replaces the state in the same store, and survives closing'), async (t) => {
    const source = await filled(kind.make(t));
    const frames = await framesOf(source);
    const backend = kind.make(t);
    const store = await backend.open();
    store.stage(
      mark(1),
      changes({ a: 'old', z: 'old' }, [
        ['d1', 1, 'old'],
        ['d9', 1, 'old'],
      ]),
    );
    const target = await store.beginInstall();
    for (const frame of frames) await target.write(frame);
    t.strictSame(await streamOf(store, 'd1'), ['1:old'], 'nothing is visible before the commit');
    store.stage(mark(2), changes({ y: 'old' }));
    t.strictSame(await target.commit(), mark(3));
    t.strictSame(await contentOf(store), await contentOf(source));
    t.strictSame(await streamOf(store, 'd9'), []);
    t.equal(store.syncedIndex, 3);
    store.stage(mark(4), changes({ a: 'new' }, [['d1', RECORDS + 1, 'new']]));
    t.strictSame(await streamOf(store, 'd1', { from: RECORDS + 1 }), [`${RECORDS + 1}:new`]);
    await store.close();
    t.strictSame(await stateDirectories(backend), ['state-2'], 'the old state is gone');
    const again = await backend.open();
    t.strictSame(await streamOf(again, 'd1', { from: RECORDS + 1 }), [`${RECORDS + 1}:new`]);
    t.equal((await rowsOf(again))[0], 'a=new');
    await again.close();
    await source.close();
  });

  t.test(title('readers that began before a commit read the old state to their end'), async (t) => {
    const source = await filled(kind.make(t));
    const frames = await framesOf(source);
    const backend = kind.make(t);
    const store = await filled(backend);
    store.stage(mark(3.5), changes({ a: 'older' }));
    const rows = store.rows()[Symbol.asyncIterator]();
    const first = await rows.next();
    const { chunks } = await store.exportSnapshot();
    const other = await kind.make(t).open();
    store.stage(mark(3.6), changes({}));
    await source.close();
    const later = await kind.make(t).open();
    later.stage(mark(8), changes({ a: 'newer' }));
    await install(store, await framesOf(later));
    t.strictSame(await rowsOf(store), ['a=newer']);
    t.strictSame(first.value?.[0], 'a');
    t.equal((await rows.next()).value?.[0], 'b', 'the rows go on');
    await rows.return?.();
    const copied: Uint8Array[] = [];
    for await (const frame of chunks) copied.push(frame);
    await install(other, copied);
    t.equal((await rowsOf(other))[0], 'a=older', 'and so does the copy');
    for (const one of [store, other, later]) await one.close();
    t.strictSame(await stateDirectories(backend), ['state-2'], 'then the old state goes');
    t.ok(frames.length > 0);
  });

  t.test(
    title('a copy that is cut, changed, out of order or incomplete is refused, and the state is as it was'),
    async (t) => {
      const { frames, store } = await twoOf(t, kind);
      const flipped = (frame: Uint8Array | undefined, at: number): Uint8Array => {
        const copy = Uint8Array.from(frame ?? []);
        copy[at] = (copy[at] ?? 0) ^ 64;
        return copy;
      };
      const [first, second, third] = frames;
      if (first === undefined || second === undefined || third === undefined)
        throw new Error('too few frames');
      const wrong: Readonly<Record<string, readonly Uint8Array[]>> = {
        empty: [],
        'without its end': frames.slice(0, -1),
        'without its beginning': frames.slice(1),
        'without a frame': [first, ...frames.slice(2)],
        'with two frames exchanged': [first, third, second, ...frames.slice(3)],
        'with a repeated frame': [first, first, ...frames.slice(1)],
        'with a flipped bit of content': [first, flipped(second, 5_000), ...frames.slice(2)],
        'with a flipped bit of order': [first, flipped(second, 4), ...frames.slice(2)],
        'with a flipped bit in its end': [...frames.slice(0, -1), flipped(frames.at(-1), 14)],
        'with a cut frame': [first, second.slice(0, 40_000), ...frames.slice(2)],
        'with more after its end': [...frames, first],
      };
      for (const [what, wrongFrames] of Object.entries(wrong)) {
        await t.rejects(install(store, wrongFrames), { code: 'DATA_DAMAGED', kind: 'transfer' }, what);
      }
      t.strictSame(await rowsOf(store), ['a=mine']);
      await install(store, frames);
      t.equal((await rowsOf(store))[0], 'a=1', 'and a right one is taken afterwards');
      await store.close();
    },
  );

  t.test(title('an install that a crash interrupted leaves nothing behind'), async (t) => {
    const { frames, backend, store } = await twoOf(t, kind);
    const target = await store.beginInstall();
    for (const frame of frames.slice(0, -2)) await target.write(frame);
    await t.rejects(store.beginInstall(), { code: 'BUSY' });
    await leftOpen(t, backend, store);
    const again = await backend.open();
    t.strictSame(await rowsOf(again), ['a=mine']);
    t.strictSame(await stateDirectories(backend), ['state-1']);
    await again.close();
  });

  t.test(title('when the pointer cannot be written, the old state stays in force'), async (t) => {
    const { frames, backend, store } = await twoOf(t, kind);
    const replace = backend.disk.replace;
    backend.disk.replace = () => Promise.reject(new Error('EIO'));
    await t.rejects(install(store, frames), { code: 'DISK_FAILED' });
    t.throws(() => store.stage(mark(2), changes({})), { code: 'DISK_FAILED' });
    await t.rejects(store.close(), { code: 'DISK_FAILED' });
    backend.disk.replace = replace;
    const again = await backend.open();
    t.strictSame(await rowsOf(again), ['a=mine']);
    t.strictSame(await stateDirectories(backend), ['state-1']);
    await again.close();
  });

  t.test(title('a close in the middle of the swap waits for it'), async (t) => {
    const { frames, backend, store } = await twoOf(t, kind);
    const target = await store.beginInstall();
    for (const frame of frames) await target.write(frame);
    const replace = backend.disk.replace;
    const waiting: (() => void)[] = [];
    backend.disk.replace = async (path, content) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      await replace.call(backend.disk, path, content);
    };
    const committed = target.commit();
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const closed = store.close();
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    backend.disk.replace = replace;
    for (const go of waiting) go();
    await Promise.all([committed, closed]);
    const again = await backend.open();
    t.equal((await rowsOf(again))[0], 'a=1');
    await again.close();
  });

  t.test(title('a copy that is not read to its end holds nothing back'), async (t) => {
    const backend = kind.make(t);
    const store = await filled(backend);
    for (let i = 0; i < 20; i++) {
      const iterator = (await store.exportSnapshot()).chunks[Symbol.asyncIterator]();
      if (i % 2 === 0) await iterator.next();
      await iterator.return?.();
    }
    await store.close();
  });
}

/** What a crash leaves: closes the databases, so that they can be opened again, and puts the directory of the install back. */
async function leftOpen(t: Test, backend: Backend, store: StateStore): Promise<void> {
  await store.close();
  await backend.disk.makeDirectory('state-2');
  const raw = await backend.raw('state-2').catch(() => null);
  await raw?.close();
  t.strictSame(await stateDirectories(backend), ['state-1', 'state-2']);
}

conformance(levelOnDisk);
conformance(memoryLevel);
