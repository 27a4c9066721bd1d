import t from 'tap';
import { limits } from '../../src/base/limits.ts';
import { encodeProposal } from '../../src/chat/codecs/codec.ts';
import type { ChatEvent, Command, Message } from '../../src/chat/vocabulary/types.ts';
import { Hub, type Subscriber, sliceReaders, waitingEvents } from '../../src/delivery/hub.ts';
import { textOf, textTo } from '../chat/support/world.ts';
import { FakeCluster } from '../support/fake-engine.ts';

function hub(): Hub {
  return new Hub(new FakeCluster().node(1).machine, 0, (action) => setImmediate(action));
}

function subscriber(account: number, heard: string[]): Subscriber {
  return {
    account,
    amended: () => 0,
    message: (push) => heard.push(`${account} ${textOf(push.message.body)}`),
    advanced: () => heard.push(`${account} advanced`),
    receipt: () => heard.push(`${account} receipt`),
    group: (event) => heard.push(`${account} ${event.kind}`),
    accountDeleted: () => heard.push(`${account} deleted`),
    reset: () => heard.push(`${account} reset`),
  };
}

function message(from: number, to: number, text: string): ChatEvent {
  const content: Message = {
    conversation: 'd:1:2',
    sequence: 1,
    index: 1,
    from,
    to,
    number: 1,
    replyTo: null,
    body: { kind: 'text', text },
    sentMs: 0,
  };
  return { kind: 'message', message: content, fromName: `${from}`, toName: `${to}` };
}

t.test('hub: an event reaches those it concerns, each once, and nobody else', async (t) => {
  const heard: string[] = [];
  const target = hub();
  for (const account of [1, 1, 2, 3]) target.subscribe(subscriber(account, heard));
  target.publish({ index: 1, events: [message(1, 2, 'hi')] });
  target.publish({ index: 2, events: [message(3, 3, 'note')] });
  target.publish({ index: 3, events: [{ kind: 'account-deleted', account: 2, name: 'x' }] });
  t.same(heard, ['1 hi', '1 hi', '2 hi', '3 note', '2 deleted']);
});

t.test('hub: one encoding serves all readers of a message', async (t) => {
  const target = hub();
  const forms = new Set<object>();
  const quiet = subscriber(1, []);
  for (let count = 0; count < 3; count++) {
    target.subscribe({ ...quiet, message: (push) => forms.add(push.forms) });
  }
  target.publish({ index: 1, events: [message(2, 1, 'hi')] });
  t.equal(forms.size, 1);
});

t.test('hub: a subscriber may leave while it is told', async (t) => {
  const heard: string[] = [];
  const target = hub();
  const leave = target.subscribe({
    ...subscriber(1, heard),
    message: () => leave(),
    accountDeleted: () => heard.push('too late'),
  });
  target.subscribe(subscriber(1, heard));
  target.publish({ index: 1, events: [message(1, 2, 'hi')] });
  target.publish({ index: 2, events: [{ kind: 'account-deleted', account: 1, name: 'x' }] });
  t.same(heard, ['1 hi', '1 deleted']);
  t.equal(target.subscribers, 1);
});

t.test('hub: the end of a session is told to those who watch it', async (t) => {
  const target = hub();
  const ended: string[] = [];
  target.watchSession('a', () => ended.push('a'));
  const forget = target.watchSession('b', () => ended.push('b'));
  forget();
  for (const session of ['a', 'b', 'c'])
    target.publish({ index: 1, events: [{ kind: 'session-ended', session }] });
  t.same(ended, ['a']);
});

t.test(
  'hub: after a snapshot, sessions and accounts that are gone are noticed without an event',
  async (t) => {
    const target = hub();
    const heard: string[] = [];
    target.watchSession('gone', () => heard.push('session gone'));
    target.subscribe(subscriber(9, heard));
    target.reset(50);
    t.same(heard, ['session gone', '9 deleted']);
    t.equal(target.index, 50);
  },
);

t.test('hub: entries out of order are a fault of the program', async (t) => {
  const target = hub();
  target.publish({ index: 2, events: [] });
  t.throws(() => target.publish({ index: 1, events: [] }), /log order/);
});

/** A node with a group of `readers` members, and one connection of each of them. */
function crowd(readers: number) {
  const engine = new FakeCluster().node(1);
  let index = 0;
  const apply = (account: number | null, command: Command): readonly ChatEvent[] => {
    const actor = account === null ? null : { account, session: null };
    index += 1;
    const time = { wallMs: 0, clusterMs: index };
    const proposal = encodeProposal({ numbering: null, actor, command });
    return engine.machine.apply({ index, time, command: proposal }).events;
  };
  const join = { kind: 'join-group', name: 'team', seen: null, create: true, passwordHash: null } as const;
  for (let account = 1; account <= readers; account++) {
    apply(null, { kind: 'register', name: `user${account}`, passwordHash: 'h' });
  }
  for (let account = 1; account <= readers; account++) apply(account, join);
  const turns: (() => void)[] = [];
  const hub = new Hub(engine.machine, index, (action) => turns.push(action));
  const heard: string[][] = [];
  for (let account = 1; account <= readers; account++) {
    const lines: string[] = [];
    heard.push(lines);
    hub.subscribe({
      ...subscriber(account, lines),
      message: (push) => lines.push(textOf(push.message.body)),
    });
  }
  const publish = (events: readonly ChatEvent[]): void => hub.publish({ index, events });
  const turn = (): number => {
    const due = turns.splice(0);
    for (const action of due) action();
    return due.length;
  };
  return { hub, heard, apply, publish, turn };
}

