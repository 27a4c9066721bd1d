import t from 'tap';
import { MajorityWatch } from './majority-watch.ts';
import { calmPath, type Path } from './network.ts';
import { World } from './world.ts';

interface Situation {
  /** Of three nodes, which answers barriers. */
  readonly serving?: readonly number[];
  readonly down?: readonly number[];
  /** Pairs that do not hear each other. */
  readonly apart?: readonly (readonly [number, number])[];
  readonly elected?: readonly [number, number] | readonly [];
}

/** What is found within so many seconds, when these are elected at its beginning and a second before its end. */
async function findings(
  { serving = [], down = [], apart = [], elected = [] }: Situation,
  seconds: number,
): Promise<string[]> {
  const world = new World();
  const found: string[] = [];
  const answer = (node: number): Promise<void> =>
    serving.includes(node) ? Promise.resolve() : new Promise(() => undefined);
  const path = (from: number, to: number): Path => {
    const isApart = apart.some((pair) => pair.includes(from) && pair.includes(to) && from !== to);
    return { ...calmPath, cut: isApart ? 1 : 0 };
  };
  const host = { name: 'node', number: 1, alive: true, paused: false, backlog: [] };
  const well = { failing: 0, freeBytes: Number.POSITIVE_INFINITY, slowMs: { least: 0.2, spread: 1 } };
  const nodes = [1, 2, 3].map((id) => ({ host, service: { barrier: () => answer(id) } }));
  const watch = new MajorityWatch({
    world,
    peers: { path },
    cluster: {
      machines: [1, 2, 3].map((node) => ({ node })),
      machine: () => ({ disk: { faults: well } }),
      node: (id) => (down.includes(id) ? undefined : nodes[id - 1]),
    },
    found: ({ text }) => void found.push(text),
  });
  watch.start();
  for (const [i, node] of elected.entries()) {
    world.after(i === 0 ? 0 : (seconds - 1) * 1_000, 'client', null, () => watch.elected(node));
  }
  await world.run(seconds * 1_000);
  return found;
}

t.test('majority watch: whoever serves is enough for all majorities that it belongs to', async (t) => {
  t.same(await findings({ serving: [1, 2, 3] }, 30), []);
  t.same(await findings({ serving: [2], down: [3] }, 30), []);
  t.same(await findings({ serving: [3], apart: [[1, 2]] }, 30), []);
});

t.test('majority watch: two that are well and hear each other, and do not serve', async (t) => {
  t.same(await findings({ serving: [], down: [3] }, 8), []);
  const one =
    'nodes 1 and 2 are well and hear each other since 0.1 s, and none of them has served since 0.1 s';
  t.same(await findings({ serving: [], down: [3] }, 8.2), [one]);
  const apart = [
    [1, 2],
    [1, 3],
  ] as const;
  t.match(await findings({ serving: [1], apart }, 8.2), [/^nodes 2 and 3 are well/]);
});

t.test('majority watch: no majority, no claim', async (t) => {
  t.same(await findings({ down: [1, 3] }, 60), []);
  t.same(
    await findings(
      {
        apart: [
          [1, 2],
          [1, 3],
          [2, 3],
        ],
      },
      60,
    ),
    [],
  );
});

t.test('majority watch: a leader that a majority hears, and another one is elected', async (t) => {
  const serving = [1, 2, 3];
  t.match(await findings({ serving, apart: [[2, 3]], elected: [3, 2] }, 9), [
    /^node 2 is elected, although node 3 led nodes 1 and 3, which are well/,
  ]);
  t.same(await findings({ serving, apart: [[2, 3]], elected: [3, 2] }, 3), [], 'too soon to tell');
  t.same(await findings({ serving, elected: [3, 2], down: [3] }, 9), [], 'it is gone');
});
