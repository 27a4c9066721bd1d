import t from 'tap';
import { EntryClock } from './entry-times.ts';
import { type Answer, checkRefusals, type Troubles } from './refusals.ts';
import { checkSessions } from './sessions.ts';

const send: Answer = {
  who: 'ann',
  op: 'send',
  by: 'library',
  inNextSession: false,
  said: 'receipt',
  askedAtMs: 10_000,
  atMs: 10_010,
};
const quiet: Troubles = { sinceMs: null, fullSinceMs: null, giveUpMs: 20_000 };
const troubled: Troubles = { ...quiet, sinceMs: 9_000 };

function isRefusal(answer: Partial<Answer>, troubles: Troubles): boolean {
  return checkRefusals([{ ...send, ...answer }], troubles).length > 0;
}

t.test('refusals: what a request is refused for by its content needs no trouble', async (t) => {
  t.notOk(isRefusal({}, quiet));
  t.notOk(isRefusal({ op: 'register', said: 'NAME_TAKEN' }, quiet));
  t.ok(isRefusal({ said: 'NAME_TAKEN' }, quiet), 'a message has no name');
  t.ok(isRefusal({ said: 'CONFLICT' }, troubled));
  t.ok(isRefusal({ said: 'STALE_SEQUENCE' }, troubled));
});

t.test(
  'refusals: a client is told that nobody answers when its patience is over, and in trouble only',
  async (t) => {
    for (const said of ['UNAVAILABLE', 'BUSY', 'unknown'] as const) {
      t.notOk(isRefusal({ said, atMs: 30_000 }, troubled), said);
      t.ok(isRefusal({ said, atMs: 29_000 }, troubled), `${said} too soon`);
      t.ok(isRefusal({ said, atMs: 30_000 }, quiet), `${said} without trouble`);
      t.ok(isRefusal({ said, atMs: 30_000 }, { ...troubled, sinceMs: 30_001 }), `${said} before the trouble`);
      t.notOk(isRefusal({ said, by: 'line' }, troubled), `${said} to a line`);
      t.ok(isRefusal({ said, by: 'line' }, quiet), `${said} to a line without trouble`);
    }
    t.notOk(isRefusal({ op: 'history', said: 'UNAVAILABLE', atMs: 15_000 }, troubled), 'a read waits less');
    t.ok(isRefusal({ op: 'history', said: 'UNAVAILABLE', atMs: 14_000 }, troubled));
  },
);

t.test('refusals: a session that is over explains what it leaves unknown', async (t) => {
  t.notOk(isRefusal({ said: 'unknown', inNextSession: true }, troubled));
  t.ok(isRefusal({ said: 'UNAVAILABLE', inNextSession: true }, troubled));
  t.notOk(isRefusal({ said: 'AUTH_REQUIRED', inNextSession: true }, quiet));
  t.ok(isRefusal({ said: 'AUTH_REQUIRED' }, troubled));
});

t.test('refusals: no room is a reason from the first full disk on', async (t) => {
  t.ok(isRefusal({ said: 'LOW_SPACE' }, troubled));
  t.notOk(isRefusal({ said: 'LOW_SPACE' }, { ...troubled, fullSinceMs: 9_500 }));
  t.ok(isRefusal({ said: 'LOW_SPACE' }, { ...troubled, fullSinceMs: 10_011 }));
});

t.test('sessions: one that is lost before its time is found', async (t) => {
  const lostAt = (atMs: number) => checkSessions([send], [{ who: 'ann', atMs }], 30_000);
  t.match(lostAt(20_000), [{ kind: 'session-lost' }]);
  t.same(lostAt(40_000), [], 'its time is over');
  t.same(checkSessions([send], [{ who: 'bob', atMs: 20_000 }], 30_000), [], 'who never used one');
  t.same(checkSessions([{ ...send, said: 'unknown' }], [{ who: 'ann', atMs: 20_000 }], 30_000), []);
});

t.test('entry times: a time that runs backwards or ahead is found', async (t) => {
  const clock = new EntryClock();
  t.equal(clock.applies(2, { wallMs: 5_000, clusterMs: 10 }, 100), null);
  t.equal(clock.applies(3, { wallMs: 5_000, clusterMs: 101 }, 100), null, 'clocks drift');
  t.match(clock.applies(4, { wallMs: 4_999, clusterMs: 101 }, 200), { kind: 'time-wrong' });
  t.match(clock.applies(5, { wallMs: 5_001, clusterMs: 100 }, 200), { kind: 'time-wrong' });
  t.match(clock.applies(6, { wallMs: 5_001, clusterMs: 300 }, 200), { kind: 'time-wrong' });
});
