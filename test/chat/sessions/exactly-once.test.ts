import fc from 'fast-check';
import t from 'tap';
import type { Command, Result } from '../../../src/chat/vocabulary/types.ts';
import { numbering, said, sessionId, textTo, World } from '../support/world.ts';

const register = (name: string, passwordHash = 'h'): Command => ({ kind: 'register', name, passwordHash });
const login = (account: number, credential = 1): Command => ({ kind: 'login', account, credential });
const send = (text: string, to = 'ann'): Command => textTo(to, text);

function loggedIn(bounds = {}): World {
  const world = new World(bounds);
  world.numbered(1, 1, register('ann'));
  world.numbered(1, 2, login(1));
  return world;
}

t.test('session: opens with request 1, a registration or a login, and nothing else', async (t) => {
  const world = new World();
  t.equal(said(world.numbered(1, 1, send('x'))), 'SESSION_EXPIRED');
  t.equal(said(world.numbered(1, 2, register('ann'))), 'SESSION_EXPIRED', 'request 2 comes after request 1');
  t.equal(said(world.numbered(1, 1, { kind: 'logout' })), 'SESSION_EXPIRED');
  t.equal(world.machine.accounts().length, 0);
  t.equal(said(world.numbered(1, 1, register('?'))), 'BAD_NAME', 'a refused registration opens it too');
  t.match(world.machine.session(sessionId(1)), { account: null, highest: 1 });
});

t.test('session: ids and hashes are what a client library makes, nothing else becomes a key', async (t) => {
  const world = new World();
  const good = numbering(1, 1);
  for (const bad of [
    { ...good, session: 'x' },
    { ...good, session: sessionId(1).toUpperCase().replace('0', 'A') },
    { ...good, session: `${sessionId(1)}0` },
    { ...good, secretHash: 'short' },
    { ...good, lowest: 2 },
    { ...good, sequence: 0, lowest: 0 },
  ]) {
    t.equal(said(world.apply({ numbering: bad, actor: null, command: register('ann') })), 'BAD_REQUEST');
  }
  world.store();
  t.equal(world.rows.size, 0);
});

t.test('session: without its secret it does not exist', async (t) => {
  const world = loggedIn();
  const thief = { ...numbering(1, 3), secretHash: 'f'.repeat(64) };
  const stolen = (command: Command) => said(world.apply({ numbering: thief, actor: null, command }));
  t.equal(stolen(send('x')), 'SESSION_EXPIRED');
  t.equal(
    said(world.apply({ numbering: { ...thief, sequence: 2 }, actor: null, command: login(1) })),
    'SESSION_EXPIRED',
  );
  t.equal(said(world.numbered(1, 3, send('x'))), 'sent', 'and the attempt used up no number');
});

t.test('retry: the first answer again, without effect or event, whatever happened since', async (t) => {
  const world = loggedIn();
  const first = world.numbered(1, 3, send('once'));
  world.numbered(1, 4, send('other'));
  const again = world.numbered(1, 3, send('once'));
  t.same(again.result, first.result);
  t.same(again.events, []);
  t.equal(world.history('d:1:1').length, 2);
  const refused = world.numbered(1, 5, send('x', 'bob'));
  t.equal(said(refused), 'UNKNOWN_USER');
  world.register('bob');
  t.equal(said(world.numbered(1, 5, send('x', 'bob'))), 'UNKNOWN_USER', 'a rejection is an answer as well');
});

t.test('retry: another body under the same number is a conflict; secrets are no part of it', async (t) => {
  const world = new World();
  world.numbered(1, 1, register('ann', 'salted one way'));
  t.equal(said(world.numbered(1, 1, register('ann', 'salted another way'))), 'registered');
  t.equal(said(world.numbered(1, 1, register('Ann'))), 'CONFLICT');
  t.equal(said(world.numbered(1, 2, login(1, 1))), 'logged-in');
  t.equal(said(world.numbered(1, 2, login(1, 7))), 'logged-in', 'another hash of the same account');
  t.equal(said(world.numbered(1, 2, login(2, 1))), 'CONFLICT');
  t.equal(said(world.numbered(1, 2, { kind: 'logout' })), 'CONFLICT');
  world.numbered(1, 3, send('a', 'ann'));
  for (const command of [send('b'), send('a', 'ANN'), send('', 'anna'), { kind: 'logout' } as const]) {
    t.equal(said(world.numbered(1, 3, command)), 'CONFLICT');
  }
  t.equal(said(world.numbered(1, 3, send('a'))), 'sent', 'a conflict leaves the first answer alone');
});

