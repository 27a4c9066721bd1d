import fc from 'fast-check';
import t from 'tap';
import { limits } from '../../src/base/limits.ts';
import { Outbox, stallMs } from '../../src/delivery/outbox.ts';
import type { HistoryStore } from '../../src/delivery/ports.ts';
import { textOf } from '../chat/support/world.ts';
import { settle } from '../support/virtual-clock.ts';
import { names, Reader, World } from './support/outbox-world.ts';
import { address, person, playWorld, type WorldStep, worldSteps } from './support/world-steps.ts';

type Step =
  | { readonly kind: 'send'; readonly from: number; readonly to: number; readonly count: number }
  | WorldStep;

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('send' as const),
        from: person,
        to: address,
        count: fc.integer({ min: 1, max: 20 }),
      }),
    },
    ...worldSteps,
  ),
  { minLength: 20, maxLength: 60 },
);

async function play(world: World, reader: Reader, step: Step): Promise<void> {
  if (step.kind !== 'send') return playWorld(world, reader, step);
  for (let at = 0; at < step.count; at++) world.send(step.from, step.to, `${at}`);
}

/** Reads on, reconnecting when cut off, until all that is in the log has been seen. */
async function finish(world: World, reader: Reader, expected: number): Promise<void> {
  world.apply();
  for (let round = 0; round < 10_000 && reader.seen.length < expected; round++) {
    reader.open();
    await world.clock.advance(2);
    reader.take(3);
  }
  await world.clock.advance(10);
  reader.take(1_000);
}

t.test('outbox: whatever interleaves, a reader that resumes sees each message once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (plan, crowd) => {
      const world = new World({ crowd });
      const reader = new Reader(world, world.accounts[0] ?? 0);
      for (const step of plan) {
        await play(world, reader, step);
        if (reader.queued > 6) throw new Error('more was handed over than the window holds');
      }
      const sent = plan.flatMap((step) =>
        step.kind === 'send' ? Array.from({ length: step.count }, () => step) : [],
      );
      const expected = sent.filter(({ from, to }) => from === 0 || to === 0 || to === names.length).length;
      await finish(world, reader, expected);
      const indexes = reader.seen.map((push) => push.message.index);
      const ascending = indexes.every((index, at) => at === 0 || index > (indexes[at - 1] ?? 0));
      if (!ascending) throw new Error(`out of order or twice: ${indexes.join(' ')}`);
      if (indexes.length !== expected) throw new Error(`saw ${indexes.length} of ${expected}`);
    }),
    { numRuns: 100 },
  );
});

t.test('outbox: what was missed comes whole, however many pages of the store it takes', async (t) => {
  const world = new World();
  const reader = new Reader(world, world.accounts[0] ?? 0);
  const texts = Array.from({ length: 300 }, (_, at) => `${at}`);
  for (const text of texts) world.send(1, 0, text);
  await finish(world, reader, texts.length);
  t.same(
    reader.seen.map(({ message }) => textOf(message.body)),
    texts,
  );
});

t.test('outbox: a reader ahead of this node is not shown again what it has seen elsewhere', async (t) => {
  const world = new World();
  for (let at = 0; at < 4; at++) world.send(1, 0, `${at}`);
  const ahead = world.engine.index + 3;
  const pushed: string[] = [];
  new Outbox(world.ports, {
    account: world.accounts[0] ?? 0,
    start: { kind: 'after', index: ahead },
    sink: {
      lags: false,
      push: (push) => pushed.push(textOf(push.message.body)),
      caughtUp: (index) => t.equal(index, ahead),
      cut: () => undefined,
    },
    accountDeleted: () => undefined,
  });
  await settle();
  world.apply();
  await settle();
  t.same(pushed, ['3']);
});

t.test('outbox: caught up is told behind what was pending, with an index that covers it', async (t) => {
  const world = new World();
  for (let at = 0; at < 4; at++) world.send(1, 0, 'x');
  world.send(1, 2, 'of no concern');
  world.apply();
  const reader = new Reader(world, world.accounts[0] ?? 0);
  reader.open();
  await settle();
  t.equal(reader.queued, 4);
  t.same(reader.caughtUps, [world.engine.index]);
});

t.test('outbox: a sink that takes nothing is cut off after the stall time, a slow one never', async (t) => {
  const world = new World();
  for (let at = 0; at < 40; at++) world.send(1, 0, 'x');
  world.apply();
  const stalled = new Reader(world, world.accounts[0] ?? 0);
  const slow = new Reader(world, world.accounts[0] ?? 0);
  stalled.open();
  slow.open();
  for (let round = 0; round < 40; round++) {
    await world.clock.advance(stallMs - 100);
    slow.take(1);
  }
  t.same(stalled.cuts, ['SLOW_READER']);
  t.same(slow.cuts, []);
  t.equal(slow.seen.length, 40);
});

t.test('outbox: a full window with nothing behind it is no reason to cut', async (t) => {
  const world = new World();
  for (let at = 0; at < 5; at++) world.send(1, 0, 'x');
  world.apply();
  const reader = new Reader(world, world.accounts[0] ?? 0);
  reader.open();
  await world.clock.advance(10 * stallMs);
  t.same(reader.cuts, []);
  t.equal(reader.queued, 5);
});

