import t from 'tap';
import { LineClient, startNodes } from '../../support/gateway.ts';
import { NativeClient, newSession } from '../../support/native-client.ts';

const { nodes, stop } = await startNodes(2);
t.teardown(stop);
const [one, two] = nodes;
if (one === undefined || two === undefined) throw new Error('two nodes');

async function login(port: number, name: string): Promise<LineClient> {
  const client = await LineClient.open(port);
  await client.ask(`1|${name}|pw`);
  await client.ask(`2|${name}|pw`);
  return client;
}

t.test('groups: pipe users join, write, and read again, on any node', async (t) => {
  const ann = await login(one.chatPort, 'ann');
  const bob = await login(two.chatPort, 'bob');
  t.same(await ann.ask('j|#team'), ['Joined group #team.']);
  t.same(await bob.ask('j|#TEAM'), ['Joined group #team.']);
  t.same(await bob.ask('j|#team'), ['Joined group #team.'], 'again');
  t.same(await ann.ask('d|#team|hello | all'), ['Message sent to #team.']);
  t.same(await bob.take(), ['[#team ann] hello | all']);
  t.same(await bob.ask('d|#team|hi'), ['Message sent to #team.']);
  t.same(await ann.take(), ['[#team bob] hi']);
  t.same(await bob.ask('6|#team', 3), ['[#team ann] hello | all', '[#team bob] hi', '']);
  t.same(await bob.ask('6|#team|1', 2), ['[#team bob] hi', '']);
  for (const client of [ann, bob]) client.destroy();
});

t.test('groups: a password is asked for, and a stranger learns nothing of a closed group', async (t) => {
  const cleo = await login(one.chatPort, 'cleo');
  const dora = await login(two.chatPort, 'dora');
  t.same(await cleo.ask('j|#safe|a|b'), ['Joined group #safe.']);
  t.same(await dora.ask('j|#safe'), ['Group password wrong.']);
  t.same(await dora.ask('j|#safe|a'), ['Group password wrong.']);
  const refused = 'Message failed to send! Verify recipient username.';
  t.same(await dora.ask('d|#safe|x'), [refused]);
  t.same(await dora.ask('d|#none|x'), [refused]);
  t.same(await dora.ask('6|#safe'), await dora.ask('6|#none'));
  t.same(await dora.ask('j|#safe|a|b'), ['Joined group #safe.']);
  await cleo.ask('d|#safe|psst');
  t.same(await dora.take(), ['[#safe cleo] psst']);
  for (const client of [cleo, dora]) client.destroy();
});

t.test('groups: of a closed one a list shows to strangers that it is there, and no more', async (t) => {
  const [lea, max] = await Promise.all(
    ['lea', 'max'].map((name, at) => NativeClient.join((at === 0 ? one : two).httpPort, name)),
  );
  if (lea === undefined || max === undefined) throw new Error('two people');
  await lea.change({ op: 'create-group', group: 'closed1', password: 'pw' });
  await lea.change({ op: 'create-group', group: 'open1' });
  const seen = async (client: NativeClient, name: string): Promise<unknown> => {
    const reply = await client.query({ op: 'groups' });
    const { groups } = reply.value as { groups: { name: string }[] };
    return groups.find((group) => group.name === name);
  };
  const hidden = { members: null, owner: null, createdMs: null };
  const shown = { members: 1, owner: 'lea', createdMs: Number };
  t.match(await seen(max, 'closed1'), { closed: true, joined: false, ...hidden });
  t.match(await seen(max, 'open1'), { closed: false, joined: false, ...shown });
  t.match(await seen(lea, 'closed1'), { closed: true, joined: true, ...shown });
  const nobody = await NativeClient.greet(one.httpPort, newSession());
  for (const name of ['closed1', 'open1']) t.match(await seen(nobody, name), { joined: false, ...hidden });
  t.match(await max.change({ op: 'join-group', group: 'closed1', password: 'pw' }), { ok: true });
  t.match(await seen(max, 'closed1'), { joined: true, ...shown, members: 2 });
  for (const client of [lea, max, nobody]) client.destroy();
});

