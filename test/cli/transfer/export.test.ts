/** An export and its import: the same state again, whatever the ids. */
import t from 'tap';
import { said, textTo, World } from '../../chat/support/world.ts';
import { exported, importInto } from '../../support/transfer.ts';

/** A bit of everything, with people who are gone. */
function livelyWorld(): World {
  const world = new World();
  const [ann, bob, cat, dan] = ['ann', 'bob', 'cat', 'dan'].map((name) => world.register(name));
  if (ann === undefined || bob === undefined || cat === undefined || dan === undefined)
    throw new Error('four');
  const eve = world.register('eve');
  world.raw({ kind: 'create-group', name: 'team', passwordHash: 'hash' }, ann);
  world.raw({ kind: 'announce-group', name: 'far', address: { host: '10.0.0.1', port: 5555 } });
  world.raw({ kind: 'create-group', name: 'open', passwordHash: null }, bob);
  for (const who of [cat, dan]) {
    const seen = null;
    world.raw({ kind: 'join-group', name: 'open', seen, create: false, passwordHash: null }, who);
    world.raw(
      {
        kind: 'join-group',
        name: 'open',
        seen: { group: world.machine.groupByName('open')?.id ?? '', credential: 1 },
        create: false,
        passwordHash: null,
      },
      who,
    );
  }
  for (let at = 0; at < 5; at++) {
    world.raw(textTo('#open', `to all ${at}`), at % 2 === 0 ? bob : dan);
    world.raw(textTo('bob', `one ${at}`), ann);
    world.raw(textTo('ann', `two ${at}`), bob);
    world.raw(textTo('cat', `from eve ${at}`), eve);
    world.raw(textTo('cat', `from dan ${at}`), dan);
    world.raw(textTo('#lobby', `said ${at}`), cat);
    world.clusterMs += 1_000;
  }
  world.raw({ ...textTo('cat', 'with a receipt'), wantsReceipt: true }, ann);
  world.raw({ ...textTo('bob', 'another'), wantsReceipt: true, replyTo: 1 }, ann);
  const annBob = world.machine.directConversation(ann, bob);
  world.raw({
    kind: 'advance-cursors',
    cursors: [{ account: bob, conversation: annBob, delivered: 5, read: 3 }],
  });
  world.raw({
    kind: 'acknowledge',
    messages: [
      { account: bob, conversation: annBob, sequence: 9 },
      { account: bob, conversation: annBob, sequence: 11 },
    ],
    receipts: [],
  });
  amendSome(world, annBob, dan);
  world.raw({ kind: 'delete-account', name: 'eve' }, eve);
  world.raw({ kind: 'delete-account', name: 'dan' }, dan);
  return world;
}

/** The first message between ann and bob is edited, the second deleted; the first of the group gets reactions. */
function amendSome(world: World, direct: string, dan: number): void {
  const open = world.machine.groupByName('open')?.id ?? '';
  const [first, second] = world.history(direct);
  const [inGroup] = world.history(open);
  if (first === undefined || second === undefined || inGroup === undefined) throw new Error('three messages');
  world.raw({ kind: 'edit-message', message: first, text: 'edited once' }, first.from);
  world.raw({ kind: 'edit-message', message: first, text: 'edited twice' }, first.from);
  world.raw({ kind: 'delete-message', message: second }, second.from);
  for (const account of [inGroup.from, dan]) {
    world.raw({ kind: 'react', message: inGroup, reaction: '👍', present: true }, account);
  }
}

t.test('export: what was amended is in it as it is now, and what was deleted is not', async (t) => {
  const lines = await exported(livelyWorld());
  const text = JSON.stringify(lines);
  t.notMatch(text, /one 0|two 0|edited once/);
  t.match(text, /edited twice/);
  const amended = lines.filter(({ kind }) => kind === 'amended');
  t.match(amended, [
    { conversation: '#open', sequence: 1, deleted: false, editedMs: 0, reactions: [{ reaction: '👍' }] },
    { sequence: 1, deleted: false, editedMs: Number, reactions: [] },
    { sequence: 2, deleted: true, editedMs: 0, reactions: [] },
  ]);
  const reacted = Object(amended[0]).reactions[0].accounts;
  t.equal(reacted[1], 'deleted-1', 'also by somebody who is gone');
  const world = new World();
  await importInto(world, lines);
  const annBob = world.machine.directConversation(
    world.machine.accountByName('ann')?.id ?? 0,
    world.machine.accountByName('bob')?.id ?? 0,
  );
  t.match(world.machine.amended(annBob, 2), { isDeleted: true });
  const [, second] = world.history(annBob);
  if (second === undefined) throw new Error('two messages');
  t.equal(
    said(world.raw({ kind: 'edit-message', message: second, text: 'x' }, second.from)),
    'UNKNOWN_MESSAGE',
  );
});