t.test('retry: of the logout or the deletion that ended the session, too', async (t) => {
  const world = loggedIn();
  world.numbered(1, 3, send('in flight beside it'));
  world.numbered(1, 4, { kind: 'logout' });
  const late = world.numbered(1, 4, { kind: 'logout' });
  t.equal(said(late), 'logged-out');
  t.same(late.events, []);
  t.equal(said(world.numbered(1, 3, send('in flight beside it'))), 'sent');
  t.equal(said(world.numbered(1, 5, send('new'))), 'SESSION_EXPIRED');
  t.equal(said(world.numbered(1, 4, send('another'))), 'CONFLICT');
  world.numbered(2, 1, login(1));
  world.numbered(2, 2, { kind: 'delete-account', name: 'ann' });
  t.equal(said(world.numbered(2, 2, { kind: 'delete-account', name: 'ann' })), 'account-deleted');
  t.equal(said(world.numbered(2, 3, register('ann'))), 'SESSION_EXPIRED', 'an ended session does not revive');
  t.equal(said(world.numbered(2, 1, login(1))), 'logged-in', 'the old answer, not a new login');
  t.equal(world.machine.session(sessionId(2)), undefined);
});

t.test(
  'retry: a late registration does not bring back an account that was deleted from elsewhere',
  async (t) => {
    const world = loggedIn();
    world.numbered(2, 1, login(1));
    world.numbered(2, 2, { kind: 'delete-account', name: 'ann' });
    await world.reload();
    t.equal(said(world.numbered(1, 1, register('ann'))), 'registered', 'the first answer');
    t.equal(said(world.numbered(1, 3, register('ann'))), 'SESSION_EXPIRED');
    t.equal(world.machine.accounts().length, 0);
  },
);

t.test('window: numbers may come in any order and with gaps, up to the bound', async (t) => {
  const world = loggedIn({ inFlightPerSession: 4 });
  for (const sequence of [6, 4, 3]) t.equal(said(world.numbered(1, sequence, send('x'), 3)), 'sent');
  t.equal(said(world.numbered(1, 7, send('x'), 3)), 'TOO_MANY_IN_FLIGHT');
  t.equal(said(world.numbered(1, 5, send('x'), 3)), 'sent');
  t.equal(said(world.numbered(1, 7, send('x'), 4)), 'sent', 'the refusal used up no number');
  t.equal(said(world.numbered(1, 3, send('x'), 3)), 'STALE_SEQUENCE', 'it was acknowledged and forgotten');
  t.equal(said(world.numbered(1, 4, send('y'), 4)), 'CONFLICT');
  t.equal(said(world.numbered(1, 1e15, send('x'), 1e15)), 'sent', 'a leap drops all that is below it');
  t.equal(said(world.numbered(1, 7, send('x'), 7)), 'STALE_SEQUENCE');
  t.equal(world.machine.session(sessionId(1))?.highest, 1e15);
});

t.test('window: a session acts as the account it is bound to, whatever the gateway attached', async (t) => {
  const world = loggedIn();
  const bob = world.register('bob');
  const claim = { account: bob, session: sessionId(1) };
  const sent = world.apply({ numbering: numbering(1, 3), actor: claim, command: send('x', 'bob') });
  t.match(sent.events, [{ message: { from: 1, to: bob } }]);
  t.equal(
    said(
      world.apply({
        numbering: numbering(1, 4),
        actor: claim,
        command: { kind: 'delete-account', name: 'bob' },
      }),
    ),
    'DENIED',
  );
  const cursors = [{ account: bob, conversation: `d:1:${bob}`, delivered: 1, read: 0 }];
  t.equal(said(world.numbered(1, 5, { kind: 'advance-cursors', cursors })), 'DENIED');
});

const minute = 60_000;

t.test('expiry: an idle session ends by cluster time, a used one does not', async (t) => {
  const world = loggedIn({ sessionIdleMs: 60 * minute, anonymousSessionIdleMs: 10 * minute });
  world.numbered(2, 1, login(1));
  world.numbered(3, 1, register('bob'));
  const events = [];
  for (; world.clusterMs < 61 * minute; world.clusterMs += minute) {
    const { events: some } = world.numbered(1, world.index, send('tick'), world.index);
    for (const event of some)
      if (event.kind === 'session-ended') events.push(`${world.clusterMs / minute} ${event.session}`);
  }
  t.same(events, [`11 ${sessionId(3)}`], 'within its idle time and the minute in which use is noted');
  world.clusterMs = 62 * minute;
  t.same(world.raw({ kind: 'logout' }).events, [{ kind: 'session-ended', session: sessionId(2) }]);
  t.equal(said(world.numbered(2, 2, send('x'))), 'SESSION_EXPIRED');
  t.equal(said(world.numbered(1, world.index, send('x'), world.index)), 'sent');
});

