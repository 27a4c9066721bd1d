/** What the cluster view makes of what the nodes say: one picture, one story. */
import t from 'tap';
import { historyOf, type Story } from '../../../src/web/cluster/history.ts';
import { type Heard, pictureOf } from '../../../src/web/cluster/picture.ts';
import {
  type ActionWire,
  type EventWire,
  type NodeWire,
  readActions,
  readNode,
} from '../../../src/web/cluster/wire.ts';

function wire(id: number, more: Partial<NodeWire> = {}): NodeWire {
  const members = [1, 2, 3].map((member) => ({
    id: member,
    host: '127.0.0.1',
    httpPort: 7300 + member,
    state: 'voter' as const,
    voter: true,
    promoted: false,
    lag: null,
  }));
  return {
    cluster: 'c',
    profile: 'loopback-demo',
    id,
    nowMs: 0,
    upMs: 1,
    role: id === 1 ? 'leader' : 'follower',
    term: 1,
    leader: 1,
    lastIndex: 10,
    commitIndex: 10,
    appliedIndex: 10,
    members,
    alarms: [],
    disk: null,
    memoryBytes: 1,
    loopDelayMs: 0,
    connections: { native: 0, chat: 0 },
    subscribers: 2,
    accounts: 5,
    events: [],
    ...more,
  };
}

function heardOf(...all: readonly (NodeWire | Heard)[]): Map<number, Heard> {
  return new Map(
    all.map((one) => {
      const heard = 'wire' in one ? one : { wire: one, isUp: true, aheadMs: 0 };
      return [heard.wire.id, heard];
    }),
  );
}

const down = (of: NodeWire): Heard => ({ wire: of, isUp: false, aheadMs: 0 });

t.test('cluster view: everybody is up, the leader says who is behind', async (t) => {
  const leading = wire(1);
  const members = leading.members.map((member) => ({ ...member, lag: member.id === 3 ? 7 : 0 }));
  const picture = pictureOf(heardOf({ ...leading, members }, wire(2), wire(3, { commitIndex: 12 })));
  t.match(picture, { leader: 1, voters: 3, votersUp: 3, hasMajority: true, commitIndex: 12, subscribers: 6 });
  t.same(
    picture?.nodes.map(({ state, lag }) => [state, lag]),
    [
      ['leader', null],
      ['follower', 0],
      ['follower', 7],
    ],
  );
  t.equal(pictureOf(new Map()), null);
});

t.test(
  'cluster view: a leader that does not answer leads no more, whatever the others still say',
  async (t) => {
    const picture = pictureOf(heardOf(down(wire(1)), wire(2), wire(3)));
    t.match(picture, { leader: null, votersUp: 2, hasMajority: true });
    t.same(
      picture?.nodes.map(({ state }) => state),
      ['down', 'follower', 'follower'],
    );
    const after = pictureOf(
      heardOf(
        down(wire(1)),
        wire(2, { term: 2, leader: 2, role: 'leader' }),
        wire(3, { term: 2, leader: 2 }),
      ),
    );
    t.match(after, { leader: 2, term: 2 });
    t.match(pictureOf(heardOf(down(wire(1)), down(wire(2)), wire(3))), { hasMajority: false, leader: null });
  },
);

t.test('cluster view: of two that say they lead the newer term counts', async (t) => {
  const picture = pictureOf(heardOf(wire(1), wire(2, { term: 2, leader: 2, role: 'leader' }), wire(3)));
  t.match(picture, { leader: 2, term: 2, nodes: [{ state: 'candidate' }, { state: 'leader' }, {}] });
});

t.test('cluster view: a node that is no member is shown, and counts for nothing', async (t) => {
  const guest = wire(4, { role: 'observer', leader: null, term: 0 });
  const own = { ...guest.members[0], id: 4, httpPort: 7304 } as NodeWire['members'][number];
  const picture = pictureOf(
    heardOf(wire(1), wire(2), wire(3), { ...guest, members: [...guest.members, own] }),
  );
  t.match(picture, { voters: 3, nodes: [{}, {}, {}, { id: 4, state: 'observer', isVoter: false }] });
});

const leader = (atMs: number, term: number, id: number | null): EventWire => ({
  kind: 'leader',
  atMs,
  term,
  leader: id,
});
const peer = (atMs: number, node: number, up: boolean): EventWire => ({ kind: 'peer', atMs, node, up });
const transfer = (beganMs: number, subject: string): ActionWire => ({
  number: 5,
  by: { kind: 'account', name: 'ann' },
  action: 'transfer',
  subject,
  node: 1,
  beganMs,
  outcome: 'done',
  times: 1,
});

function elections(stories: readonly Story[]) {
  return stories.flatMap((story) => (story.kind === 'elected' ? [story] : []));
}

