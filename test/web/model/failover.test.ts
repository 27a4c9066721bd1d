import t from 'tap';
import { type FailoverLine, FailoverWatch } from '../../../src/web/model/failover.ts';

function watched(pending = 0) {
  const lines: (FailoverLine | null)[] = [];
  const world = { nowMs: 1_000, pending };
  const watch = new FailoverWatch(
    () => world.nowMs,
    () => world.pending,
    (line) => lines.push(line),
  );
  watch.take({ kind: 'connected', node: 2, leader: 2, planned: true });
  return { watch, world, lines, last: () => lines.at(-1) };
}

t.test(
  'failover line: which node left, which leads, how long it took; that nothing was lost only once it is known',
  async (t) => {
    const { watch, world, last } = watched(3);
    watch.take({ kind: 'down', node: 2, reason: 'connection lost' });
    t.same(last(), { kind: 'searching', node: 2, sinceMs: 1_000 });
    world.nowMs = 1_040;
    watch.take({ kind: 'connected', node: 1, leader: null, planned: false });
    t.same(last(), { kind: 'electing', sinceMs: 1_000 });
    world.nowMs = 1_096;
    watch.take({ kind: 'leader', leader: 3 });
    const line = { kind: 'recovered', node: 2, leader: 3, repeated: 3, lost: null, outageMs: 96 };
    t.same(last(), line);
    watch.settled();
    t.same(last(), { ...line, lost: 0 });
    watch.clear();
    t.equal(last(), null);
  },
);

t.test('failover line: an outcome that nobody knows is told', async (t) => {
  const { watch, last } = watched(1);
  watch.take({ kind: 'down', node: 2, reason: '' });
  watch.take({ kind: 'connected', node: 1, leader: 1, planned: false });
  watch.unknownOutcome();
  watch.settled();
  t.match(last(), { kind: 'recovered', lost: 1 });
});

t.test('failover line: another leader while the own node stays', async (t) => {
  const { watch, world, last } = watched();
  watch.take({ kind: 'electing' });
  world.nowMs = 1_070;
  watch.take({ kind: 'leader', leader: 3 });
  t.match(last(), { kind: 'recovered', node: null, leader: 3, outageMs: 70 });
});

t.test('failover line: an election that never ends is no election', async (t) => {
  const { watch, world, last } = watched();
  watch.take({ kind: 'electing' });
  world.nowMs = 5_900;
  watch.waited();
  t.match(last(), { kind: 'electing' }, 'not yet');
  world.nowMs = 6_000;
  watch.waited();
  t.same(last(), { kind: 'unreachable', node: null, sinceMs: 1_000 });
  world.nowMs = 11_000;
  watch.take({ kind: 'leader', leader: 3 });
  t.match(last(), { kind: 'recovered', leader: 3, outageMs: 10_000 });
  watch.waited();
  t.match(last(), { kind: 'recovered' });
});

t.test('failover line: a planned move says nothing', async (t) => {
  const { watch, lines } = watched();
  watch.take({ kind: 'connecting', host: 'x', port: 1 });
  watch.take({ kind: 'connected', node: 3, leader: 3, planned: true });
  watch.take({ kind: 'resumed', node: 3, user: 'ann' });
  t.same(lines, []);
});

t.test('failover line: while no node answers the outage goes on', async (t) => {
  const { watch, world, last } = watched();
  watch.take({ kind: 'down', node: 2, reason: '' });
  world.nowMs = 9_000;
  watch.take({ kind: 'unreachable', reason: '' });
  t.same(last(), { kind: 'unreachable', node: 2, sinceMs: 1_000 });
  watch.clear();
  t.match(last(), { kind: 'unreachable' }, 'it does not go by itself');
  world.nowMs = 21_000;
  watch.take({ kind: 'connected', node: 2, leader: 2, planned: false });
  t.match(last(), { outageMs: 20_000 });
});
