/** What the store says about itself as a whole: how far streams go, the digest that nodes compare, the scrub. */
import { setTimeout as delay } from 'node:timers/promises';
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

const TEXTS = 40;

/** Groups of `every` records of two streams, and a row that is replaced by each. */
function fill(store: StateStore, every: number, checkpoint = false): void {
  for (let first = 1; first <= TEXTS; first += every) {
    const records = Array.from({ length: every }, (_, i) => first + i).flatMap((n) => [
      ['d1', n, `text ${n}`] as const,
      ['d2', n, `other ${n}`] as const,
    ]);
    const last = first + every - 1;
    store.stage(mark(last), changes({ last: `${last}` }, records), checkpoint && last === TEXTS);
  }
}

async function digestOf(backend: Backend, every: number): Promise<string> {
  const store = await backend.open();
  const told: string[] = [];
  store.watch({
    damaged: (damage) => told.push(damage.message),
    failed: () => undefined,
    digest: (at, digest) => told.push(`${at} ${digest}`),
  });
  fill(store, every, true);
  await store.flush(true);
  await store.close();
  return told.join('; ');
}

async function tampered(backend: Backend, tamper: (raw: Database) => Promise<void>): Promise<void> {
  const raw = await backend.raw('state-1');
  await tamper(raw);
  await raw.close();
}

async function chunksOf(raw: Database, stream: string): Promise<string[]> {
  return await raw.keys({ gte: `s!${stream}!`, lt: `s!${stream}~` }).all();
}

function conformance(kind: BackendKind): void {
  const title = (scenario: string): string => `integrity (${kind.name}): ${scenario}`;

  t.test(title('the loss of the last chunks of a stream does not look like its end'), async (t) => {
    const backend = kind.make(t);
    const store = await backend.open();
    fill(store, 8);
    await store.flush(true);
    await store.close();
    await tampered(backend, async (raw) => {
      for (const key of await chunksOf(raw, 'd1')) await raw.del(key);
    });
    const again = await backend.open();
    const told: StateDamage[] = [];
    again.watch({ damaged: (damage) => told.push(damage), failed: () => undefined, digest: () => undefined });
    await t.rejects(streamOf(again, 'd1'), { code: 'DATA_DAMAGED', kind: 'gap' });
    await t.rejects(streamOf(again, 'd1', { fromEnd: true, limit: 1 }), {
      code: 'DATA_DAMAGED',
      kind: 'gap',
    });
    await t.rejects(streamOf(again, 'd1', { from: TEXTS }), { code: 'DATA_DAMAGED', kind: 'gap' });
    t.strictSame(await streamOf(again, 'd1', { from: TEXTS + 1 }), []);
    t.equal((await streamOf(again, 'd2')).length, TEXTS, 'the rest is served');
    t.equal(told.length, 3, 'each time it is told');
    const { chunks } = await again.exportSnapshot();
    const read = async (): Promise<void> => {
      for await (const frame of chunks) t.ok(frame.length > 0);
    };
    await t.rejects(read(), { code: 'DATA_DAMAGED', kind: 'gap' }, 'and not copied');
    await again.close();
  });

  t.test(title('the digest is that of the content, however it was written'), async (t) => {
    const one = await digestOf(kind.make(t), 1);
    t.match(one, /^40 [0-9a-f]{64}$/);
    t.equal(await digestOf(kind.make(t), 8), one);
    t.equal(await digestOf(kind.make(t), TEXTS), one);
  });

  t.test(title('the digest shows another row, another record, and another order'), async (t) => {
    const digests = new Set<string>();
    const variants: readonly (readonly [row: string, first: string, second: string])[] = [
      ['v', 'a', 'b'],
      ['w', 'a', 'b'],
      ['v', 'b', 'a'],
      ['v', 'a', 'bb'],
    ];
    for (const [row, first, second] of variants) {
      const store = await kind.make(t).open();
      store.watch({
        damaged: () => undefined,
        failed: () => undefined,
        digest: (_index, digest) => digests.add(digest),
      });
      store.stage(
        mark(1),
        changes({ key: row }, [
          ['d1', 1, first],
          ['d1', 2, second],
        ]),
        true,
      );
      await store.close();
    }
    t.equal(digests.size, variants.length);
  });

  t.test(title('the digest is the same after a copy, and after an opening'), async (t) => {
    const source = kind.make(t);
    const store = await source.open();
    fill(store, 8);
    await store.flush(true);
    const target = await kind.make(t).open();
    const install = await target.beginInstall();
    const { chunks } = await store.exportSnapshot();
    for await (const chunk of chunks) await install.write(chunk);
    await install.commit();
    await store.close();
    const again = await source.open();
    const digests = new Set<string>();
    for (const each of [again, target]) {
      each.watch({
        damaged: () => undefined,
        failed: () => undefined,
        digest: (_index, digest) => digests.add(digest),
      });
      each.stage(mark(100), changes({}, [['d1', TEXTS + 1, 'more']]), true);
      await each.close();
    }
    t.equal(digests.size, 1);
  });

  t.test(title('a stream that was dropped leaves nothing in the digest'), async (t) => {
    const digests: string[] = [];
    for (const dropped of [true, false]) {
      const store = await kind.make(t).open();
      store.watch({
        damaged: () => undefined,
        failed: () => undefined,
        digest: (_index, digest) => digests.push(digest),
      });
      if (dropped) {
        store.stage(mark(1), changes({}, [['gone', 1, 'x']]));
        await store.flush(true);
      }
      store.stage(mark(2), changes({ a: '1' }, [], dropped ? ['gone'] : []), true);
      await store.close();
    }
    t.equal(digests[0], digests[1]);
  });

  t.test(title('the scrub finds what nobody reads, and goes over everything'), async (t) => {
    const wrong: Readonly<Record<string, (raw: Database) => Promise<void>>> = {
      'a changed chunk': async (raw) => {
        const key = (await chunksOf(raw, 'd2'))[1] ?? '';
        const value = Buffer.from((await raw.get(key)) ?? Buffer.alloc(0));
        value[value.length - 1] = (value.at(-1) ?? 0) ^ 1;
        await raw.put(key, value);
      },
      'a missing chunk': async (raw) => raw.del((await chunksOf(raw, 'd1'))[2] ?? ''),
      'a missing end': async (raw) => raw.del((await chunksOf(raw, 'd1')).at(-1) ?? ''),
      nothing: async () => undefined,
    };
    for (const [what, tamper] of Object.entries(wrong)) {
      const backend = kind.make(t);
      const store = await backend.open();
      for (let first = 1; first <= 3; first++) {
        store.stage(
          mark(first),
          changes({ row: `${first}` }, [
            ['d1', first, 'x'],
            ['d2', first, 'y'],
          ]),
        );
        await store.flush(true);
      }
      await store.close();
      await tampered(backend, tamper);
      const again = await backend.open();
      const told: StateDamage[] = [];
      again.watch({
        damaged: (damage) => told.push(damage),
        failed: () => undefined,
        digest: () => undefined,
      });
      // Without a timer the scrub is reading real files, which take their own time.
      for (let passedMs = 0; passedMs < 1_000_000 && told.length === 0; ) {
        if (backend.clock.timers === 0) await delay(1);
        else {
          await backend.clock.advance(1_000);
          passedMs += 1_000;
        }
      }
      t.equal(told.length, what === 'nothing' ? 0 : 1, `${what}: ${told[0]?.message}`);
      await again.close();
    }
  });
}

