import t from 'tap';
import { startNodes } from '../../support/gateway.ts';
import { type Frame, NativeClient, newSession } from '../../support/native-client.ts';

const { nodes, stop } = await startNodes(2);
t.teardown(stop);
const [one, two] = nodes;
if (one === undefined || two === undefined) throw new Error('two nodes');

function listOf(frame: Frame, list: string): readonly Record<string, unknown>[] {
  return Object(frame.value)[list];
}

function textsOf(frame: Frame): readonly unknown[] {
  return listOf(frame, 'messages').map(({ text }) => text);
}

t.test('history: by sequence backwards and forwards, and by time', async (t) => {
  const ann = await NativeClient.join(one.httpPort, 'ann');
  await ann.change({ op: 'create-group', group: 'notes' });
  const sentMs: number[] = [];
  for (let at = 1; at <= 100; at++) {
    const { value } = await ann.change({ op: 'send', to: '#notes', text: `${at}` });
    sentMs.push(Object(value).sentMs);
  }
  const ask = async (range: object): Promise<readonly unknown[]> =>
    textsOf(await ann.query({ op: 'history', with: '#notes', limit: 3, ...range }));
  t.same(await ask({}), ['98', '99', '100']);
  t.same(await ask({ before: 98 }), ['95', '96', '97']);
  t.same(await ask({ before: 2 }), ['1']);
  t.same(await ask({ after: 0 }), ['1', '2', '3']);
  t.same(await ask({ after: 98 }), ['99', '100']);
  t.same(await ask({ after: 100 }), []);
  t.same(await ask({ since: 0 }), ['1', '2', '3']);
  for (const at of [1, 2, 37, 64, 65, 99, 100]) {
    const since = sentMs[at - 1] ?? 0;
    t.equal((await ask({ since }))[0], `${at}`, 'at that time');
  }
  t.same(await ask({ since: (sentMs[99] ?? 0) + 1 }), []);
  t.same(await ask({ since: sentMs[49], after: 52 }), ['53', '54', '55'], 'the later of the two counts');
  t.same(await ask({ since: sentMs[49], before: 51 }), ['50']);
  ann.destroy();
});

t.test('history: a long one from the front comes whole, in as many replies as it takes', async (t) => {
  const ben = await NativeClient.join(one.httpPort, 'ben');
  await ben.change({ op: 'create-group', group: 'long' });
  const text = 'x'.repeat(8_000);
  for (let at = 0; at < 30; at++) await ben.change({ op: 'send', to: '#long', text });
  ben.send({ op: 'history', with: '#long', limit: 100, after: 3, q: 77 });
  await ben.next((frame) => frame.q === 77 && frame.more === undefined);
  const parts = ben.received.filter((frame) => frame.q === 77);
  const sequences = parts.flatMap((frame) => listOf(frame, 'messages').map(({ sequence }) => sequence));
  t.same(
    sequences,
    Array.from({ length: 27 }, (_, at) => at + 4),
  );
  ben.destroy();
});

t.test('lists: groups and members by name, in pages', async (t) => {
  const names = ['cy', 'Dan', 'eve'];
  const people = await Promise.all(names.map((name) => NativeClient.join(one.httpPort, name)));
  const [cy] = people;
  if (cy === undefined) throw new Error('cy');
  for (const group of ['zeta', 'Alpha', 'mid']) await cy.change({ op: 'create-group', group });
  for (const person of people) await person.change({ op: 'join-group', group: 'zeta' });
  const groups = async (page: object): Promise<readonly unknown[]> =>
    listOf(await cy.query({ op: 'groups', ...page }), 'groups').map(({ name }) => name);
  t.same(await groups({}), ['Alpha', 'long', 'mid', 'notes', 'zeta']);
  t.same(await groups({ limit: 2 }), ['Alpha', 'long']);
  t.same(await groups({ limit: 2, after: 'LONG' }), ['mid', 'notes']);
  t.same(await groups({ after: 'n' }), ['notes', 'zeta']);
  t.same(await groups({ after: 'zeta' }), []);
  t.match(listOf(await cy.query({ op: 'groups' }), 'groups').at(-1), {
    members: 3,
    joined: true,
    closed: false,
    owner: 'cy',
    address: null,
  });
  const members = async (page: object): Promise<readonly unknown[]> =>
    listOf(await cy.query({ op: 'members', group: 'zeta', ...page }), 'members').map(({ name }) => name);
  t.same(await members({}), names);
  t.same(await members({ limit: 1, after: 'cy' }), ['Dan']);
  await people[1]?.change({ op: 'leave-group', group: 'zeta' });
  t.same(await members({}), ['cy', 'eve']);
  for (const person of people) person.destroy();
});

