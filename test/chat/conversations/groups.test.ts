import fc from 'fast-check';
import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { decodeConversation } from '../../../src/chat/rows/row-codec.ts';
import type { Command } from '../../../src/chat/vocabulary/types.ts';
import type { GroupView } from '../../../src/chat/vocabulary/view.ts';
import { said, textTo, World } from '../support/world.ts';

function create(name: string, passwordHash: string | null = null): Command {
  return { kind: 'create-group', name, passwordHash };
}

function join(
  name: string,
  seen: { group: string; credential: number } | null = null,
): Extract<Command, { kind: 'join-group' }> {
  return { kind: 'join-group', name, seen, create: false, passwordHash: null };
}

function group(world: World, name: string): GroupView {
  const found = world.machine.groupByName(name);
  if (found === undefined) throw new Error(`no group ${name}`);
  return found;
}

function membersOf(world: World, name: string): readonly number[] {
  return [...group(world, name).members()];
}

/** `ann` owns `team`, `bob` is in it. */
function team(): { readonly world: World; readonly ann: number; readonly bob: number; readonly cy: number } {
  const world = new World();
  const [ann, bob, cy] = [world.register('ann'), world.register('bob'), world.register('cy')];
  world.raw(create('team'), ann);
  world.raw(join('team'), bob);
  return { world, ann, bob, cy };
}

t.test('create-group: its maker owns it and is in it; names are taken in any letter case', async (t) => {
  const { world, ann, bob } = team();
  t.match(group(world, 'TEAM'), { id: 'g:4', name: 'team', owner: ann, passwordHash: null, memberCount: 2 });
  t.equal(said(world.raw(create('Team'), bob)), 'GROUP_TAKEN');
  t.equal(said(world.raw(create('Lobby'), bob)), 'GROUP_TAKEN', 'the lobby is everyone’s');
  t.equal(said(world.raw(create('x'))), 'AUTH_REQUIRED');
  for (const name of ['', 'a b', 'a|b', '#a', 'ä', 'x'.repeat(33), 'a\n']) {
    t.equal(said(world.raw(create(name), bob)), 'BAD_GROUP_NAME', JSON.stringify(name));
  }
  t.equal(said(world.raw(create('x'.repeat(32)), bob)), 'group-created');
  t.equal(said(world.raw(create('long', 'h'.repeat(513)), bob)), 'BAD_REQUEST');
});

t.test('join-group: a password must have been proven for the credential of now', async (t) => {
  const { world, ann, bob, cy } = team();
  world.raw({ kind: 'set-group-password', name: 'team', passwordHash: 'h1' }, ann);
  const seen = { group: 'g:4', credential: group(world, 'team').credential };
  t.equal(said(world.raw(join('team'), cy)), 'GROUP_PASSWORD_WRONG');
  t.equal(said(world.raw(join('team', { ...seen, group: 'g:5' }), cy)), 'GROUP_PASSWORD_WRONG');
  world.raw({ kind: 'set-group-password', name: 'team', passwordHash: 'h2' }, ann);
  t.equal(said(world.raw(join('team', seen), cy)), 'GROUP_PASSWORD_WRONG', 'the password changed since');
  const now = { group: 'g:4', credential: group(world, 'team').credential };
  t.match(world.raw(join('team', now), cy), {
    result: { receipt: { kind: 'group-joined', group: 'g:4', name: 'team' } },
    events: [{ kind: 'member-joined', account: cy, accountName: 'cy' }],
  });
  t.equal(said(world.raw(join('team', now), cy)), 'ALREADY_MEMBER');
  t.equal(said(world.raw(join('none'), bob)), 'UNKNOWN_GROUP');
});

t.test(
  'join-group: makes the group if none was there, never an open one in place of one that was seen',
  async (t) => {
    const world = new World();
    const ann = world.register('ann');
    const orCreate = { ...join('new'), create: true, passwordHash: 'h' } as const;
    const seen = { group: 'g:1', credential: 1 };
    t.equal(said(world.raw({ ...orCreate, seen, passwordHash: null }, ann)), 'UNKNOWN_GROUP');
    t.equal(said(world.raw(orCreate, ann)), 'group-created');
    t.match(group(world, 'new'), { owner: ann, passwordHash: 'h' });
  },
);