t.test(
  'hub: a large group is told in slices, everyone in the order of the log, and what is told together goes together',
  async (t) => {
    const readers = 2 * sliceReaders + 10;
    const { heard, apply, publish, turn } = crowd(readers);
    for (const text of ['1', '2']) publish(apply(1, textTo('#team', text)));
    publish(apply(1, textTo('user2', 'direct')));
    publish(apply(1, textTo('#team', '3')));
    t.equal(heard.flat().length, 0, 'not in the turn of the log');
    turn();
    t.same([heard[0], heard[sliceReaders - 1], heard[sliceReaders]], [['1', '2'], ['1', '2'], []]);
    while (turn() > 0);
    t.same(heard[0], ['1', '2', 'direct', '3'], 'of the sender, too');
    t.same(heard[1], ['1', '2', 'direct', '3']);
    t.ok(heard.slice(2).every((lines) => lines.join() === '1,2,3'));
  },
);

t.test('hub: who leaves between two slices is told nothing more, and a session ends at once', async (t) => {
  const { hub, heard, apply, publish, turn } = crowd(sliceReaders + 20);
  const gone: string[] = [];
  const leave = hub.subscribe({ ...subscriber(sliceReaders + 5, gone) });
  hub.watchSession('s', () => gone.push('ended'));
  publish(apply(1, textTo('#team', '1')));
  turn();
  leave();
  leave();
  publish([{ kind: 'session-ended', session: 's' }]);
  t.same(gone, ['ended']);
  while (turn() > 0);
  t.same(gone, ['ended']);
  t.equal(heard.at(-1)?.join(), '1');
  t.equal(hub.subscribers, sliceReaders + 20);
});

t.test('hub: when too much waits, every reader reads on from the store', async (t) => {
  const { heard, apply, publish, turn } = crowd(sliceReaders + 1);
  for (let sent = 0; sent <= waitingEvents; sent++) publish(apply(1, textTo('#team', 'x')));
  t.ok(heard.every((lines) => lines.at(-1)?.endsWith('reset') === true));
  while (turn() > 0);
  t.ok(heard.every((lines) => lines.length === 1));
  publish(apply(1, textTo('#team', 'again')));
  while (turn() > 0);
  t.ok(heard.every((lines) => lines.at(-1) === 'again'));
});

t.test('hub: a message is none of those who joined behind it', async (t) => {
  const { hub, apply, publish } = crowd(3);
  const late: string[] = [];
  apply(null, { kind: 'register', name: 'late', passwordHash: 'h' });
  const account = 7;
  hub.subscribe(subscriber(account, late));
  const before = apply(1, textTo('#team', 'before'));
  const joined = apply(account, {
    kind: 'join-group',
    name: 'team',
    seen: null,
    create: false,
    passwordHash: null,
  });
  const after = apply(1, textTo('#team', 'after'));
  for (const events of [before, joined, after]) publish(events);
  t.same(late, ['7 member-joined', '7 after']);
});

t.test('hub: progress is told in a direct conversation only, a departure to who departs', async (t) => {
  const { heard, apply, publish } = crowd(3);
  const advance = (conversation: string): ChatEvent => ({
    kind: 'cursor-advanced',
    advance: { account: 1, conversation, delivered: 1, read: 0 },
  });
  apply(1, textTo('user2', 'x'));
  publish([advance('d:1:2'), advance('g:4'), advance('lobby')]);
  t.same(heard, [[], ['2 advanced'], []]);
  publish(apply(1, { kind: 'remove-member', name: 'team', member: 'user3' }));
  t.same(
    heard.map((lines) => lines.at(-1)),
    ['1 member-left', '2 member-left', '3 member-left'],
  );
  publish(apply(1, { kind: 'delete-group', name: 'team' }));
  t.same(
    heard.map((lines) => lines.at(-1)),
    ['1 group-deleted', '2 group-deleted', '3 member-left'],
  );
});

t.test(
  'hub: in a crowd only whom it concerns hears of comings and goings, everyone of what becomes of the group',
  async (t) => {
    const readers = limits.noticeMembers + 1;
    const { hub, heard, apply, publish, turn } = crowd(readers);
    const newcomer = 2 * readers + 1;
    const late: string[] = [];
    apply(null, { kind: 'register', name: 'late', passwordHash: 'h' });
    hub.subscribe(subscriber(newcomer, late));
    const join = { kind: 'join-group', name: 'team', seen: null, create: false, passwordHash: null } as const;
    publish(apply(newcomer, join));
    publish(apply(newcomer, { kind: 'leave-group', name: 'team' }));
    while (turn() > 0);
    t.same(late, [`${newcomer} member-joined`, `${newcomer} member-left`]);
    t.equal(heard.flat().length, 0);
    publish(apply(1, { kind: 'rename-group', name: 'team', newName: 'crew' }));
    t.equal(heard.flat().length, 0, 'not in the turn of the log');
    while (turn() > 0);
    publish(apply(1, { kind: 'delete-group', name: 'crew' }));
    while (turn() > 0);
    t.ok(heard.every((lines, at) => lines.join() === `${at + 1} group-renamed,${at + 1} group-deleted`));
    t.equal(late.length, 2);
  },
);