t.test('groups: who was away gets what was said since they joined, and nothing from before', async (t) => {
  const ed = await login(one.chatPort, 'ed');
  await ed.ask('j|#away');
  await ed.ask('d|#away|before');
  const fay = await login(two.chatPort, 'fay');
  await fay.ask('j|#away');
  t.same(await fay.ask('q'), ['Goodbye!']);
  fay.finish();
  await fay.rest();
  t.same(await ed.ask('d|#away|after'), ['Message sent to #away.']);
  const again = await LineClient.open(one.chatPort);
  t.same(await again.ask('2|fay|pw', 2), ['Login successful - welcome back fay!', '[#away ed] after']);
  t.same(await again.ask('6|#away', 3), ['[#away ed] before', '[#away ed] after', ''], 'history is whole');
  for (const client of [ed, again]) client.destroy();
});

t.test('groups: the lobby reaches everyone online, and is kept for reading', async (t) => {
  const guy = await login(one.chatPort, 'guy');
  const hal = await login(two.chatPort, 'hal');
  t.same(await guy.ask('d|#lobby|hello world'), ['Message sent to #lobby.']);
  t.same(await hal.take(), ['[#lobby guy] hello world']);
  t.same(await guy.ask('j|#lobby'), ['Joined group #lobby.']);
  const ivy = await login(one.chatPort, 'ivy');
  t.same(await ivy.ask('6|#lobby', 2), ['[#lobby guy] hello world', '']);
  for (const client of [guy, hal, ivy]) client.destroy();
});

t.test('native: the life of a group, as its members are told of it', async (t) => {
  const jo = await NativeClient.join(one.httpPort, 'jo');
  const kim = await NativeClient.join(two.httpPort, 'kim');
  const notice = async (client: NativeClient, kind: string) => {
    const frame = await client.next((one) => one.ev === 'group' && one.kind === kind);
    const { ev: _, conversation: __, kind: ___, ...rest } = frame;
    return rest;
  };
  const created = await jo.change({ op: 'create-group', group: 'Club', password: 'secret' });
  t.match(created, { ok: true, value: { op: 'create-group', group: 'Club' } });
  t.same(await notice(jo, 'created'), { group: 'Club' });
  t.match(await kim.change({ op: 'create-group', group: 'club' }), { code: 'GROUP_TAKEN' });
  t.match(await kim.change({ op: 'join-group', group: 'nothing' }), { code: 'UNKNOWN_GROUP' });
  t.match(await kim.change({ op: 'join-group', group: 'club', password: 'no' }), {
    code: 'GROUP_PASSWORD_WRONG',
  });
  t.match(await kim.query({ op: 'history', with: '#club', limit: 9 }), { code: 'UNKNOWN_GROUP' });
  t.match(await kim.query({ op: 'members', group: 'club' }), { code: 'NOT_A_MEMBER' });
  t.match(await kim.change({ op: 'join-group', group: 'club', password: 'secret' }), {
    value: { op: 'join-group', group: 'Club' },
  });
  t.same(await notice(jo, 'joined'), { group: 'Club', user: 'kim' });
  const sent = await jo.change({ op: 'send', to: '#club', text: 'hi' });
  t.match(sent, { value: { to: '#Club', sequence: 1, number: 1 } });
  const pushed = await kim.next((frame) => frame.ev === 'message');
  t.match(pushed, { from: 'jo', to: '#Club', text: 'hi', number: 1 });
  t.match(await kim.query({ op: 'members', group: 'club' }), {
    value: {
      members: [
        { name: 'jo', owner: true },
        { name: 'kim', owner: false, online: true },
      ],
    },
  });
  t.match(await kim.query({ op: 'conversations' }), {
    value: { conversations: [{ kind: 'group', name: '#Club', lastSequence: 1, read: 0, unread: 1 }] },
  });
  t.match(await kim.change({ op: 'rename-group', group: 'club', name: 'x' }), { code: 'DENIED' });
  t.match(await jo.change({ op: 'rename-group', group: 'club', name: 'Inner' }), {
    value: { op: 'rename-group', group: 'Inner' },
  });
  t.same(await notice(kim, 'renamed'), { group: 'Inner', oldName: 'Club' });
  await jo.change({ op: 'transfer-group', group: 'inner', user: 'kim' });
  t.same(await notice(kim, 'owner'), { group: 'Inner', user: 'kim' });
  t.match(await kim.change({ op: 'remove-member', group: 'inner', user: 'jo' }), { ok: true });
  t.same(await notice(jo, 'removed'), { group: 'Inner', user: 'jo' });
  t.match(await jo.change({ op: 'send', to: '#inner', text: 'x' }), { code: 'NOT_A_MEMBER' });
  t.match(await kim.change({ op: 'delete-group', group: 'inner' }), { ok: true });
  t.same(await notice(kim, 'deleted'), { group: 'Inner' });
  for (const client of [jo, kim]) client.destroy();
});

