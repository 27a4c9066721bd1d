import fc from 'fast-check';
import t from 'tap';
import { lobbyId } from '../../src/chat/conversations/conversation.ts';
import { ChatMachine } from '../../src/chat/machine.ts';
import type { Command, Proposal } from '../../src/chat/vocabulary/types.ts';
import type { ConversationView } from '../../src/chat/vocabulary/view.ts';
import { inKeyOrder, numbering, textTo, World } from './support/world.ts';

const minute = 60_000;
/** Small, so that a few dozen entries see every kind of expiry. */
const tight = {
  sessions: 4,
  sessionIdleMs: 30 * minute,
  anonymousSessionIdleMs: 5 * minute,
  inFlightPerSession: 6,
  derivedSessions: 2,
  keyedAnswers: 5,
  keyedAnswersPerAccount: 3,
};

/** Accounts 1 and 2 exist from the start; later ones have whatever index they were registered at. */
const names = ['ann', 'bob', 'Cy'];
const account = fc.constantFrom(1, 1, 1, 2, 2, 2, 3, 4, 5);
const session = fc.integer({ min: 1, max: 5 });
const login = fc.record({ kind: fc.constant('login' as const), account, credential: fc.constant(1) });
const send = fc.record({
  kind: fc.constant('send' as const),
  to: fc.constantFrom(...names, ...names, '#team', '#Two', '#lobby', '#none'),
  body: fc.record({ kind: fc.constant('text' as const), text: fc.string({ unit: 'binary' }) }),
  replyTo: fc.constantFrom(null, null, null, 1, 3),
  wantsReceipt: fc.boolean(),
});
const advance = fc.record({
  kind: fc.constant('advance-cursors' as const),
  cursors: fc.array(
    fc.record({
      account,
      conversation: fc.constantFrom('d:1:2', 'd:1:1', 'd:2:2', 'd:1:9', 'g:6', 'lobby'),
      delivered: fc.integer({ min: 0, max: 4 }),
      read: fc.integer({ min: 0, max: 4 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});
const rest: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant('register' as const),
    name: fc.constantFrom(...names, 'x'),
    passwordHash: fc.string(),
  }),
  login,
  fc.record({ kind: fc.constant('logout' as const) }),
  fc.record({ kind: fc.constant('delete-account' as const), name: fc.constantFrom(...names) }),
);
const groupName = fc.constantFrom('team', 'Two', 'team', 'lobby', 'a b');
const groupHash = fc.constantFrom(null, null, 'hash');
const groupCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('create-group' as const), name: groupName, passwordHash: groupHash }),
  fc.record({
    kind: fc.constant('announce-group' as const),
    name: groupName,
    address: fc.record({ host: fc.constantFrom('h', ''), port: fc.constantFrom(1, 99_999) }),
  }),
  fc.record({
    kind: fc.constant('set-group-listener' as const),
    name: groupName,
    port: fc.constantFrom(null, 1, 2),
  }),
  fc.record({
    kind: fc.constant('join-group' as const),
    name: groupName,
    seen: fc.option(fc.record({ group: fc.constant('g:6'), credential: fc.constant(1) })),
    create: fc.boolean(),
    passwordHash: groupHash,
  }),
  fc.record({ kind: fc.constantFrom('leave-group' as const, 'delete-group' as const), name: groupName }),
  fc.record({ kind: fc.constant('rename-group' as const), name: groupName, newName: groupName }),
  fc.record({ kind: fc.constant('set-group-password' as const), name: groupName, passwordHash: groupHash }),
  fc.record({
    kind: fc.constant('remove-member' as const),
    name: groupName,
    member: fc.constantFrom(...names),
  }),
  fc.record({
    kind: fc.constant('transfer-group' as const),
    name: groupName,
    owner: fc.constantFrom(...names),
  }),
);
const acknowledge: fc.Arbitrary<Command> = fc.record({
  kind: fc.constant('acknowledge' as const),
  messages: fc.array(
    fc.record({
      account,
      conversation: fc.constantFrom('d:1:2', 'd:1:2', 'd:1:1', 'g:6', 'lobby'),
      sequence: fc.integer({ min: 0, max: 6 }),
    }),
    { maxLength: 4 },
  ),
  receipts: fc.array(fc.record({ account, number: fc.integer({ min: 0, max: 6 }) }), { maxLength: 2 }),
});

