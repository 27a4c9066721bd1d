/** Requests over HTTP, as the state sees them: of a session that must live, once for each key; and sessions derived from others. */
import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import type { AccountId, Command } from '../../../src/chat/vocabulary/types.ts';
import { type Answer, numbering, said, sessionId, textTo, World } from '../support/world.ts';

/** A world in which `name` has logged in with session `number`. */
function login(world: World, number: number, account: AccountId): void {
  const answer = world.numbered(number, 1, { kind: 'login', account, credential: 1 });
  if (!answer.result.ok) throw new Error(answer.result.code);
}

function ask(
  world: World,
  number: number,
  account: AccountId,
  command: Command,
  key: string | null = null,
): Answer {
  const actor = { account, session: sessionId(number) };
  return world.apply({ numbering: null, actor, command: { kind: 'asked', key, command } });
}

function derive(world: World, parent: number, account: AccountId, child: number): Answer {
  const { session, secretHash } = numbering(child, 1);
  return ask(world, parent, account, { kind: 'derive-session', session, secretHash });
}

function ended({ events }: Answer): readonly string[] {
  return events.flatMap((event) => (event.kind === 'session-ended' ? [event.session] : []));
}

t.test(
  'asked: a key makes a request one, for any session of the account, also after a restart',
  async (t) => {
    const world = new World();
    const ann = world.register('ann');
    login(world, 1, ann);
    login(world, 2, ann);
    const first = ask(world, 1, ann, textTo('ann', 'hi'), 'k1');
    t.equal(said(first), 'sent');
    const again = ask(world, 2, ann, textTo('ann', 'hi'), 'k1');
    t.strictSame(again.result, first.result);
    t.strictSame(again.events, []);
    await world.reload();
    t.strictSame(ask(world, 1, ann, textTo('ann', 'hi'), 'k1').result, first.result);
    t.equal(said(ask(world, 1, ann, textTo('ann', 'other'), 'k1')), 'CONFLICT');
    t.equal(said(ask(world, 1, ann, textTo('nobody', 'x'), 'k2')), 'UNKNOWN_USER');
    world.register('nobody');
    t.equal(
      said(ask(world, 1, ann, textTo('nobody', 'x'), 'k2')),
      'UNKNOWN_USER',
      'a rejection is an answer',
    );
    t.equal(world.history(`d:${ann}:${ann}`).length, 1);
  },
);

t.test('asked: another account has its own keys', async (t) => {
  const world = new World();
  const [ann, bob] = [world.register('ann'), world.register('bob')];
  login(world, 1, ann);
  login(world, 2, bob);
  t.equal(said(ask(world, 1, ann, textTo('bob', 'hi'), 'k')), 'sent');
  t.equal(said(ask(world, 2, bob, textTo('ann', 'ho'), 'k')), 'sent');
});

t.test(
  'asked: answers go after their time, in order, and none before it, however many there are',
  async (t) => {
    const world = new World({ keyedAnswers: 3, keyedAnswersPerAccount: 2 });
    const [ann, bob] = [world.register('ann'), world.register('bob')];
    login(world, 1, ann);
    login(world, 2, bob);
    const send = (session: number, account: AccountId, key: string) =>
      said(ask(world, session, account, textTo('bob', key), key));
    t.strictSame(
      ['a', 'b', 'c'].map((key) => send(1, ann, key)),
      ['sent', 'sent', 'TOO_MANY_IN_FLIGHT'],
    );
    t.strictSame(
      ['a', 'b'].map((key) => send(2, bob, key)),
      ['sent', 'LIMIT_REACHED'],
    );
    t.equal(said(ask(world, 1, ann, textTo('bob', 'x'))), 'sent', 'without a key there is no such bound');
    await world.reload();
    t.strictSame(
      ['a', 'c'].map((key) => send(1, ann, key)),
      ['sent', 'TOO_MANY_IN_FLIGHT'],
    );
    world.clusterMs += limits.keyedAnswerMs;
    t.strictSame(
      ['a', 'c'].map((key) => send(1, ann, key)),
      ['sent', 'sent'],
    );
    t.equal(world.history(`d:${ann}:${bob}`).length, 5, 'a was sent again, once');
    world.store();
    t.equal([...world.rows.keys()].filter((key) => key.startsWith('k/')).length, 2);
  },
);

t.test('asked: a session that has ended, is another’s, or never was asks nothing', (t) => {
  const world = new World();
  const [ann, bob] = [world.register('ann'), world.register('bob')];
  login(world, 1, ann);
  t.equal(said(ask(world, 1, bob, textTo('ann', 'x'))), 'AUTH_REQUIRED');
  t.equal(said(ask(world, 9, ann, textTo('ann', 'x'))), 'AUTH_REQUIRED');
  const nobody = { kind: 'asked', key: null, command: textTo('ann', 'x') } as const;
  t.equal(said(world.apply({ numbering: null, actor: null, command: nobody })), 'AUTH_REQUIRED');
  t.equal(said(ask(world, 1, ann, { kind: 'logout' }, 'k')), 'logged-out');
  t.equal(said(ask(world, 1, ann, textTo('ann', 'x'))), 'AUTH_REQUIRED');
  world.clusterMs += limits.sessionIdleMs + 120_000;
  login(world, 2, ann);
  world.clusterMs += limits.sessionIdleMs + 120_000;
  t.equal(said(ask(world, 2, ann, textTo('ann', 'x'))), 'AUTH_REQUIRED', 'expired');
  t.end();
});