t.test('online: by the time of connection, anywhere in the cluster', async (t) => {
  const names = ['zoe', 'fay', 'max'];
  const people: NativeClient[] = [];
  for (const [at, name] of names.entries()) {
    people.push(await NativeClient.join(at === 1 ? two.httpPort : one.httpPort, name));
    // Times are whole milliseconds.
    const begun = Date.now();
    while (Date.now() === begun) await new Promise((resolve) => setImmediate(resolve));
  }
  const seen = listOf(await (people[2] as NativeClient).query({ op: 'online' }), 'online');
  t.same(
    seen.map(({ name }) => name).filter((name) => names.includes(String(name))),
    names,
  );
  for (const person of people) person.destroy();
});

t.test('read marks: told to the other side, kept for every device, never backwards', async (t) => {
  const gus = await NativeClient.join(one.httpPort, 'gus');
  const credentials = newSession();
  const ida = await NativeClient.join(two.httpPort, 'ida', credentials);
  for (const text of ['1', '2', '3']) await gus.change({ op: 'send', to: 'ida', text });
  const { conversation } = await ida.next((frame) => frame.ev === 'message');
  const unread = async (): Promise<unknown> =>
    listOf(await ida.query({ op: 'conversations' }), 'conversations')[0]?.unread;
  t.equal(await unread(), 3);
  ida.send({ op: 'read', conversation, sequence: 2 });
  ida.send({ op: 'read', conversation, sequence: 1 });
  ida.send({ op: 'read', conversation: 'd:1:1', sequence: 1 });
  t.match(await gus.next((frame) => frame.ev === 'read'), { conversation, sequence: 2, by: 'ida' });
  t.equal(await unread(), 1);
  ida.send({ op: 'read', conversation, sequence: 99 });
  t.match(await ida.change({ op: 'send', to: 'gus', text: 'answer', replyTo: 3 }), { ok: true });
  t.match(await gus.next((frame) => frame.text === 'answer'), { replyTo: 3, sequence: 4 });
  t.equal(await unread(), 0, 'who writes has read');
  t.match(await ida.change({ op: 'send', to: 'gus', text: 'x', replyTo: 9 }), { code: 'UNKNOWN_MESSAGE' });
  for (const client of [gus, ida]) client.destroy();
});

t.test('lobby: a resumed session gets what it missed, a login begins at its end', async (t) => {
  const kai = await NativeClient.join(one.httpPort, 'kai');
  const credentials = newSession();
  const lea = await NativeClient.join(two.httpPort, 'lea', credentials);
  await kai.change({ op: 'send', to: '#lobby', text: 'first' });
  const { index } = await lea.next((frame) => frame.text === 'first');
  lea.destroy();
  await kai.change({ op: 'send', to: '#lobby', text: 'missed' });
  const resumed = await NativeClient.greet(one.httpPort, credentials, Number(index));
  t.match(await resumed.next((frame) => frame.ev === 'message'), { text: 'missed', to: '#lobby' });
  resumed.destroy();
  const later = await NativeClient.greet(two.httpPort, newSession());
  t.match(await later.change({ op: 'login', user: 'lea', password: 'pw' }), { ok: true });
  await later.next((frame) => frame.ev === 'caught-up');
  await kai.change({ op: 'send', to: '#lobby', text: 'live' });
  t.match(await later.next((frame) => frame.ev === 'message'), { text: 'live' });
  for (const client of [kai, later]) client.destroy();
});