function asProposal(session: number, sequence: number, back: number, command: Command): Proposal {
  return { numbering: numbering(session, sequence, Math.max(1, sequence - back)), actor: null, command };
}

const derive: fc.Arbitrary<Command> = fc.integer({ min: 11, max: 14 }).map((child) => {
  const { session: id, secretHash } = numbering(child, 1);
  return { kind: 'derive-session', session: id, secretHash };
});

/** Over HTTP, with a key or without. */
function asked(id: number, by: number, key: string | null, command: Command): Proposal {
  const actor = { account: by, session: numbering(id, 1).session };
  return { numbering: null, actor, command: { kind: 'asked', key, command } };
}

const sequence = fc.integer({ min: 2, max: 12 });
const proposal: fc.Arbitrary<Proposal> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(session, login).map(([id, command]) => asProposal(id, 1, 0, command)) },
  {
    weight: 8,
    arbitrary: fc
      .tuple(session, sequence, fc.integer({ min: 0, max: 8 }), send)
      .map(([id, number, back, command]) => asProposal(id, number, back, command)),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom(1, 2, 3, 11, 12),
        fc.constantFrom(1, 2),
        fc.constantFrom(null, 'k1', 'k2', 'k3', 'k4'),
        fc.oneof(derive, derive, send, send, rest, groupCommand),
      )
      .map((parts) => asked(...parts)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(11, 12, 13), sequence, send)
      .map(([id, number, command]) => asProposal(id, number, 8, command)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(session, fc.integer({ min: 1, max: 12 }), fc.oneof(rest, groupCommand))
      .map(([id, number, command]) => asProposal(id, number, 2, command)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(1, 2, 3), groupCommand)
      .map(([id, command]) => ({ numbering: null, actor: { account: id, session: null }, command })),
  },
  {
    weight: 2,
    arbitrary: fc.oneof(advance, acknowledge).map((command) => ({ numbering: null, actor: null, command })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(account, fc.oneof(send, send, rest))
      .map(([id, command]) => ({ numbering: null, actor: { account: id, session: null }, command })),
  },
);
const entry = fc.record({
  proposal,
  pauseMs: fc.constantFrom(0, 0, 0, 0, 0, 1, 999, minute, minute, 2 * minute, 4 * minute, 12 * minute),
  /** What happens to the second node behind the entry. */
  afterwards: fc.constantFrom('nothing', 'nothing', 'store', 'reload'),
});

function inhabited(): World {
  const world = new World({ ...tight, sessions: 8, sessionsPerAccount: 2 });
  world.register('ann');
  world.register('bob');
  for (const id of [1, 2, 3]) world.numbered(id, 1, { kind: 'login', account: 1 + (id % 2), credential: 1 });
  world.raw({ kind: 'create-group', name: 'team', passwordHash: null }, 1);
  return world;
}

t.test(
  'property: a node restored from stored rows at any point goes on exactly like one that never stopped',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { minLength: 30, maxLength: 60 }), async (entries) => {
        const steady = inhabited();
        const restarted = inhabited();
        for (const { proposal, pauseMs, afterwards } of entries) {
          for (const world of [steady, restarted]) world.clusterMs += pauseMs;
          const expected = steady.apply(proposal);
          const answer = restarted.apply(proposal);
          if (JSON.stringify(answer) !== JSON.stringify(expected)) return false;
          if (afterwards === 'store') restarted.store();
          if (afterwards === 'reload') await restarted.reload();
        }
        steady.store();
        restarted.store();
        return (
          steady.machine.digest() === restarted.machine.digest() &&
          sameEntries(steady.rows, restarted.rows) &&
          sameEntries(steady.streams, restarted.streams) &&
          JSON.stringify(steady.machine.accounts()) === JSON.stringify(restarted.machine.accounts())
        );
      }),
      { numRuns: 200 },
    );
  },
);

