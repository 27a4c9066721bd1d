import t from 'tap';
import { seededRandom } from '../../src/base/prng.ts';
import { Heap } from './heap.ts';
import { Host } from './host.ts';
import { World } from './world.ts';

const right = { wallSkewMs: 0, rate: 1 };

t.test('heap: gives back in order what was put in at random', async (t) => {
  const random = seededRandom(1);
  const heap = new Heap<number>((a, b) => a < b);
  const put = Array.from({ length: 500 }, () => random.below(100));
  for (const value of put) heap.push(value);
  const got = put.map(() => heap.pop());
  t.same(
    got,
    put.sort((a, b) => a - b),
  );
  t.equal(heap.pop(), undefined);
});

t.test('world: what promises do between two events is done before the second', async (t) => {
  const world = new World();
  const said: string[] = [];
  const deep = async (name: string): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
    said.push(name);
  };
  world.after(1, 'timer', null, () => void deep('first'));
  world.after(1, 'timer', null, () => void deep('second'));
  world.after(0.5, 'timer', null, () => said.push('before'));
  await world.run(10);
  t.same(said, ['before', 'first', 'second']);
  t.equal(world.nowMs, 10);
});

t.test(
  'world: what promises do before the first event is done before it, wherever it is run from',
  async (t) => {
    const begin = async (): Promise<readonly string[]> => {
      const world = new World();
      const said: string[] = [];
      world.after(1, 'timer', null, () => said.push(`event at ${world.nowMs}`));
      queueMicrotask(() => said.push(`promise at ${world.nowMs}`));
      await world.run(10);
      return said;
    };
    const inOrder = ['promise at 0', 'event at 1'];
    t.same(await begin(), inOrder, 'from a promise');
    const fromPlatform = new Promise<readonly string[]>((resolve) => setImmediate(() => resolve(begin())));
    t.same(await fromPlatform, inOrder, 'from a callback of the platform');
  },
);

t.test('world: the trace hash is that of the events, and of nothing else', async (t) => {
  const hashOf = async (delays: readonly number[]): Promise<string> => {
    const world = new World();
    for (const delay of delays) world.after(delay, 'disk', null, () => undefined);
    await world.run(100);
    return world.traceHash;
  };
  t.equal(
    await hashOf([3, 1, 2]),
    await hashOf([2, 3, 1]),
    'order of making does not matter where times differ',
  );
  t.not(await hashOf([3, 1, 2]), await hashOf([3, 1]));
});

t.test('world: something that wakes itself at one instant for ever is an error', async (t) => {
  const world = new World();
  const again = (): void => void world.after(0, 'timer', null, again);
  again();
  await t.rejects(world.run(1), /time stands still/);
});

t.test('host: a dead one hears nothing more, a paused one hears all of it later, in order', async (t) => {
  const world = new World();
  const [dead, paused] = [new Host(world, 1, 'dead', right), new Host(world, 2, 'paused', right)];
  const said: string[] = [];
  dead.clock.after(5, () => said.push('dead'));
  paused.clock.after(6, () => said.push('one'));
  paused.clock.after(5, () => said.push('two'));
  const cancelled = paused.clock.after(7, () => said.push('cancelled'));
  world.after(1, 'fault', null, () => {
    dead.kill();
    paused.pause();
  });
  await world.run(20);
  t.same(said, []);
  cancelled.cancel();
  paused.resume();
  await world.run(21);
  t.same(said, ['two', 'one']);
});

t.test('host: a clock that drifts or jumps is never early and never runs backwards', async (t) => {
  const world = new World();
  const faults = { ...right };
  const host = new Host(world, 1, 'drifting', faults);
  let early = 0;
  let before = 0;
  const wait = (): void => {
    const due = host.clock.monotonicMs() + 7.3;
    host.clock.after(7.3, () => {
      const now = host.clock.monotonicMs();
      if (now < due || now < before) early++;
      before = now;
      wait();
    });
  };
  wait();
  for (const [atMs, rate] of [
    [100, 1.02],
    [300, 0.97],
    [500, 1],
  ] as const) {
    world.after(atMs, 'fault', null, () => {
      host.clock.monotonicMs();
      faults.rate = rate;
      faults.wallSkewMs -= 1e9;
    });
  }
  await world.run(1_000);
  // A timer that was armed at one rate and fires at another may be wrong, once for each change.
  t.ok(early <= 3);
  t.ok(before > 950 && before < 1_050);
});
