import fc from 'fast-check';
import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { Membership } from '../../../src/chat/conversations/membership.ts';
import type { Command } from '../../../src/chat/vocabulary/types.ts';
import { type Answer, said, textTo, World } from '../support/world.ts';

function withReceipt(to: string, content: string): Command {
  return { ...textTo(to, content), wantsReceipt: true };
}

function acknowledge(world: World, account: number, sequence: number, conversation = 'd:1:2'): Answer {
  return world.raw({ kind: 'acknowledge', messages: [{ account, conversation, sequence }], receipts: [] });
}

function confirm(world: World, account: number, number: number): Answer {
  return world.raw({ kind: 'acknowledge', messages: [], receipts: [{ account, number }] });
}

function pair(): { readonly world: World; readonly ann: number; readonly bob: number } {
  const world = new World();
  return { world, ann: world.register('ann'), bob: world.register('bob') };
}

function due(world: World, account: number): readonly number[] {
  return world.machine.receiptsOf(account).map(({ number }) => number);
}

t.test('numbers: each sender counts all that it sends, wherever to, over restarts', async (t) => {
  const { world, ann, bob } = pair();
  world.raw({ kind: 'create-group', name: 'team', passwordHash: null }, ann);
  const numbers: unknown[] = [];
  const send = (to: string, from: number) => {
    const { result } = world.raw(textTo(to, 'x'), from);
    numbers.push(result.ok && result.receipt.kind === 'sent' ? result.receipt.number : result);
  };
  send('bob', ann);
  send('#team', ann);
  send('ann', bob);
  await world.reload();
  send('#lobby', ann);
  world.raw(textTo('nobody', 'x'), ann);
  send('bob', ann);
  t.same(numbers, [1, 2, 1, 3, 4], 'a refused one uses up no number');
  t.match(world.history('d:1:2'), [{ number: 1 }, { number: 1 }, { number: 4 }]);
});

t.test('receipts: due once the receiver has acknowledged, kept until the sender confirms', async (t) => {
  const { world, ann, bob } = pair();
  world.raw(withReceipt('bob', '1'), ann);
  world.raw(withReceipt('bob', '2'), ann);
  world.raw(textTo('bob', '3'), ann);
  t.same(due(world, ann), []);
  t.same(confirm(world, ann, 2).events, [], 'nothing to confirm yet');
  const receipt = { from: ann, to: bob, number: 2, conversation: 'd:1:2', sequence: 2 };
  t.match(acknowledge(world, bob, 2).events, [{ kind: 'receipt', receipt }]);
  t.same(acknowledge(world, bob, 2).events, [], 'once');
  await world.reload();
  t.match(world.machine.receiptsOf(ann), [receipt]);
  confirm(world, bob, 2);
  t.same(due(world, ann), [2], 'it is not his to confirm');
  confirm(world, ann, 2);
  t.same(due(world, ann), []);
  const { events } = world.raw({
    kind: 'advance-cursors',
    cursors: [{ account: bob, conversation: 'd:1:2', delivered: 3, read: 0 }],
  });
  t.match(events, [{ kind: 'cursor-advanced' }, { kind: 'receipt', receipt: { number: 1 } }]);
  t.same(due(world, ann), [1], 'delivered by another dialect counts too');
  confirm(world, ann, 1);
  world.store();
  t.same(
    [...world.rows.keys()].filter((key) => key.startsWith('r/')),
    [],
  );
});

t.test('receipts: none for groups, for oneself, or where nobody asked', async (t) => {
  const { world, ann, bob } = pair();
  world.raw({ kind: 'create-group', name: 'team', passwordHash: null }, ann);
  world.raw(withReceipt('#team', 'x'), ann);
  world.raw(withReceipt('ann', 'x'), ann);
  world.raw(textTo('bob', 'x'), ann);
  for (const account of [ann, bob])
    for (const conversation of ['d:1:1', 'd:1:2', 'g:3']) {
      t.same(acknowledge(world, account, 1, conversation).events, []);
    }
  t.equal(
    said(world.raw({ kind: 'acknowledge', messages: [], receipts: [] }, ann)),
    'DENIED',
    'never for a client',
  );
});

