/** The words dialect over real sockets, to the letter. */
import t from 'tap';
import { startNodes } from '../../../support/gateway.ts';
import { NativeClient } from '../../../support/native-client.ts';
import { Transcript } from '../support/transcript.ts';

const { cluster, nodes, stop } = await startNodes(2);
t.teardown(stop);
const [one, two] = nodes;
if (one === undefined || two === undefined) throw new Error('two nodes');

async function talkOf(test: Parameters<typeof startTalk>[0], names: readonly string[]): Promise<Transcript> {
  const talk = startTalk(test);
  for (const [at, name] of names.entries()) {
    await talk.join(name, (at % 2 === 0 ? one : two)?.chatPort ?? 0);
    await talk.play(`
      ${name}> register ${name} ${name}@example.org secret
      ${name}< signed up successfully.
      ${name}> login ${name}@example.org secret
      ${name}< log in successfully.
    `);
  }
  return talk;
}

function startTalk(
  test: { teardown(action: () => void): unknown } & ConstructorParameters<typeof Transcript>[0],
) {
  const talk = new Transcript(test);
  test.teardown(() => talk.close());
  return talk;
}

t.test('words: registration and login, to the letter', async (t) => {
  const talk = startTalk(t);
  await talk.join('ann', one.chatPort);
  await talk.play(`
    ann> register ann nonsense secret
    ann< Illegal e-mail, please try again...
    ann> register ann ann@example.org short
    ann< Illegal password, please try again...
    ann> register ann ann@example.org a secret with spaces
    ann< signed up successfully.
    ann> register ann2 ANN@example.org secret
    ann< This e-mail is already exist, please try again...
    ann> register ann other@example.org secret
    ann< This name is already exist, please try again...
    ann> login ann@example.org wrong
    ann< Wrong name or password, please try again...
    ann> login nobody secret
    ann< Wrong name or password, please try again...
    ann> create-group team secret
    ann< Please log in first!
    ann> login ann@example.org a secret with spaces
    ann< log in successfully.
    ann> nonsense
    ann< Wrong input
    ann> login ann
    ann< Wrong input
    ann> invite CODE
    ann< OK
  `);
  await talk.join('again', two.chatPort);
  await talk.play(`
    again> login ann a secret with spaces
    again< log in successfully.
    again> exit server!
    again< exit server!
  `);
  t.equal(await talk.rest('again'), '');
});

t.test('words: a group from its creation to the exit, on two nodes', async (t) => {
  const talk = await talkOf(t, ['bob', 'cat', 'dan']);
  await talk.play(`
    bob> create-group club letmein
    bob< hey bob, group created, group id:club
    cat> create-group club other
    cat< This group is already exist, please try again...
    cat> join-group club wrong
    cat< Wrong group id or password please try again...
    cat> join-group nowhere letmein
    cat< Wrong group id or password please try again...
    cat> send-to-group club hi
    cat< Wrong group id or password please try again...
    cat> join-group club letmein
    cat< Welcome to the chat room number club !
    bob< user cat join the chat!
    cat> hello there
    bob< cat: hello there
    bob> send-to-group club and to you
    cat< bob: and to you
    bob> /chat members
    bob< chat member:
    bob< bob
    bob< cat
    bob<
    bob> /cat:psst: you
    cat< (Private massage)bob:psst: you
    bob> /zed:psst
    bob< Wrong input
    bob> /nonsense
    bob< Wrong input
    cat> exit chat!
    cat< exit chat!
    cat< return to menu...
    bob< user cat disconnect!
    cat> hello again
    cat< Wrong input
    bob> still here?
    cat< bob: still here?
    cat> join-group club
    cat< Wrong input
    cat> join-group club letmein
    cat< Welcome to the chat room number club !
    bob< user cat join the chat!
    cat> back
    bob< cat: back
    dan> exit server!
    dan< exit server!
  `);
});

t.test('words: a message for a member who is offline comes at the next login', async (t) => {
  const talk = await talkOf(t, ['eve', 'fay']);
  await talk.play(`
    eve> create-group late letmein
    eve< hey eve, group created, group id:late
    fay> join-group late letmein
    fay< Welcome to the chat room number late !
    eve< user fay join the chat!
    fay> exit server!
    fay< exit server!
    eve< user fay disconnect!
    eve> see you
    eve> /chat members
    eve< chat member:
    eve< eve
    eve< fay
    eve<
  `);
  await talk.join('fay', one.chatPort);
  await talk.play(`
    fay> login fay secret
    fay< log in successfully.
    fay< eve: see you
  `);
});