t.test('expiry: what is due is refused even while much else is still to be cleared away', async (t) => {
  const world = loggedIn();
  for (let session = 2; session < 60; session++) world.numbered(session, 1, login(1));
  world.clusterMs = 31 * 24 * 60 * minute;
  const { result, events } = world.numbered(59, 2, send('x'));
  t.match(result, { code: 'SESSION_EXPIRED' });
  t.equal(events.length, 16, 'a bounded share of work for each entry');
  let more = 0;
  for (let entry = 0; entry < 4; entry++) more += world.raw({ kind: 'logout' }).events.length;
  t.equal(more, 59 - 16);
  t.equal(said(world.numbered(59, 1, login(1))), 'logged-in', 'the id may begin anew');
});

t.test(
  'expiry: by number the ended go first, then the anonymous, then the least recently used',
  async (t) => {
    const world = loggedIn({ sessions: 4 });
    const alive = () =>
      [1, 2, 3, 4, 5, 6, 7, 8].filter((n) => world.machine.session(sessionId(n)) !== undefined);
    world.numbered(2, 1, login(1));
    world.numbered(3, 1, register('bob'));
    world.numbered(2, 2, { kind: 'logout' });
    world.numbered(4, 1, login(1));
    t.same(alive(), [1, 3, 4]);
    t.equal(said(world.numbered(2, 2, { kind: 'logout' })), 'logged-out', 'its tombstone is there');
    world.numbered(5, 1, login(1));
    world.raw({ kind: 'logout' });
    t.equal(said(world.numbered(2, 2, { kind: 'logout' })), 'SESSION_EXPIRED', 'and went first');
    world.numbered(6, 1, login(1));
    t.same(world.raw({ kind: 'logout' }).events, [{ kind: 'session-ended', session: sessionId(3) }]);
    world.clusterMs = 2 * minute;
    world.numbered(1, 3, send('still here'));
    world.numbered(7, 1, login(1));
    world.raw({ kind: 'logout' });
    t.same(alive(), [1, 5, 6, 7], 'session 4 was used less recently than session 1');
  },
);

/** What a client may do with a few sessions, including everything that goes wrong on the way. */
const step = fc.record({
  session: fc.integer({ min: 1, max: 3 }),
  sequence: fc.integer({ min: 1, max: 9 }),
  back: fc.integer({ min: 0, max: 8 }),
  command: fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(register('ann'), register('bob'), register('?')) },
    { weight: 2, arbitrary: fc.constantFrom(login(1), login(2), login(1, 3)) },
    { weight: 6, arbitrary: fc.constantFrom(send('a'), send('b'), send('a', 'bob'), send('')) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Command>({ kind: 'logout' }, { kind: 'delete-account', name: 'ann' }),
    },
  ),
});

t.test('property: whatever is retried, in whatever order, each request takes effect once', async () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), (steps) => {
      const world = new World();
      world.register('zoe');
      const first = new Map<string, { readonly result: Result; readonly body: string }>();
      const floors = new Map<number, number>();
      let sent = 0;
      let messages = 0;
      for (const { session, sequence, back, command } of steps) {
        const lowest = Math.max(1, sequence - back);
        const answer = world.numbered(session, sequence, command, lowest);
        const key = `${session}/${sequence}`;
        const known = first.get(key);
        messages += answer.events.filter((event) => event.kind === 'message').length;
        const refused = ['SESSION_EXPIRED', 'STALE_SEQUENCE', 'TOO_MANY_IN_FLIGHT'].includes(said(answer));
        if (
          known !== undefined &&
          sequence >= (floors.get(session) ?? 1) &&
          said(answer) !== 'SESSION_EXPIRED'
        ) {
          const body = JSON.stringify({ ...command, credential: 0 });
          const right = known.body === body ? same(answer.result, known.result) : said(answer) === 'CONFLICT';
          if (!right || answer.events.length > 0) return false;
        } else if (known !== undefined && !refused) {
          return false;
        } else if (known === undefined && !refused) {
          first.set(key, { result: answer.result, body: JSON.stringify({ ...command, credential: 0 }) });
          if (said(answer) === 'sent') sent++;
          floors.set(session, Math.max(floors.get(session) ?? 1, lowest));
        } else if (said(answer) === 'STALE_SEQUENCE' && sequence >= (floors.get(session) ?? 1)) {
          return false;
        }
      }
      return sent === messages;
    }),
    { numRuns: 300 },
  );
});

function same(a: Result, b: Result): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

t.test('scenario 15: a retry over failover, restart and snapshot takes effect once', async (t) => {
  const world = loggedIn();
  const first = world.numbered(1, 3, send('once'));
  t.equal(said(first), 'sent');
  // A failover changes nothing but who applies; a restart, or a snapshot on another node, begins from the stored rows.
  for (const what of ['failover', 'restart', 'snapshot of a snapshot']) {
    if (what !== 'failover') await world.reload();
    const again = world.numbered(1, 3, send('once'));
    t.same(again.result, first.result, what);
    t.same(again.events, [], what);
  }
  world.store();
  t.equal(world.history('d:1:1').length, 1);
});