t.test(
  'property: sequences of a conversation have no gaps, and what a view shows is consistent',
  async () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 30, maxLength: 60 }), (entries) => {
        const world = inhabited();
        const last = new Map<string, number>();
        for (const { proposal, pauseMs } of entries) {
          world.clusterMs += pauseMs;
          for (const event of world.apply(proposal).events) {
            if (event.kind !== 'message') continue;
            const { conversation, sequence, index } = event.message;
            if (sequence !== (last.get(conversation) ?? 0) + 1 || index !== world.index) return false;
            last.set(conversation, sequence);
          }
        }
        // Throws on a gap, as a real store would refuse it.
        world.store();
        return [...world.streams].every(([id, records]) => {
          const view = world.machine.conversation(id);
          return (
            view !== undefined &&
            view.lastSequence === records.length &&
            (id === lobbyId || membersOf(view).length > 0) &&
            membersOf(view).every(
              (member) =>
                world.machine.accountById(member) !== undefined &&
                view.delivered(member) <= view.lastSequence &&
                world.machine.conversationsOf(member).some((own) => own.id === id),
            )
          );
        });
      }),
      { numRuns: 150 },
    );
  },
);

t.test('property: no bytes make apply throw', async () => {
  const world = new World(tight);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      world.applyBytes(bytes);
      world.applyBytes(Uint8Array.of(1, ...bytes));
    }),
    { numRuns: 500 },
  );
});

t.test(
  'changes: a row is written once for many entries, and a key is put or deleted, never both',
  async (t) => {
    const world = new World();
    const ann = world.register('ann');
    world.raw(textTo('ann', 'a'), ann);
    world.raw(textTo('ann', 'b'), ann);
    const changes = world.machine.takeChanges();
    t.same([...changes.puts.keys()].sort(), ['a/1', 'c/d:1:1', 'n/1']);
    t.same(
      changes.appends.map((append) => [append.stream, append.sequence]),
      [
        ['d:1:1', 1],
        ['d:1:1', 2],
      ],
    );
    t.equal(world.machine.takeChanges().puts.size, 0, 'taken is taken');
    world.raw(textTo('ann', 'c'), ann);
    world.raw({ kind: 'delete-account', name: 'ann' }, ann);
    const gone = world.machine.takeChanges();
    t.same([...gone.deletes].sort(), ['a/1', 'c/d:1:1', 'n/1']);
    t.same([gone.puts.size, gone.appends.length, gone.dropStreams], [0, 0, ['d:1:1']]);
  },
);

t.test(
  'load: damage and rows of a newer version are refused by key, and nothing is half loaded',
  async (t) => {
    const world = new World();
    const ann = world.register('ann');
    world.raw(textTo('ann', 'a'), ann);
    world.numbered(1, 1, { kind: 'login', account: ann, credential: 1 });
    world.register('bob');
    world.raw({ ...textTo('bob', 'b'), wantsReceipt: true }, ann);
    world.raw({ kind: 'create-group', name: 'team', passwordHash: 'h' }, ann);
    world.raw({ kind: 'announce-group', name: 'far', address: { host: 'h', port: 1 } });
    world.raw(textTo('#lobby', 'c'), ann);
    world.store();
    for (const [key, value] of world.rows) {
      for (const bad of [
        value.slice(0, -1),
        Uint8Array.of(...value, 0),
        Uint8Array.of(9, ...value.slice(1)),
      ]) {
        const machine = new ChatMachine();
        const rows = new Map(world.rows).set(key, bad);
        await t.rejects(machine.load(inKeyOrder(rows)), { code: 'DATA_DAMAGED', message: new RegExp(key) });
        t.equal(machine.accounts().length + machine.takeChanges().puts.size, 0);
      }
    }
    const orphaned = new Map(world.rows);
    const group = [...orphaned.keys()].find(
      (key) => key.startsWith('g/') && orphaned.has(`m/${key.slice(2)}/1`),
    );
    orphaned.delete(group ?? '');
    await t.rejects(new ChatMachine().load(inKeyOrder(orphaned)), { code: 'DATA_DAMAGED', message: /m\/g:/ });
    const unknown = new Map(world.rows).set('z/team', Uint8Array.of(1));
    await t.rejects(new ChatMachine().load(inKeyOrder(unknown)), {
      code: 'DATA_DAMAGED',
      message: /z\/team/,
    });
  },
);