t.test('send: to a group is one record and one entry, for members only', async (t) => {
  const { world, ann, bob, cy } = team();
  world.store();
  const sent = world.raw(textTo('#TEAM', 'hi'), ann);
  t.match(sent.result, { ok: true, receipt: { conversation: 'g:4', sequence: 1, to: null, number: 1 } });
  t.match(sent.events, [{ kind: 'message', toName: '#team', message: { from: ann, to: null } }]);
  const changes = world.machine.takeChanges();
  t.same([...changes.puts.keys()].sort(), ['g/g:4', 'm/g:4/1', 'n/1'], 'no row of another member');
  t.equal(changes.appends.length, 1);
  t.equal(said(world.raw(textTo('#team', 'x'), cy)), 'NOT_A_MEMBER');
  t.equal(said(world.raw(textTo('#none', 'x'), cy)), 'UNKNOWN_GROUP');
  t.equal(said(world.raw({ ...textTo('#team', 'x'), replyTo: 1 }, bob)), 'sent');
  t.equal(said(world.raw({ ...textTo('#team', 'x'), replyTo: 3 }, bob)), 'UNKNOWN_MESSAGE');
});

t.test('send: who writes has read what is above, and unread messages are what is behind', async (t) => {
  const { world, ann, bob } = team();
  for (const text of ['1', '2']) world.raw(textTo('#team', text), ann);
  t.equal(group(world, 'team').read(ann), 2);
  t.equal(group(world, 'team').read(bob), 0);
  world.raw(textTo('#team', '3'), bob);
  t.equal(group(world, 'team').read(bob), 3);
  t.equal(group(world, 'team').delivered(bob), 0, 'another device may still wait for them');
});

t.test('members: who comes later gets nothing pending from before, also after coming again', async (t) => {
  const { world, ann, cy } = team();
  world.raw(textTo('#team', '1'), ann);
  world.raw(join('team'), cy);
  t.match([group(world, 'team').delivered(cy), group(world, 'team').joinedBehind(cy)], [1, 1]);
  world.raw({ kind: 'leave-group', name: 'team' }, cy);
  t.equal(group(world, 'team').includes(cy), false);
  world.raw(textTo('#team', '2'), ann);
  world.raw(join('team'), cy);
  await world.reload();
  t.match([group(world, 'team').delivered(cy), group(world, 'team').joinedBehind(cy)], [2, 2]);
});

t.test('owner: what is hers is nobody else’s', async (t) => {
  const { world, ann, bob, cy } = team();
  const commands: Command[] = [
    { kind: 'rename-group', name: 'team', newName: 'crew' },
    { kind: 'set-group-password', name: 'team', passwordHash: null },
    { kind: 'remove-member', name: 'team', member: 'ann' },
    { kind: 'transfer-group', name: 'team', owner: 'bob' },
    { kind: 'delete-group', name: 'team' },
  ];
  for (const command of commands) {
    t.equal(said(world.raw(command, bob)), 'DENIED', command.kind);
    t.equal(said(world.raw(command, cy)), 'NOT_A_MEMBER', command.kind);
    t.equal(said(world.raw(command)), 'AUTH_REQUIRED', command.kind);
  }
  t.equal(said(world.raw({ kind: 'rename-group', name: 'team', newName: 'TEAM' }, ann)), 'group-changed');
  t.equal(group(world, 'team').name, 'TEAM', 'its own name in other letters');
  world.raw(create('crew'), cy);
  t.equal(said(world.raw({ kind: 'rename-group', name: 'team', newName: 'Crew' }, ann)), 'GROUP_TAKEN');
  t.equal(said(world.raw({ kind: 'remove-member', name: 'team', member: 'ann' }, ann)), 'DENIED');
  t.equal(said(world.raw({ kind: 'remove-member', name: 'team', member: 'cy' }, ann)), 'NOT_A_MEMBER');
  const removed = world.raw({ kind: 'remove-member', name: 'team', member: 'bob' }, ann);
  t.match(removed.events, [{ kind: 'member-left', account: bob, reason: 'removed' }]);
  t.same(membersOf(world, 'team'), [ann]);
});