t.test(
  'native: what is sent at once about a group takes effect in its order, behind a password that is hashed',
  async (t) => {
    const lou = await NativeClient.join(one.httpPort, 'lou');
    const answers = [3, 4, 5, 6].map((n) => lou.next((frame) => frame.n === n));
    lou.send([
      { op: 'create-group', group: 'quick', password: 'pw', n: 3, low: 3 },
      { op: 'send', to: '#quick', text: 'in', n: 4, low: 3 },
      { op: 'leave-group', group: 'quick', n: 5, low: 3 },
      { op: 'send', to: '#quick', text: 'out', n: 6, low: 3 },
    ]);
    t.match(await Promise.all(answers), [
      { ok: true },
      { ok: true },
      { ok: true },
      { code: 'UNKNOWN_GROUP' },
    ]);
    lou.destroy();
  },
);

t.test('native: a stranger makes nothing, and nobody hashes for them', async (t) => {
  const stranger = await NativeClient.greet(one.httpPort, newSession());
  await stranger.change({ op: 'register', user: 'mel', password: 'pw' });
  for (const op of ['create-group', 'join-group']) {
    const reply = await stranger.change({
      op,
      group: 'mine',
      password: 'pw',
      ...(op === 'join-group' ? { create: true } : {}),
    });
    t.match(reply, { ok: false, code: 'AUTH_REQUIRED' }, op);
  }
  stranger.destroy();
});

t.test(
  'native: joining again under the same number has the first answer, also when the group is gone',
  async (t) => {
    const ned = await NativeClient.join(one.httpPort, 'ned');
    const join = { op: 'join-group', group: 'once', password: 'pw', create: true, n: 3, low: 3 } as const;
    ned.send(join);
    const first = await ned.next((frame) => frame.n === 3);
    t.match(first, { ok: true, value: { op: 'join-group', group: 'once' } });
    ned.send({ op: 'delete-group', group: 'once', n: 4, low: 3 });
    t.match(await ned.next((frame) => frame.n === 4), { ok: true });
    ned.received.length = 0;
    ned.send(join);
    t.same(await ned.next((frame) => frame.n === 3), first);
    t.match(await ned.query({ op: 'members', group: 'once' }), { code: 'UNKNOWN_GROUP' });
    ned.destroy();
  },
);

t.test(
  'lobby: who changes nodes before the first mark misses nothing that was said since the login',
  async (t) => {
    const speaker = await NativeClient.join(one.httpPort, 'speaker');
    const say = async (text: string): Promise<void> => {
      t.match(await speaker.change({ op: 'send', to: '#lobby', text }), { ok: true });
    };
    await say('before the login');
    const credentials = newSession();
    const first = await NativeClient.join(one.httpPort, 'mover', credentials);
    first.destroy();
    await say('while between two nodes');
    await say('and more');
    // It has seen no event, so it has no cursor to show.
    const second = await NativeClient.greet(two.httpPort, credentials);
    await second.next((frame) => frame.ev === 'caught-up');
    await say('there again');
    await second.next((frame) => frame.text === 'there again');
    t.same(second.texts(), ['while between two nodes', 'and more', 'there again']);
    t.match(await second.query({ op: 'profile' }), { ok: true });
    for (const client of [speaker, second]) client.destroy();
  },
);