t.test(
  'history: a leader that was killed is named as the cause, the outage is the longest that one node saw',
  async (t) => {
    const heard = heardOf(
      down(wire(1, { events: [leader(1_000, 1, 1)] })),
      wire(2, {
        events: [leader(1_001, 1, 1), peer(9_000, 1, false), leader(9_001, 1, null), leader(9_050, 2, 3)],
      }),
      // This clock is ten seconds ahead.
      {
        wire: wire(3, { events: [leader(11_002, 1, 1), peer(19_002, 1, false), leader(19_040, 2, 3)] }),
        isUp: true,
        aheadMs: 10_000,
      },
    );
    const stories = historyOf(heard, []);
    t.match(elections(stories), [
      { term: 2, leader: 3, previous: 1, cause: { kind: 'lost', gapMs: 50 }, atMs: 9_040, seenBy: [2, 3] },
      { term: 1, leader: 1, previous: null, cause: { kind: 'first' }, seenBy: [1, 2, 3] },
    ]);
    t.match(stories.at(1), { kind: 'gone', node: 1, atMs: 9_000, seenBy: [2, 3] });
    t.equal(stories.length, 3);
  },
);

t.test(
  'history: who asked for a hand-over is named; without anybody the leader did it by itself',
  async (t) => {
    const events = [leader(1_000, 1, 1), leader(20_000, 2, 2), leader(90_000, 3, 3), peer(90_200, 2, false)];
    const asked = transfer(19_900, 'node 2');
    t.match(elections(historyOf(heardOf(wire(3, { events })), [asked])), [
      { term: 3, cause: { kind: 'handed-over', by: null } },
      { term: 2, cause: { kind: 'handed-over', by: 'ann' } },
      { term: 1, cause: { kind: 'first' } },
    ]);
  },
);

t.test('history: a hand-over that was asked for is one, whatever else broke beside it', async (t) => {
  const events = [
    leader(1_000, 1, 1),
    peer(2_000, 1, false),
    leader(2_010, 1, null),
    leader(2_900, 2, 2),
    peer(2_950, 1, true),
    peer(4_000, 2, false),
    leader(4_100, 3, 3),
  ];
  const told = (...asked: ActionWire[]) => elections(historyOf(heardOf(wire(3, { events })), asked));
  for (const subject of ['node 2', '']) {
    t.match(told(transfer(1_990, subject)), [
      { term: 3, cause: { kind: 'lost' } },
      { term: 2, cause: { kind: 'handed-over', by: 'ann' } },
      { term: 1 },
    ]);
  }
  t.match(told(transfer(1_990, 'node 1'))[1], { term: 2, cause: { kind: 'lost', gapMs: 900 } });
});

t.test('history: a leader that fell silent is not one that was lost', async (t) => {
  const events = [leader(1_000, 1, 1), leader(5_000, 1, null), leader(5_400, 2, 3)];
  t.match(elections(historyOf(heardOf(wire(2, { events })), []))[0], {
    cause: { kind: 'silent', gapMs: 400 },
  });
});

t.test(
  'history: a connection that broke and came again is no reason for an election behind it',
  async (t) => {
    const events = [
      leader(1_000, 1, 1),
      peer(1_200, 1, false),
      peer(1_900, 1, true),
      leader(3_000, 1, null),
      leader(3_010, 2, 2),
    ];
    t.match(elections(historyOf(heardOf(wire(2, { events })), []))[0], { cause: { kind: 'handed-over' } });
  },
);

t.test('history: starts come together, and a node that comes back has not started anew', async (t) => {
  const started = (atMs: number): EventWire => ({ kind: 'started', atMs });
  const heard = heardOf(
    wire(1, { events: [started(100), peer(150, 2, true), peer(7_000, 2, false), peer(8_000, 2, true)] }),
    wire(2, { events: [started(7_900), peer(7_950, 1, true)] }),
    wire(3, { events: [started(140), peer(7_001, 2, false), peer(8_005, 2, true)] }),
  );
  t.match(historyOf(heard, []), [
    { kind: 'back', node: 2, atMs: 8_000, seenBy: [1, 3] },
    { kind: 'gone', node: 2, atMs: 7_000, seenBy: [1, 3] },
    { kind: 'started', nodes: [1, 3] },
  ]);
});

t.test('history: a connection that another one replaces is nobody’s end', async (t) => {
  const events = [peer(100, 2, true), peer(200, 2, false), peer(210, 2, true), peer(9_000, 2, false)];
  t.match(historyOf(heardOf(wire(1, { events })), []), [{ kind: 'gone', node: 2, atMs: 9_000 }]);
});

t.test('cluster view: what is no node or no log is not shown as one', async (t) => {
  t.match(readNode(JSON.parse(JSON.stringify(wire(1)))), { id: 1 });
  for (const wrong of [null, 1, {}, { ...wire(1), events: null }, { ...wire(1), term: '1' }])
    t.equal(readNode(wrong), null);
  t.same(readActions({ actions: [] }), []);
  for (const wrong of [null, {}, { actions: [{}] }, { actions: 1 }]) t.equal(readActions(wrong), null);
});