t.test(
  'owner: the group passes to the longest member, on a restored node too, and goes with the last',
  async (t) => {
    for (const reloads of [false, true]) {
      const { world, ann, bob, cy } = team();
      world.raw(join('team'), cy);
      world.raw({ kind: 'leave-group', name: 'team' }, bob);
      world.raw(join('team'), bob);
      world.raw(textTo('#team', 'stays'), ann);
      if (reloads) await world.reload();
      const { events } = world.raw({ kind: 'delete-account', name: 'ann' }, ann);
      t.same(
        events.map((event) => event.kind),
        ['member-left', 'owner-changed', 'account-deleted'],
      );
      t.equal(group(world, 'team').owner, cy, 'bob came again, and counts from then');
      t.match(world.history('g:4'), [{ from: ann, body: { text: 'stays' } }]);
      t.equal(said(world.raw({ kind: 'transfer-group', name: 'team', owner: 'bob' }, cy)), 'group-changed');
      t.equal(group(world, 'team').owner, bob);
      world.raw({ kind: 'leave-group', name: 'team' }, bob);
      const last = world.raw({ kind: 'leave-group', name: 'team' }, cy);
      t.match(last.events, [{ kind: 'member-left' }, { kind: 'group-deleted', members: new Set([cy]) }]);
      world.store();
      t.equal(world.machine.groupByName('team'), undefined);
      t.notOk(world.streams.has('g:4'));
      t.same(
        [...world.rows.keys()].filter((key) => /^[gm]\//.test(key)),
        [],
      );
    }
  },
);

t.test(
  'delete-group: for everyone, with its messages; its name is free, its id is not used again',
  async (t) => {
    const { world, ann, bob } = team();
    world.raw(textTo('#team', 'x'), ann);
    world.store();
    const { events } = world.raw({ kind: 'delete-group', name: 'team' }, ann);
    t.match(events, [{ kind: 'group-deleted', group: 'g:4', members: new Set([ann, bob]) }]);
    t.equal(world.machine.conversationsOf(bob).length, 0);
    world.store();
    t.notOk(world.streams.has('g:4'));
    world.raw(create('team'), bob);
    t.not(group(world, 'team').id, 'g:4');
  },
);

t.test(
  'announce-group: open, without an owner, kept when empty, and its address is not taken over',
  async (t) => {
    const world = new World();
    const ann = world.register('ann');
    const announce = (port: number, host = '10.0.0.1'): string =>
      said(world.raw({ kind: 'announce-group', name: 'far', address: { host, port } }));
    t.equal(announce(5555), 'group-announced');
    t.equal(announce(5555), 'group-announced', 'again');
    t.equal(announce(5556), 'GROUP_TAKEN');
    t.equal(announce(5555, '10.0.0.2'), 'GROUP_TAKEN');
    world.raw(join('far'), ann);
    world.raw({ kind: 'leave-group', name: 'far' }, ann);
    await world.reload();
    t.match(group(world, 'far'), { owner: null, memberCount: 0, address: { host: '10.0.0.1', port: 5555 } });
    for (const [host, port] of [
      ['', 1],
      ['a b', 1],
      ['h', 0],
      ['h', 65_536],
      ['h'.repeat(254), 1],
    ] as const) {
      const command: Command = { kind: 'announce-group', name: 'other', address: { host, port } };
      t.equal(said(world.raw(command)), 'BAD_REQUEST', `${host}:${port}`);
    }
  },
);

t.test(
  'set-group-listener: a port of its own, one group each, kept through a restart, a new name and the last member',
  async (t) => {
    const { world, ann } = team();
    world.raw({ kind: 'create-group', name: 'other', passwordHash: null }, ann);
    const listen = (name: string, port: number | null, as: number | null = null): string =>
      said(world.raw({ kind: 'set-group-listener', name, port }, as));
    const ports = () => world.machine.groupsWithPort().map(({ name, listenerPort }) => [name, listenerPort]);
    t.equal(listen('team', 5555, ann), 'DENIED', 'it is no account that asks');
    t.equal(listen('nowhere', 5555), 'UNKNOWN_GROUP');
    t.equal(listen('team', 65_536), 'BAD_REQUEST');
    t.same(ports(), []);
    t.equal(listen('team', 5555), 'group-changed');
    t.equal(listen('team', 5555), 'group-changed', 'again');
    t.equal(listen('other', 5555), 'CONFLICT');
    await world.reload();
    t.same(ports(), [['team', 5555]]);
    t.equal(listen('team', 5556), 'group-changed');
    t.equal(listen('other', 5555), 'group-changed', 'it is free');
    t.equal(listen('team', null), 'group-changed');
    world.raw({ kind: 'rename-group', name: 'other', newName: 'renamed' }, ann);
    world.raw({ kind: 'leave-group', name: 'renamed' }, ann);
    await world.reload();
    t.same(ports(), [['renamed', 5555]]);
    world.raw({ kind: 'create-group', name: 'last', passwordHash: null }, ann);
    t.equal(listen('last', 5555), 'CONFLICT');
    t.equal(listen('renamed', null), 'group-changed');
    await world.reload();
    t.same(ports(), []);
  },
);

t.test('set-group-listener: no more ports than every node can hold open', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  const results = Array.from({ length: limits.groupPorts + 1 }, (_, at) => {
    world.raw({ kind: 'create-group', name: `group${at}`, passwordHash: null }, ann);
    return said(world.raw({ kind: 'set-group-listener', name: `group${at}`, port: 5000 + at }));
  });
  t.equal(results.pop(), 'LIMIT_REACHED');
  t.same(new Set(results), new Set(['group-changed']));
});

