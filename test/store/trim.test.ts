/** Streams that lose their front: what is left is read, copied, compared and watched over as before. */
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import type { StateDamage } from '../../src/store/damage.ts';
import type { Database } from '../../src/store/database.ts';
import type { StateStore } from '../../src/store/state-store.ts';
import {
  type Backend,
  type BackendKind,
  changes,
  levelOnDisk,
  mark,
  memoryLevel,
  streamOf,
} from './support/backends.ts';

function records(stream: string, from: number, to: number): [string, number, string][] {
  return Array.from({ length: to - from + 1 }, (_, at) => [stream, from + at, `text ${from + at}`]);
}

function texts(from: number, to: number): readonly string[] {
  return records('', from, to).map(([, sequence, text]) => `${sequence}:${text}`);
}

function trim(below: number, stream = 'd1') {
  return changes({}, [], [], [{ stream, below }]);
}

async function reopened(backend: Backend, store: StateStore): Promise<StateStore> {
  await store.close();
  return backend.open();
}

async function digestOf(store: StateStore, index: number): Promise<string> {
  const told: string[] = [];
  store.watch({
    damaged: (damage) => told.push(damage.message),
    failed: () => undefined,
    digest: (at, digest) => told.push(`${at} ${digest}`),
  });
  store.stage(mark(index), changes({}), true);
  await store.flush(true);
  return told.join('; ');
}

async function copyOf(store: StateStore, kind: BackendKind, test: Parameters<BackendKind['make']>[0]) {
  const target = await kind.make(test).open();
  const install = await target.beginInstall();
  for await (const frame of (await store.exportSnapshot()).chunks) await install.write(frame);
  await install.commit();
  return target;
}

async function chunksOf(raw: Database): Promise<string[]> {
  return await raw.keys({ gte: 's!d1!', lt: 's!d1"' }).all();
}

async function tampered(backend: Backend, tamper: (raw: Database) => Promise<void>): Promise<void> {
  const raw = await backend.raw('state-1');
  await tamper(raw);
  await raw.close();
}