t.test('words: who is in a room stays in it when its group gets another name', async (t) => {
  const talk = await talkOf(t, ['jon']);
  const owner = await NativeClient.join(two.httpPort, 'owner');
  t.teardown(() => owner.destroy());
  await owner.change({ op: 'create-group', group: 'first', password: 'letmein' });
  await talk.play('jon> join-group FIRST letmein\njon< Welcome to the chat room number first !');
  await owner.change({ op: 'rename-group', group: 'first', name: 'second' });
  await owner.change({ op: 'send', to: '#second', text: 'renamed' });
  await talk.play('jon< owner: renamed\njon> and still here');
  t.match(await owner.next((frame) => frame.ev === 'message' && frame.from === 'jon'), {
    to: '#second',
    text: 'and still here',
  });
});

t.test('words: an invitation is shown before the menu, or in it', async (t) => {
  const talk = startTalk(t);
  const fixed = await startNodes(1, {}, {}, [{ dialect: 'words', port: 0, dialBack: false }]);
  t.teardown(fixed.stop);
  await talk.join('early', fixed.nodes[0]?.listenerPorts[0] ?? 0);
  await talk.join('late', one.chatPort);
  await talk.play(`
    early> invite CODE
    early< OK
    early>
    early< Welcome to the server!
    early< 1.log in
    late>
    late< Welcome to the server!
    late< 1.log in
    late< 2.sign up
    late< 3.disconect server
    late> invite CODE
    late< OK
    late< 1.log in
  `);
});

t.test('words: the menu dialogue, from an empty first line', async (t) => {
  const talk = startTalk(t);
  await talk.join('gus', one.chatPort);
  await talk.play(`
    gus>
    gus< Welcome to the server!
    gus< 1.log in
    gus< 2.sign up
    gus< 3.disconect server
    gus> 7
    gus< Wrong input
    gus< 1.log in
    gus< 2.sign up
    gus< 3.disconect server
    gus> 2
    gus< Enter your name:
    gus> gus
    gus< Enter your e-mail:
    gus> gus@example.org
    gus< Enter your password:
    gus> secret
    gus< signed up successfully.
    gus< 1.log in
    gus< 2.sign up
    gus< 3.disconect server
    gus> 1
    gus< Enter your e-mail:
    gus> gus@example.org
    gus< Enter your password:
    gus> wrong!
    gus< Wrong name or password, please try again...
    gus< 1.log in
    gus< 2.sign up
    gus< 3.disconect server
    gus> 1
    gus< Enter your e-mail:
    gus> gus@example.org
    gus< Enter your password:
    gus> secret
    gus< log in successfully.
    gus< 1.create
    gus< 2.connect
    gus< 3.disconnect
    gus> 1
    gus< Enter group id:
    gus> menu
    gus< Enter group password:
    gus> letmein
    gus< hey gus, group created, group id:menu
    gus> said into the room
    gus> exit chat!
    gus< exit chat!
    gus< return to menu...
    gus< 1.create
    gus< 2.connect
    gus< 3.disconnect
    gus> 2
    gus< Enter group id:
    gus> menu
    gus< Enter group password:
    gus> letmein
    gus< Welcome to the chat room number menu !
    gus> exit chat!
    gus< exit chat!
    gus< return to menu...
    gus< 1.create
    gus< 2.connect
    gus< 3.disconnect
    gus> 3
    gus< exit server!
  `);
  t.equal(await talk.rest('gus'), '');
});

t.test('words: without a majority every command says so in the same words', async (t) => {
  const talk = await talkOf(t, ['hal']);
  await talk.play('hal> create-group dark letmein\nhal< hey hal, group created, group id:dark');
  cluster.majority = false;
  t.teardown(() => {
    cluster.majority = true;
  });
  for (const line of [
    'create-group more letmein',
    'join-group dark letmein',
    'send-to-group dark hi',
    'hi',
    '/chat members',
    '/ann:hi',
  ]) {
    await talk.play(`hal> ${line}\nhal< Service unavailable: no leader, try again.`);
  }
  await talk.play(`
    hal> exit chat!
    hal< exit chat!
    hal< return to menu...
    hal> exit server!
    hal< exit server!
  `);
});

t.test('words: whoever leaves waits for no cluster that does not answer', async (t) => {
  const talk = await talkOf(t, ['ivy']);
  await talk.play('ivy> create-group still letmein\nivy< hey ivy, group created, group id:still');
  for (const { engine } of nodes) engine.held = true;
  t.teardown(() => {
    for (const { engine } of nodes) engine.held = false;
  });
  await talk.play(`
    ivy> exit chat!
    ivy< exit chat!
    ivy< return to menu...
    ivy> exit server!
    ivy< exit server!
  `);
  t.equal(await talk.rest('ivy'), '');
});