t.test(
  'export: conversations whose front is gone, and how long groups are kept, are the same after an import',
  async (t) => {
    const world = livelyWorld();
    const owner = world.machine.groupByName('open')?.owner ?? 0;
    const dayMs = 24 * 3_600_000;
    world.raw({ kind: 'set-group-retention', name: 'open', ageMs: 0 }, owner);
    const retain = (): void => {
      for (const conversation of [...world.machine.retentionDue(dayMs, world.clusterMs)]) {
        world.raw({ kind: 'retain', conversation, defaultMs: dayMs });
      }
    };
    retain();
    world.clusterMs += dayMs;
    const cat = world.machine.accountByName('cat')?.id ?? 0;
    world.raw(textTo('#lobby', 'what is left'), cat);
    world.raw(textTo('ann', 'new'), cat);
    retain();
    const before = await exported(world);
    t.notMatch(JSON.stringify(before), /said 0|one 4/);
    t.match(
      before.filter(({ kind, conversation }) => kind === 'kept' && typeof conversation === 'string'),
      [
        { conversation: '#open', ageMs: 0, first: 1 },
        { conversation: '#lobby', ageMs: null, first: 6 },
      ],
    );
    const other = new World();
    const report = await importInto(other, before);
    t.equal(report.refused, 0, JSON.stringify(report));
    t.strictSame(await exported(other), before);
    t.equal(other.machine.conversation('lobby')?.firstSequence, 6);
    await other.reload();
    await importInto(other, before);
    t.strictSame(await exported(other), before, 'a second time it changes nothing');
  },
);

t.test('export: imported into an empty cluster it gives the same export again', async (t) => {
  const before = await exported(livelyWorld());
  t.ok(before.length > 40, 'there is something in it');
  t.ok(before.some(({ kind }) => kind === 'deleted-account'));
  t.ok(before.some(({ kind, due }) => kind === 'receipt' && due === true));
  t.ok(before.some(({ kind, due }) => kind === 'receipt' && due === false));
  const world = new World();
  for (let at = 0; at < 7; at++) world.raw({ kind: 'logout' });
  const report = await importInto(world, before);
  t.equal(report.refused, 0, report.problems.join('; '));
  t.same(await exported(world), before);
});

t.test(
  'export: the import survives a restart, and what was imported goes on like anything else',
  async (t) => {
    const before = await exported(livelyWorld());
    const world = new World();
    await importInto(world, before);
    await world.reload();
    t.same(await exported(world), before);
    const ann = world.machine.accountByName('ann')?.id ?? 0;
    const { result } = world.raw(textTo('bob', 'and on'), ann);
    t.match(result, { ok: true, receipt: { kind: 'sent', sequence: 12, number: 8 } });
  },
);

t.test('export: what a webhook said is said by it again', async (t) => {
  const sent = (await exported(livelyWorld())).map((line) =>
    line.kind === 'message' && line.conversation === '#open'
      ? { ...line, body: { ...Object(line.body), via: 'CI' } }
      : line,
  );
  const world = new World();
  t.equal((await importInto(world, sent)).refused, 0);
  t.same(await exported(world), sent);
});

t.test('export: an import that was interrupted is repeated as a whole and doubles nothing', async (t) => {
  const before = await exported(livelyWorld());
  for (const cut of [3, 10, 30, before.length - 2]) {
    const world = new World();
    await importInto(world, before.slice(0, cut));
    const report = await importInto(world, before);
    t.equal(report.refused, 0, report.problems.join('; '));
    t.same(await exported(world), before, `interrupted after ${cut} lines`);
  }
});