function conformance(kind: BackendKind): void {
  const title = (scenario: string): string => `trim (${kind.name}): ${scenario}`;

  t.test(title('what is below goes, staged, written and opened again; the rest goes on'), async (t) => {
    const backend = kind.make(t);
    let store = await backend.open();
    store.stage(mark(1), changes({}, [...records('d1', 1, 600), ['d10', 1, 'kept']]));
    await store.flush(true);
    store.stage(mark(2), changes({}, records('d1', 601, 610)));
    store.stage(mark(3), trim(300));
    t.strictSame(await streamOf(store, 'd1'), texts(300, 610), 'staged');
    const reading = streamOf(store, 'd1', { from: 250, limit: 100 });
    await store.flush(true);
    t.strictSame(await reading, texts(300, 399), 'while it is written');
    t.strictSame(await streamOf(store, 'd1', { to: 299 }), []);
    t.strictSame(await streamOf(store, 'd1', { fromEnd: true, limit: 2 }), texts(609, 610));
    t.strictSame(await streamOf(store, 'd1', { to: 301, fromEnd: true, limit: 9 }), texts(300, 301));
    store = await reopened(backend, store);
    t.strictSame(await streamOf(store, 'd1'), texts(300, 610), 'opened again');
    store.stage(mark(4), changes({}, records('d1', 611, 612)));
    store.stage(mark(5), trim(612));
    t.strictSame(await streamOf(store, 'd1'), texts(612, 612));
    store = await reopened(backend, store);
    t.strictSame(await streamOf(store, 'd1'), texts(612, 612));
    t.strictSame(await streamOf(store, 'd10'), ['1:kept'], 'a stream with a longer name is another');
    await store.close();
    await tampered(backend, async (raw) => {
      t.equal((await chunksOf(raw)).length, 1, 'what is gone takes no room');
    });
  });

  t.test(title('all may go, and the next record has the next sequence'), async (t) => {
    const backend = kind.make(t);
    let store = await backend.open();
    store.stage(mark(1), changes({}, records('d1', 1, 5)));
    store.stage(mark(2), trim(6));
    t.strictSame(await streamOf(store, 'd1'), []);
    store = await reopened(backend, store);
    t.strictSame(await streamOf(store, 'd1'), []);
    const copy = await copyOf(store, kind, t);
    for (const each of [store, copy]) {
      each.stage(mark(3), changes({}, records('d1', 6, 7)));
      t.strictSame(await streamOf(each, 'd1'), texts(6, 7));
    }
    t.equal(await digestOf(store, 4), await digestOf(copy, 4));
    store.stage(mark(5), changes({}, [], ['d1']));
    store.stage(mark(6), changes({}, records('d1', 1, 1)));
    store = await reopened(backend, store);
    t.strictSame(await streamOf(store, 'd1'), texts(1, 1), 'dropped, it begins with 1 again');
    await store.close();
    await copy.close();
  });

  t.test(title('a stream without records may begin anywhere'), async (t) => {
    const digests: string[] = [];
    for (const together of [true, false]) {
      const backend = kind.make(t);
      let store = await backend.open();
      store.stage(mark(1), trim(100));
      if (!together) store = await reopened(backend, store);
      store.stage(mark(2), changes({}, records('d1', 100, 104)));
      t.strictSame(await streamOf(store, 'd1'), texts(100, 104));
      if (!together) await store.flush(true);
      store.stage(mark(3), trim(102));
      store = await reopened(backend, store);
      t.strictSame(await streamOf(store, 'd1', { from: 50 }), texts(102, 104));
      const copy = await copyOf(store, kind, t);
      t.strictSame(await streamOf(copy, 'd1'), texts(102, 104));
      digests.push(await digestOf(store, 4), await digestOf(copy, 4));
      await store.close();
      await copy.close();
    }
    t.equal(new Set(digests).size, 1);
  });

  t.test(
    title('the digest is that of the content, however it was written, and a copy has it too'),
    async (t) => {
      const digests: string[] = [];
      for (const every of [1, 7, 50]) {
        const store = await kind.make(t).open();
        for (let first = 1; first <= 50; first += every) {
          const last = Math.min(50, first + every - 1);
          store.stage(mark(last), changes({}, records('d1', first, last)));
          await store.flush(true);
        }
        store.stage(mark(51), trim(12));
        if (every === 7) await store.flush(true);
        store.stage(mark(52), trim(30));
        digests.push(await digestOf(store, 53));
        const copy = await copyOf(store, kind, t);
        t.strictSame(await streamOf(copy, 'd1'), texts(30, 50));
        digests.push((await digestOf(copy, 54)).replace('54 ', '53 '));
        await store.close();
        await copy.close();
      }
      t.equal(new Set(digests).size, 1, digests.join('\n'));
      t.match(digests[0], /^53 [0-9a-f]{64}$/);
      const whole = await kind.make(t).open();
      whole.stage(mark(52), changes({}, records('d1', 1, 50)));
      t.not(await digestOf(whole, 53), digests[0], 'a stream that kept its front is another');
      await whole.close();
    },
  );

  t.test(title('damage to what is left is found, and to what goes, before it is gone'), async (t) => {
    const backend = kind.make(t);
    let store = await backend.open();
    for (let at = 1; at <= 9; at++) {
      store.stage(mark(at), changes({}, records('d1', at, at)));
      await store.flush(true);
    }
    store.stage(mark(10), trim(4));
    await store.close();
    await tampered(backend, async (raw) => {
      const [first] = await chunksOf(raw);
      await raw.del(first ?? '');
    });
    store = await backend.open();
    const told: StateDamage[] = [];
    store.watch({ damaged: (damage) => told.push(damage), failed: () => undefined, digest: () => undefined });
    await t.rejects(streamOf(store, 'd1'), { code: 'DATA_DAMAGED', kind: 'gap' });
    const exported = await store.exportSnapshot();
    const read = async (): Promise<void> => {
      for await (const frame of exported.chunks) t.ok(frame.length > 0);
    };
    await t.rejects(read(), { code: 'DATA_DAMAGED', kind: 'gap' }, 'it is not copied');
    t.equal(told.length, 2);
    store.stage(mark(11), trim(6));
    await t.rejects(store.flush(true), { code: 'DISK_FAILED' });
    await store.close().catch(() => undefined);
    store = await backend.open();
    t.equal(store.mark, null, 'a state that cannot be trimmed is built anew');
    await store.close();
  });

  t.test(title('the scrub goes over what is left, also when its front goes meanwhile'), async (t) => {
    for (const breaks of [false, true]) {
      const backend = kind.make(t);
      let store = await backend.open();
      for (let at = 1; at <= 200; at++) {
        store.stage(mark(at), changes({}, records('d1', at, at)));
        await store.flush(true);
      }
      store.stage(mark(201), trim(20));
      store = await reopened(backend, store);
      if (breaks) {
        await store.close();
        await tampered(backend, async (raw) => raw.del((await chunksOf(raw)).at(-1) ?? ''));
        store = await backend.open();
      }
      const told: StateDamage[] = [];
      store.watch({
        damaged: (damage) => told.push(damage),
        failed: () => undefined,
        digest: () => undefined,
      });
      let trimmed = 20;
      // Without a timer the scrub is reading real files, which take their own time.
      for (let passedMs = 0; passedMs < 60_000 && told.length === 0; ) {
        if (backend.clock.timers === 0) {
          await delay(1);
          continue;
        }
        await backend.clock.advance(250);
        passedMs += 250;
        // In the midst of the pass its place is trimmed away.
        if (passedMs < 30_000 || passedMs > 31_000 || breaks) continue;
        trimmed += 30;
        store.stage(mark(201 + trimmed), trim(trimmed));
        await store.flush(true);
      }
      t.equal(told.length, breaks ? 1 : 0, `${told[0]?.message}`);
      await store.close();
    }
  });
}

