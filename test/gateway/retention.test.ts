/** Messages that are too old, as nodes and readers see it. */
import t from 'tap';
import { decodeProposal } from '../../src/chat/codecs/codec.ts';
import type { Command } from '../../src/chat/vocabulary/types.ts';
import { Outbox } from '../../src/delivery/outbox.ts';
import type { AmendmentPush, Push } from '../../src/delivery/ports.ts';
import { HistoryReader } from '../../src/gateway/reads/history.ts';
import { checkMs, RetentionKeeper } from '../../src/gateway/retention-keeper.ts';
import { textOf } from '../chat/support/world.ts';
import { group, World } from '../delivery/support/outbox-world.ts';
import { startNodes } from '../support/gateway.ts';
import { NativeClient } from '../support/native-client.ts';
import { settle } from '../support/virtual-clock.ts';

const ageMs = 100_000;

/** The step that a node would propose. */
function retain(world: World, conversation: string): void {
  world.append(null, { kind: 'retain', conversation, defaultMs: ageMs });
  world.apply();
}

t.test('retention: readers begin at the first message that is left, history too', async (t) => {
  const world = new World();
  const { machine: view, store } = world.engine;
  const id = view.groupByName('team')?.id ?? '';
  for (let at = 1; at <= 300; at++) world.send(1, 3, `text ${at}`);
  world.apply();
  const cursor = (view.conversation(id)?.lastIndex ?? 0) - 250;
  retain(world, id);
  world.cluster.aheadMs += ageMs;
  world.send(1, 3, 'text 301');
  retain(world, id);
  const first = view.conversation(id)?.firstSequence ?? 0;
  t.equal(first, 257, 'one step');
  for (const start of [
    { kind: 'after', index: cursor } as const,
    { kind: 'after', index: 0 } as const,
    { kind: 'delivered', delivered: () => 0, lobbyAfter: null } as const,
  ]) {
    const seen: string[] = [];
    let caughtUp = false;
    const push = (one: Push | AmendmentPush): number => {
      if (one.kind === 'message') seen.push(textOf(one.message.body));
      return 0;
    };
    const outbox = new Outbox(world.ports, {
      account: world.accounts[0] ?? 0,
      start,
      sink: {
        lags: false,
        push,
        amended: push,
        caughtUp: () => {
          caughtUp = true;
        },
        cut: (code) => t.fail(code),
      },
      accountDeleted: () => undefined,
    });
    for (let turn = 0; turn < 100 && !caughtUp; turn++) await world.clock.advance(1);
    t.equal(seen[0], `text ${first}`, JSON.stringify(start));
    t.equal(seen.at(-1), 'text 301');
    outbox.close();
  }
  const history = new HistoryReader({ view, store, clock: world.clock });
  const ask = (range: object) =>
    history.one(world.accounts[0] ?? 0, { op: 'history', with: group, limit: 1_000, ...range });
  for (const range of [{}, { after: 0 }, { after: 10 }, { since: 0 }]) {
    t.equal((await ask(range))[0]?.sequence, first, JSON.stringify(range));
  }
  t.same(await ask({ before: first }), []);
});

t.test('retention: a reader that is behind in the midst of it goes on with what is left', async (t) => {
  const world = new World();
  const { machine: view } = world.engine;
  const id = view.groupByName('team')?.id ?? '';
  for (let at = 1; at <= 200; at++) world.send(1, 3, `text ${at}`);
  world.apply();
  retain(world, id);
  const seen: string[] = [];
  const taken: (() => void)[] = [];
  let caughtUp = false;
  const outbox: Outbox = new Outbox(world.ports, {
    account: world.accounts[0] ?? 0,
    start: { kind: 'after', index: 0 },
    sink: {
      lags: false,
      push: (push) => {
        seen.push(textOf(push.message.body));
        taken.push(() => outbox.taken(100_000));
        return 100_000;
      },
      caughtUp: () => {
        caughtUp = true;
      },
      cut: (code) => t.fail(code),
    },
    accountDeleted: () => undefined,
  });
  await world.clock.advance(5);
  t.equal(seen.length, 1, 'the window is full');
  world.send(1, 3, 'the last');
  world.cluster.aheadMs += ageMs;
  retain(world, id);
  t.equal(view.conversation(id)?.firstSequence, 201);
  for (let turn = 0; turn < 1_000 && seen.at(-1) !== 'the last'; turn++) {
    taken.shift()?.();
    await world.clock.advance(1);
  }
  t.ok(caughtUp);
  t.notOk(seen.includes('text 200'), 'what was not handed over is gone');
  t.equal(seen.at(-1), 'the last');
  outbox.close();
});

t.test('retention: the node that leads proposes what is due, until nothing is', async (t) => {
  const world = new World();
  const proposed: Command[] = [];
  let leads = false;
  const keeper = new RetentionKeeper({
    clock: world.clock,
    view: world.engine.machine,
    clusterClock: { nowMs: () => world.engine.machine.clusterMs + 1 },
    leads: () => leads,
    defaultMs: ageMs,
    proposeOwn: async (command) => {
      proposed.push(command);
      world.append(null, command);
      world.apply();
      return {
        kind: 'applied',
        index: world.engine.index,
        result: { ok: true, receipt: { kind: 'cursors-advanced' } },
      };
    },
  });
  for (let at = 1; at <= 10; at++) world.send(1, 3, `text ${at}`);
  world.apply();
  await world.clock.advance(checkMs);
  t.same(proposed, [], 'another one leads');
  leads = true;
  await world.clock.advance(checkMs);
  await settle();
  const id = world.engine.machine.groupByName('team')?.id ?? '';
  t.equal(proposed.length, 1, 'how far it has come is noted');
  world.cluster.aheadMs += ageMs;
  world.send(0, 0, 'time goes on');
  world.apply();
  await world.clock.advance(checkMs);
  await settle();
  t.equal(world.engine.machine.conversation(id)?.firstSequence, 11);
  t.ok(proposed.every((command) => command.kind === 'retain'));
  t.same([...world.engine.machine.retentionDue(ageMs, world.engine.machine.clusterMs)], []);
  keeper.stop();
  const before = proposed.length;
  world.send(1, 3, 'more');
  world.apply();
  await world.clock.advance(2 * checkMs);
  t.equal(proposed.length, before);
});

t.test('retention: a group’s owner says how long its messages are kept, and people see it', async (t) => {
  const { cluster, nodes, stop } = await startNodes(1);
  t.teardown(stop);
  const [node] = nodes;
  if (node === undefined) throw new Error('one node');
  const ann = await NativeClient.join(node.httpPort, 'ann');
  await ann.change({ op: 'create-group', group: 'team' });
  t.match(await ann.change({ op: 'set-group-retention', group: 'team', days: 30 }), {
    ok: true,
    value: { op: 'set-group-retention', group: 'team' },
  });
  const groups = await ann.query({ op: 'groups' });
  t.match(Object(groups.value).groups, [{ name: 'team', keepDays: 30 }]);
  t.match(await ann.change({ op: 'set-group-retention', group: 'team', days: 36_501 }), {
    ok: false,
    code: 'BAD_REQUEST',
  });
  const commands = cluster.log.map(({ command }) => decodeProposal(command)?.command);
  t.ok(commands.some((command) => command?.kind === 'set-group-retention'));
  ann.destroy();
});