t.test('export: guests are left out as if they had gone, and nothing of others goes with them', async (t) => {
  const world = livelyWorld();
  world.raw({ kind: 'enter-guest', name: 'guest', uuid: '00000000-0000-4000-8000-000000000001' });
  const guest = world.machine.accountByName('guest')?.id ?? 0;
  world.raw({ kind: 'create-group', name: 'theirs', passwordHash: null }, guest);
  const ann = world.machine.accountByName('ann')?.id ?? 0;
  const seen = { group: world.machine.groupByName('theirs')?.id ?? '', credential: 1 };
  const join = { kind: 'join-group', name: 'theirs', seen, create: false, passwordHash: null } as const;
  world.raw(join, ann);
  world.raw(textTo('#theirs', 'among us'), guest);
  world.raw(textTo('ann', 'hi ann'), guest);
  world.raw(textTo('guest', 'hi guest'), ann);
  world.raw(textTo('#lobby', 'hi all'), guest);
  const before = await exported(world);
  const into = new World();
  const report = await importInto(into, before);
  t.equal(report.refused, 0, report.problems.join('; '));
  t.same(await exported(into), before);
  t.equal(into.machine.groupByName('theirs')?.owner, into.machine.accountByName('ann')?.id);
  t.notOk(into.machine.accountByName('guest'));
});

t.test('export: what is taken, unknown or malformed is refused and told, the rest goes in', async (t) => {
  const world = new World();
  world.register('bob');
  const before = await exported(livelyWorld());
  const report = await importInto(world, [...before.slice(0, -1), { kind: 'nonsense', name: 'x' }]);
  t.ok(report.refused > 0);
  t.ok(report.problems.includes('account bob: This name is taken.'), report.problems.join('; '));
  t.ok(report.problems.length <= 20, 'only the first ones are told');
  t.equal(world.machine.accountByName('bob')?.passwordHash, 'hash of bob', 'whose name it was keeps it');
  t.ok(world.machine.accountByName('cat'), 'the others came');
});

t.test(
  'import: a receipt is of a message that is there, and of one that no other receipt is of',
  async (t) => {
    const world = new World();
    const [ann, bob] = [world.register('ann'), world.register('bob')];
    world.raw(textTo('bob', 'one'), ann);
    world.raw(textTo('bob', 'two'), ann);
    const conversation = world.machine.directConversation(ann, bob);
    const receipt = { kind: 'receipt', from: ann, number: 1, to: bob, conversation, sequence: 1 } as const;
    const load = (changed: object): string => {
      const record = { ...receipt, due: false, ...changed };
      return said(world.raw({ kind: 'import', record }));
    };
    t.equal(load({ sequence: 3 }), 'STALE_SEQUENCE');
    t.equal(load({ number: 3 }), 'BAD_REQUEST', 'so many were not sent');
    t.equal(load({}), 'imported');
    t.equal(load({}), 'imported', 'again');
    t.equal(load({ number: 2 }), 'BAD_REQUEST', 'of the same message');
    t.equal(load({ number: 2, sequence: 2 }), 'imported');
    const messages = [2, 1].map((sequence) => ({ account: bob, conversation, sequence }));
    const { events } = world.raw({ kind: 'acknowledge', messages, receipts: [] });
    t.same(
      events.map((event) => (event.kind === 'receipt' ? event.receipt.number : event.kind)),
      [2, 1],
    );
    const receipts = [1, 2].map((number) => ({ account: ann, number }));
    world.raw({ kind: 'acknowledge', messages: [], receipts });
    t.equal(load({}), 'imported');
    t.same(world.machine.allReceiptsOf(ann), [], 'what has come since is waited for no more');
  },
);

t.test('export: only a node imports; no client can', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  const command = {
    kind: 'import',
    record: { kind: 'deleted-account', uuid: '00000000-0000-4000-8000-000000000000' },
  } as const;
  t.match(world.raw(command, ann).result, { ok: false, code: 'DENIED' });
  t.match(world.numbered(1, 1, command).result, { ok: false });
  t.equal(world.machine.accounts().length, 1);
});