t.test(
  'lobby: everyone writes, nobody joins, nothing is pending; a read cursor is all that an account has there',
  async (t) => {
    const { world, ann, bob } = team();
    t.equal(world.machine.conversationsOf(bob).length, 1, 'nothing was said in it yet');
    world.store();
    t.match(world.raw(textTo('#Lobby', 'hello'), ann), {
      result: { receipt: { conversation: 'lobby', sequence: 1, to: null } },
      events: [{ toName: '#lobby' }],
    });
    const before = new Set(world.rows.keys());
    world.store();
    t.same(
      [...world.rows.keys()].filter((key) => !before.has(key)),
      ['n/1', 'c/lobby'],
    );
    t.equal(said(world.raw(join('lobby'), bob)), 'ALREADY_MEMBER');
    const lobby = () => world.machine.conversation('lobby');
    t.match([lobby()?.delivered(bob), lobby()?.read(bob), lobby()?.includes(999)], [1, 0, true]);
    const advance = (delivered: number, read: number) =>
      world.raw({
        kind: 'advance-cursors',
        cursors: [{ account: bob, conversation: 'lobby', delivered, read }],
      }).events;
    t.same(advance(1, 0), [], 'nothing to deliver');
    t.same(advance(0, 2), [], 'past the end');
    t.match(advance(0, 1), [{ kind: 'cursor-advanced', advance: { delivered: 0, read: 1 } }]);
    await world.reload();
    t.equal(lobby()?.read(bob), 1);
    world.raw({ kind: 'delete-account', name: 'bob' }, bob);
    world.store();
    t.notOk(world.rows.has(`m/lobby/${bob}`));
    t.match(world.history('lobby'), [{ body: { text: 'hello' } }]);
  },
);

t.test('bounds: groups of an account, members of a group', async (t) => {
  const { world, ann } = team();
  for (let made = 1; made < limits.groupsPerAccount; made++) world.raw(create(`g${made}`), ann);
  t.equal(said(world.raw(create('more'), ann)), 'TOO_MANY_GROUPS');
  world.raw({ kind: 'leave-group', name: 'g1' }, ann);
  t.equal(said(world.raw(create('more'), ann)), 'group-created');
});

t.test('rows: a conversation of the first version is read as it was', async (t) => {
  // Sequence 3, index 9, members 1 and 2, delivered 3 and 2.
  const first = Uint8Array.of(1, 3, 9, 2, 1, 2, 3, 2);
  t.match(decodeConversation('d:1:2', first), {
    lastSequence: 3,
    lastIndex: 9,
    memberships: [
      { account: 1, delivered: 3, read: 0, singles: [] },
      { account: 2, delivered: 2, read: 0, singles: [] },
    ],
  });
});

t.test(
  'property: the members of a group are those who joined and did not leave, in the order of joining',
  async () => {
    const step = fc.record({ who: fc.integer({ min: 0, max: 4 }), joins: fc.boolean(), reloads: fc.nat(9) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world = new World();
        const accounts = ['aa', 'bb', 'cc', 'dd', 'ee'].map((name) => world.register(name));
        const keeper = world.register('keeper');
        world.raw(create('team'), keeper);
        let expected = [keeper];
        for (const { who, joins, reloads } of steps) {
          const account = accounts[who] ?? 0;
          world.raw(joins ? join('team') : { kind: 'leave-group', name: 'team' }, account);
          const without = expected.filter((member) => member !== account);
          if (!joins) expected = without;
          else if (!expected.includes(account)) expected.push(account);
          if (reloads === 0) await world.reload();
        }
        const ordered = world.machine.membersInOrder(group(world, 'team').id);
        const byName = [...expected].sort((a, b) => a - b);
        return (
          JSON.stringify(membersOf(world, 'team')) === JSON.stringify(expected) &&
          JSON.stringify(ordered) === JSON.stringify(byName)
        );
      }),
      { numRuns: 60 },
    );
  },
);

t.test(
  'lobby: who has gone leaves no place behind, nor gets one by a mark that was on its way',
  async (t) => {
    const world = new World();
    const [ann, bob] = ['ann', 'bob'].map((name) => world.register(name));
    world.raw(textTo('#lobby', 'hi'), ann);
    const cursors = [{ account: bob ?? 0, conversation: 'lobby', delivered: 0, read: 1 }];
    world.raw({ kind: 'advance-cursors', cursors });
    t.equal(said(world.raw({ kind: 'delete-account', name: 'bob' }, bob)), 'account-deleted');
    t.equal(said(world.raw({ kind: 'advance-cursors', cursors })), 'cursors-advanced');
    world.store();
    t.same(
      [...world.rows.keys()].filter((key) => key.startsWith('m/')),
      [],
    );
  },
);