t.test('load: replaces what was there', async (t) => {
  const world = new World();
  world.register('ann');
  await world.reload();
  const other = new World();
  other.register('bob');
  await other.machine.load(inKeyOrder(world.rows));
  t.equal(other.machine.digest(), world.machine.digest());
  t.equal(other.machine.accountByName('bob'), undefined);
  t.equal(other.machine.takeChanges().puts.size, 0, 'what was loaded is stored already');
});

t.test('load: the time goes on from the newest entry', async (t) => {
  const world = new World();
  world.register('ann');
  world.clusterMs = 90_000;
  world.register('bob');
  await world.reload();
  t.equal(world.machine.clusterMs, 90_000);
});

t.test('load: the order of use survives, also of sessions that logged in late', async (t) => {
  const ended = async (reload: boolean) => {
    const world = new World({ ...tight, sessions: 2 });
    const ann = world.register('ann');
    world.numbered(1, 1, { kind: 'register', name: 'bob', passwordHash: 'h' });
    world.numbered(2, 1, { kind: 'login', account: ann, credential: 1 });
    world.numbered(1, 2, { kind: 'login', account: ann, credential: 1 });
    if (reload) await world.reload();
    world.numbered(3, 1, { kind: 'login', account: ann, credential: 1 });
    return world.raw({ kind: 'logout' }).events;
  };
  const events = await ended(false);
  t.same(events, [{ kind: 'session-ended', session: numbering(2, 1).session }]);
  t.same(await ended(true), events);
});

t.test('digest: differs when anything differs', async (t) => {
  const seen = new Set<string>();
  const world = new World();
  const ann = world.register('ann');
  for (const step of [
    () => world.register('bob'),
    () => world.raw(textTo('bob', 'x'), ann),
    () => world.numbered(1, 1, { kind: 'login', account: ann, credential: 1 }),
    () => world.numbered(1, 2, textTo('nobody', 'x')),
    () =>
      world.raw({
        kind: 'advance-cursors',
        cursors: [{ account: 2, conversation: 'd:1:2', delivered: 1, read: 0 }],
      }),
    () => world.numbered(1, 3, { kind: 'logout' }),
    () => world.raw({ kind: 'delete-account', name: 'ann' }, ann),
  ]) {
    seen.add(world.machine.digest());
    step();
    seen.add(world.machine.digest());
  }
  t.equal(seen.size, 8);
});

function membersOf(view: ConversationView): readonly number[] {
  if (view.kind === 'lobby') return [];
  return view.kind === 'group' ? [...view.members()] : view.members;
}

function sameEntries(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  const text = (map: ReadonlyMap<string, unknown>) =>
    JSON.stringify(
      [...map].sort(([x], [y]) => (x < y ? -1 : 1)).map(([key, value]) => [key, bytesOf(value)]),
    );
  return text(a) === text(b);
}

function bytesOf(value: unknown): unknown {
  return Array.isArray(value) ? value.map(bytesOf) : value instanceof Uint8Array ? [...value] : value;
}