conformance(levelOnDisk);
conformance(memoryLevel);

type Step =
  | { readonly kind: 'append'; readonly count: number }
  | { readonly kind: 'trim'; readonly share: number }
  | { readonly kind: 'flush' | 'reopen' | 'copy' | 'drop' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 300 }) }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('trim' as const), share: fc.nat({ max: 100 }) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('copy' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const) }) },
  ),
  { minLength: 5, maxLength: 30 },
);

t.test(
  'trim: whatever is staged, written, opened and copied in between, what was not trimmed is there',
  async (t) => {
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        let backend = memoryLevel.make(t);
        let store = await backend.open();
        let [first, last, index] = [1, 0, 0];
        for (const step of plan) {
          index += 1;
          if (step.kind === 'append') {
            store.stage(mark(index), changes({}, records('d1', last + 1, last + step.count)));
            last += step.count;
          } else if (step.kind === 'trim') {
            first += Math.floor(((last + 1 - first) * step.share) / 100);
            store.stage(mark(index), trim(first));
          } else if (step.kind === 'drop') {
            store.stage(mark(index), changes({}, [], ['d1']));
            [first, last] = [1, 0];
          } else if (step.kind === 'flush') await store.flush(true);
          else if (step.kind === 'reopen') store = await reopened(backend, store);
          else if (store.mark !== null) {
            const target = memoryLevel.make(t);
            const copy = await target.open();
            const install = await copy.beginInstall();
            for await (const frame of (await store.exportSnapshot()).chunks) await install.write(frame);
            await install.commit();
            await store.close();
            [backend, store] = [target, copy];
          }
          const found = await streamOf(store, 'd1');
          const expected = texts(first, last);
          if (found.join() !== expected.join()) throw new Error(`${found.length} and not ${expected.length}`);
        }
        await store.close();
      }),
      { numRuns: 40 },
    );
  },
);