t.test('outbox: a store that fails cuts the reader off instead of leaving a gap', async (t) => {
  const world = new World();
  world.send(1, 0, 'x');
  world.apply();
  const failing: HistoryStore = { readStream: () => Promise.reject(new Error('damaged')) };
  const cuts: unknown[] = [];
  new Outbox(
    { ...world.ports, store: failing },
    {
      account: world.accounts[0] ?? 0,
      start: { kind: 'after', index: 0 },
      sink: {
        lags: false,
        push: () => 1,
        caughtUp: () => undefined,
        cut: (code, cause) => cuts.push(code, cause),
      },
      accountDeleted: () => undefined,
    },
  );
  await settle();
  t.match(cuts, ['INTERNAL', /damaged/]);
});

t.test('outbox: records that are staged a moment after their events are waited for', async (t) => {
  const world = new World();
  world.send(1, 0, 'late');
  world.apply();
  let ready = false;
  const late: HistoryStore = {
    readStream: (stream, range) =>
      ready ? world.engine.store.readStream(stream, range) : Promise.resolve([]),
  };
  const pushed: string[] = [];
  new Outbox(
    { ...world.ports, store: late },
    {
      account: world.accounts[0] ?? 0,
      start: { kind: 'after', index: 0 },
      sink: {
        lags: false,
        push: (push) => pushed.push(textOf(push.message.body)),
        caughtUp: () => undefined,
        cut: () => pushed.push('cut'),
      },
      accountDeleted: () => undefined,
    },
  );
  await world.clock.advance(20);
  t.same(pushed, []);
  ready = true;
  await world.clock.advance(20);
  t.same(pushed, ['late']);
});

t.test('outbox: resuming in a long conversation reads little of it', async (t) => {
  const world = new World();
  for (let at = 0; at < 3_000; at++) world.send(1, 0, 'x');
  world.apply();
  let reads = 0;
  const counting: HistoryStore = {
    readStream: (stream, range) => {
      reads += 1;
      return world.engine.store.readStream(stream, range);
    },
  };
  const indexes: number[] = [];
  new Outbox(
    { ...world.ports, store: counting },
    {
      account: world.accounts[0] ?? 0,
      start: { kind: 'after', index: world.engine.index - 10 },
      sink: {
        lags: false,
        push: (push) => {
          indexes.push(push.message.index);
          return 0;
        },
        caughtUp: () => undefined,
        cut: () => undefined,
      },
      accountDeleted: () => undefined,
    },
  );
  await world.clock.advance(5);
  t.equal(indexes.length, 10);
  t.ok(reads < 15, `${reads} reads`);
});

t.test('outbox: a reader with a full window is spared hints, but not receipts', async (t) => {
  const world = new World();
  const told: string[] = [];
  let lags = false;
  const account = world.accounts[0] ?? 0;
  const outbox = new Outbox(world.ports, {
    account,
    start: { kind: 'after', index: world.engine.index },
    sink: {
      get lags() {
        return lags;
      },
      push: () => limits.outboxBytes,
      caughtUp: () => undefined,
      cut: () => undefined,
    },
    hints: {
      advanced: () => told.push('advanced'),
      receipt: () => told.push('receipt'),
      group: () => told.push('group'),
    },
    accountDeleted: () => undefined,
  });
  await settle();
  const tell = (): void => {
    outbox.advanced({ account: 2, conversation: 'd:1:2', delivered: 1, read: 0 });
    outbox.receipt({ from: account, number: 1, to: 2, conversation: 'd:1:2', sequence: 1 });
  };
  tell();
  t.same(told.splice(0), ['advanced', 'receipt']);
  world.send(1, 0, 'x');
  world.apply();
  tell();
  t.same(told.splice(0), ['receipt']);
  outbox.taken(limits.outboxBytes);
  tell();
  t.same(told.splice(0), ['advanced', 'receipt']);
  lags = true;
  tell();
  t.same(told.splice(0), ['receipt'], 'hints alone fill no connection that nobody reads');
  lags = false;
  outbox.close();
  tell();
  t.same(told, []);
});

t.test(
  'outbox: what a sink reports as taken while it is handed over leaves room at once, in order',
  async (t) => {
    const world = new World();
    const pushed: number[] = [];
    const cuts: string[] = [];
    const account = world.accounts[0] ?? 0;
    let room = 0;
    const outbox: Outbox = new Outbox(world.ports, {
      account,
      start: { kind: 'after', index: world.engine.index },
      sink: {
        lags: false,
        push: (push) => {
          if (room > 0) outbox.taken(limits.outboxBytes / 2);
          pushed.push(push.message.index);
          return limits.outboxBytes / 2;
        },
        caughtUp: () => undefined,
        cut: (code) => cuts.push(code),
      },
      accountDeleted: () => undefined,
    });
    await settle();
    for (let at = 0; at < 6; at++) world.send(1, 0, 'x');
    world.apply();
    t.equal(pushed.length, 2, 'the window is full');
    room = 1;
    outbox.taken(limits.outboxBytes / 2);
    for (let at = 0; at < 6; at++) world.send(1, 0, 'x');
    world.apply();
    t.equal(pushed.length, 12);
    t.same(
      pushed,
      [...pushed].sort((a, b) => a - b),
    );
    await world.clock.advance(5_000);
    t.same(cuts, []);
  },
);