t.test(
  'history: what was said with somebody who is gone is read by its conversation, by its members only',
  async (t) => {
    const ora = await NativeClient.join(one.httpPort, 'ora');
    const pit = await NativeClient.join(two.httpPort, 'pit');
    await pit.change({ op: 'send', to: 'ora', text: 'stays' });
    const { conversation } = await ora.next((frame) => frame.ev === 'message');
    await pit.change({ op: 'delete', user: 'pit' });
    t.match(await ora.query({ op: 'history', with: 'pit', limit: 9 }), { code: 'UNKNOWN_USER' });
    t.match(await ora.query({ op: 'conversations' }), {
      value: { conversations: [{ conversation, name: 'deleted account', kind: 'direct' }] },
    });
    t.match(await ora.query({ op: 'history', with: conversation, limit: 9 }), {
      value: { messages: [{ from: 'deleted account', text: 'stays' }] },
    });
    const byName = { op: 'history', with: 'deleted account', limit: 9 };
    t.match(await ora.query(byName), { value: { messages: [{ text: 'stays' }] } }, 'the newest such one');
    const stranger = await NativeClient.join(one.httpPort, 'quin');
    await stranger.change({ op: 'send', to: 'quin', text: 'a note' });
    t.match(await stranger.query(byName), { code: 'UNKNOWN_USER' }, 'notes to oneself are none');
    for (const id of [conversation, 'd:1:1', 'nothing:here']) {
      t.match(await stranger.query({ op: 'history', with: id, limit: 9 }), { code: 'UNKNOWN_USER' });
    }
    const made = await ora.change({ op: 'create-group', group: 'own' });
    const { conversation: group } = Object(made.value);
    t.match(await stranger.query({ op: 'history', with: group, limit: 9 }), { code: 'UNKNOWN_GROUP' });
    t.match(await ora.query({ op: 'history', with: group, limit: 9 }), { ok: true });
    for (const client of [ora, stranger]) client.destroy();
  },
);

t.test(
  'conversations: how far all others got, for the marks of what was said before this client came',
  async (t) => {
    const [ros, sam, tia] = await Promise.all(
      ['ros', 'sam', 'tia'].map((name) => NativeClient.join(one.httpPort, name)),
    );
    if (ros === undefined || sam === undefined || tia === undefined) throw new Error('three people');
    for (const person of [ros, sam, tia])
      await person.change({ op: 'join-group', group: 'trio', create: true });
    const { value } = await ros.change({ op: 'send', to: '#trio', text: '1' });
    await ros.change({ op: 'send', to: '#trio', text: '2' });
    await ros.change({ op: 'send', to: 'ros', text: 'note' });
    const { conversation } = Object(value);
    const others = async (): Promise<unknown> =>
      listOf(await ros.query({ op: 'conversations' }), 'conversations')
        .filter(({ kind }) => kind !== 'lobby')
        .map((entry) => entry.others);
    t.same(await others(), [null, { delivered: 0, read: 0 }], 'to oneself there is nobody else');
    for (const [person, sequence] of [
      [sam, 2],
      [tia, 1],
    ] as const) {
      const { index } = await person.next((frame) => frame.ev === 'message' && frame.sequence === sequence);
      person.send({ op: 'ack', index });
      person.send({ op: 'read', conversation, sequence });
    }
    while (JSON.stringify(await others()) !== JSON.stringify([null, { delivered: 1, read: 1 }]));
    for (const client of [ros, sam, tia]) client.destroy();
  },
);