conformance(levelOnDisk);
conformance(memoryLevel);

t.test('seal: whatever happens to a file of a closed state is found before level reads it', async (t) => {
  const backend = levelOnDisk.make(t);
  const store = await backend.open();
  for (let first = 1; first <= TEXTS; first += 8) {
    store.stage(mark(first), changes({ row: `${first}` }, [['d1', (first + 7) / 8, 'x'.repeat(100)]]));
    await store.flush(true);
  }
  await store.close();
  const { disk } = backend;
  const names = (await disk.list('state-1')).filter((name) => !/^LO(CK|G)/.test(name));
  t.ok(names.includes('SEAL') && names.length >= 4, names.join(' '));
  for (const name of names) {
    const path = `state-1/${name}`;
    const content = (await disk.read(path)) ?? new Uint8Array(0);
    const wrong: (Uint8Array | null)[] = [content.slice(0, -1), null];
    for (let at = 0; at < content.length; at += 13) {
      const flipped = content.slice();
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      wrong.push(flipped);
    }
    for (const [i, each] of wrong.entries()) {
      // Without its seal a state is one of a killed process: level's own checks and ours must do.
      if (each === null && name === 'SEAL') continue;
      if (each === null) await disk.remove(path);
      else await disk.replace(path, each);
      await t.rejects(backend.open(), { code: 'DATA_DAMAGED', kind: 'database' }, `${name}, ${i}`);
    }
    await disk.replace(path, content);
  }
  await disk.replace('state-1/000099.ldb', new Uint8Array(10));
  await t.rejects(backend.open(), { message: /000099.ldb was not there/ });
  await disk.remove('state-1/000099.ldb');
  const again = await backend.open();
  t.equal((await streamOf(again, 'd1')).length, TEXTS / 8);
  t.notOk((await disk.list('state-1')).includes('SEAL'), 'a state that is open has no seal');
  await again.close();
});