t.test('asked: nothing of an account that is deleted is kept', (t) => {
  const world = new World();
  const ann = world.register('ann');
  login(world, 1, ann);
  ask(world, 1, ann, textTo('ann', 'x'), 'k1');
  t.equal(said(ask(world, 1, ann, { kind: 'delete-account', name: 'ann' }, 'k2')), 'account-deleted');
  world.store();
  t.notOk([...world.rows.keys()].some((key) => key.startsWith('k/')));
  t.end();
});

t.test('derived: it ends with its parent, however that ends, also after a restart', async (t) => {
  const ends: Readonly<Record<string, (world: World, ann: AccountId) => Answer>> = {
    'a log-out': (world, ann) => ask(world, 1, ann, { kind: 'logout' }),
    'a deletion': (world, ann) => ask(world, 1, ann, { kind: 'delete-account', name: 'ann' }),
    'a login that replaces it': (world, ann) => {
      const previous = numbering(1, 1);
      return world.numbered(5, 1, { kind: 'login', account: ann, credential: 1, previous });
    },
    'the time of its parent': (world, ann) => {
      world.clusterMs += limits.sessionAbsoluteMs;
      return world.raw({ kind: 'logout' }, ann);
    },
  };
  for (const [how, end] of Object.entries(ends)) {
    const world = new World();
    const ann = world.register('ann');
    login(world, 1, ann);
    t.equal(said(derive(world, 1, ann, 2)), 'session-derived');
    t.equal(said(world.numbered(2, 1, textTo('ann', 'x'))), 'sent');
    await world.reload();
    t.strictSame(ended(end(world, ann)), [sessionId(1), sessionId(2)], how);
    t.not(said(world.numbered(2, 2, textTo('ann', 'x'))), 'sent');
  }
});

t.test(
  'derived: by the same names again it is the same; nothing is derived from it, and none is taken over',
  (t) => {
    const world = new World();
    const [ann, bob] = [world.register('ann'), world.register('bob')];
    login(world, 1, ann);
    login(world, 3, bob);
    t.equal(said(derive(world, 1, ann, 2)), 'session-derived');
    t.equal(said(derive(world, 1, ann, 2)), 'session-derived');
    t.equal(said(derive(world, 3, bob, 2)), 'CONFLICT');
    t.equal(said(derive(world, 3, bob, 1)), 'CONFLICT');
    t.equal(said(derive(world, 2, ann, 4)), 'DENIED');
    t.equal(
      said(ask(world, 1, ann, { kind: 'derive-session', session: 'x', secretHash: 'y' })),
      'BAD_REQUEST',
    );
    t.equal(said(world.raw({ kind: 'derive-session', session: 'x', secretHash: 'y' }, ann)), 'AUTH_REQUIRED');
    t.end();
  },
);

t.test('derived: a password that a tab changes leaves the tab and its page, and ends the others', (t) => {
  const world = new World();
  const ann = world.register('ann');
  login(world, 1, ann);
  login(world, 4, ann);
  derive(world, 1, ann, 2);
  derive(world, 1, ann, 3);
  const change = { kind: 'change-password', credential: 1, passwordHash: 'new' } as const;
  t.strictSame([...ended(world.numbered(2, 1, change))].sort(), [sessionId(3), sessionId(4)]);
  t.equal(said(world.numbered(2, 2, textTo('ann', 'x'))), 'sent');
  t.end();
});

t.test(
  'derived: one too many takes the place of the least recently used, and keeps its parent in use',
  (t) => {
    const world = new World({ derivedSessions: 2 });
    const ann = world.register('ann');
    login(world, 1, ann);
    derive(world, 1, ann, 2);
    derive(world, 1, ann, 3);
    world.clusterMs += limits.sessionIdleMs / 2;
    t.equal(said(world.numbered(2, 1, textTo('ann', 'x'))), 'sent');
    t.strictSame(ended(derive(world, 1, ann, 4)), [sessionId(3)]);
    world.clusterMs += limits.sessionIdleMs / 2;
    t.equal(said(world.numbered(2, 2, textTo('ann', 'x'))), 'sent');
    world.clusterMs += limits.sessionIdleMs / 2;
    t.equal(said(world.numbered(2, 3, textTo('ann', 'x'))), 'sent', 'its parent is as used as it is');
    t.end();
  },
);

t.test('sessions: of too many of one account the least recently used ends, and its own go on', (t) => {
  const world = new World({ sessionsPerAccount: 2 });
  const [ann, bob] = [world.register('ann'), world.register('bob')];
  login(world, 9, bob);
  for (const number of [1, 2]) login(world, number, ann);
  derive(world, 1, ann, 11);
  world.clusterMs += 120_000;
  world.numbered(1, 2, textTo('ann', 'x'));
  const third = world.numbered(3, 1, { kind: 'login', account: ann, credential: 1 });
  t.strictSame(ended(third), [sessionId(2)], 'tabs do not count, nor do the sessions of others');
  t.end();
});