t.test(
  'receipts: an account that goes takes what it waited for, and what others waited to hear of it',
  async (t) => {
    const { world, ann, bob } = pair();
    world.raw(withReceipt('bob', 'due'), ann);
    world.raw(withReceipt('bob', 'never'), ann);
    world.raw(withReceipt('ann', 'x'), bob);
    acknowledge(world, bob, 1);
    world.raw({ kind: 'delete-account', name: 'bob' }, bob);
    world.store();
    t.same(due(world, ann), [1], 'what was delivered was delivered');
    t.same([...world.rows.keys()].filter((key) => /^[rn]\//.test(key)).sort(), ['n/1', 'r/1/1']);
    world.raw({ kind: 'delete-account', name: 'ann' }, ann);
    world.store();
    t.same([...world.rows.keys()], []);
  },
);

t.test('receipts: bounded for each sender', async (t) => {
  const { world, ann, bob } = pair();
  for (let sent = 0; sent < limits.receiptsPerAccount; sent++) world.raw(withReceipt('bob', 'x'), ann);
  t.equal(said(world.raw(withReceipt('bob', 'x'), ann)), 'TOO_MANY_PENDING');
  t.equal(said(world.raw(textTo('bob', 'x'), ann)), 'sent');
  acknowledge(world, bob, 1);
  t.equal(said(world.raw(withReceipt('bob', 'x'), ann)), 'TOO_MANY_PENDING', 'unconfirmed counts');
  confirm(world, ann, 1);
  t.equal(said(world.raw(withReceipt('bob', 'x'), ann)), 'sent');
});

t.test('acknowledge: singly and out of turn; the cursor follows when the gap closes', async (t) => {
  const { world, ann, bob } = pair();
  for (const text of ['1', '2', '3', '4']) world.raw(textTo('bob', text), ann);
  const view = () => world.machine.conversation('d:1:2');
  acknowledge(world, bob, 3);
  acknowledge(world, bob, 2);
  acknowledge(world, bob, 9);
  acknowledge(world, ann, 1);
  await world.reload();
  t.same([view()?.delivered(bob), view()?.delivered(ann)], [0, 1]);
  t.same(
    [1, 2, 3, 4].map((sequence) => view()?.isDelivered(bob, sequence)),
    [false, true, true, false],
  );
  acknowledge(world, bob, 1);
  t.equal(view()?.delivered(bob), 3);
});

t.test('property: a membership knows what was acknowledged as a plain set does', async () => {
  const last = 12;
  const step = fc.record({ upTo: fc.boolean(), sequence: fc.integer({ min: 0, max: last + 2 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const membership = new Membership({
        account: 1,
        joinedIndex: 0,
        joinedBehind: 0,
        delivered: 0,
        read: 0,
        singles: [],
      });
      const plain = new Set<number>();
      for (const { upTo, sequence } of steps) {
        const known = plain.size;
        const isValid = sequence >= 1 && sequence <= last;
        for (let at = upTo ? 1 : sequence; isValid && at <= sequence; at++) plain.add(at);
        const changed = upTo ? membership.deliver(sequence, last) : membership.acknowledge(sequence, last);
        if (!upTo && changed !== plain.size > known) return false;
      }
      for (let sequence = 1; sequence <= last; sequence++) {
        if (membership.isDelivered(sequence) !== plain.has(sequence)) return false;
      }
      return membership.singles.every((single) => single > membership.delivered + 1);
    }),
    { numRuns: 300 },
  );
});

t.test('acknowledge: above a silent message only so many are remembered', async (t) => {
  const membership = new Membership({
    account: 1,
    joinedIndex: 0,
    joinedBehind: 0,
    delivered: 0,
    read: 0,
    singles: [],
  });
  const last = 10 * limits.singlesPerMember;
  for (let sequence = 2; sequence <= last; sequence++) membership.acknowledge(sequence, last);
  t.equal(membership.singles.length, limits.singlesPerMember);
  t.ok(membership.acknowledge(1, last));
  t.equal(membership.delivered, limits.singlesPerMember + 1);
});
