/** The slash dialect over real sockets, to the letter: by lines, by a fixed listener and by WebSocket. */
import t from 'tap';
import { WebSocket } from 'ws';
import { startNodes } from '../../../support/gateway.ts';
import { Transcript } from '../support/transcript.ts';

const { cluster, nodes, stop } = await startNodes(2);
t.teardown(stop);
const [one, two] = nodes;
if (one === undefined || two === undefined) throw new Error('two nodes');

t.test('slash: the example session of its description, by lines', async (t) => {
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  for (const [name, node] of [
    ['sophia', one],
    ['jojo', two],
    ['nana', one],
  ] as const) {
    await talk.join(name, node.chatPort);
    await talk.play(`
      ${name}> /name ${name}
      ${name}< SUCCESS: Username registered.
    `);
  }
  await talk.play(`
    sophia> Hello everyone!
    jojo< [Broadcast from sophia]: Hello everyone!
    nana< [Broadcast from sophia]: Hello everyone!
    nana> /quit
    nana< SUCCESS: You have left the ChatSystem:)
  `);
  t.equal(await talk.rest('nana'), '');
  await talk.play(`
    sophia> /list
    sophia< sophia, jojo
    sophia> /msg jojo How are you?
    sophia< Private message to jojo: How are you?
    jojo< Private message from sophia: How are you?
    jojo> /showgroups
    jojo< No groups available.
    sophia> /create haha
    sophia< Group haha created and joined.
    jojo> /showgroups
    jojo< haha
    jojo> /join haha
    jojo< Joined group haha
    jojo> /showgroupmembers
    jojo< jojo sophia
    jojo> /group haha Hello there!
    jojo< Group message to haha: Hello there!
    sophia< [Receive group haha message from jojo]: Hello there!
  `);
});

t.test('slash: what is refused, to the letter', async (t) => {
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('ann', one.chatPort);
  await talk.join('bob', two.chatPort);
  await talk.play(`
    ann> /list x
    ann< ERROR: Invalid command format. Use /list
    ann> /nonsense
    ann< ERROR: Unknown command. Use /help.
    ann> /msg bob hi
    ann< ERROR: Please log in first!
    ann> /register ann pw
    ann< SUCCESS: Logged in as ann.
    bob> /register ann pw2
    bob< ERROR: Username already taken. Please choose another one.
    bob> /login ann wrong
    bob< ERROR: Incorrect username or password.
    bob> /register bob pw
    bob< SUCCESS: Logged in as bob.
    bob> /register bob2 pw
    bob< ERROR: Already logged in.
    ann> /msg bob
    ann< ERROR: Invalid private message format. Use /msg <username> <message>
    ann> /msg ann hi
    ann< ERROR: You cannot send a message to yourself.
    ann> /msg zed hi
    ann< ERROR: User 'zed' does not exist.
    ann> /msg #club hi
    ann< ERROR: User '#club' does not exist.
    ann> /create club secret
    ann< Group club created and joined.
    bob> /create club
    bob< Group 'club' already exists.
    bob> /group club hi
    bob< ERROR: You have not join group 'club'.
    bob> /showgroupmembers club
    bob< ERROR: You have not join group 'club'.
    bob> /join club
    bob< ERROR: Wrong group password.
    bob> /join nowhere
    bob< Group 'nowhere' does not exist.
    bob> /join club secret
    bob< Joined group club
    bob> /join club secret
    bob< ERROR: You are already in group 'club'.
    bob> /group club
    bob< ERROR: Invalid group message format. Use /group <groupname> <message>
    bob> /group nowhere hi
    bob< Group 'nowhere' does not exist.
    bob> /leave club
    bob< Left group club
    bob> /leave club
    bob< ERROR: You have not join group 'club'.
    bob> /showgroupmembers nowhere
    bob< Group 'nowhere' does not exist.
    bob> /file ann x.txt
    bob< ERROR: File transfer needs the client.
    bob> /groupfile club x.txt
    bob< ERROR: File transfer needs the client.
    bob> /file ann
    bob< ERROR: Invalid file format. Use /file <username> <filename>
    bob> /invite CODE
    bob< OK
  `);
});

t.test('slash: a taken name closes the connection; a guest cannot take a registered one', async (t) => {
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('stranger', two.chatPort);
  await talk.play(`
    stranger> /name ann
    stranger< ERROR: Username already taken. Please choose another one.
  `);
  t.equal(await talk.rest('stranger'), '');
});

t.test('slash: a private message waits for one who is offline, across nodes', async (t) => {
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('cat', one.chatPort);
  await talk.join('dog', two.chatPort);
  await talk.play(`
    cat> /register cat pw
    cat< SUCCESS: Logged in as cat.
    dog> /register dog pw
    dog< SUCCESS: Logged in as dog.
    dog> /quit
    dog< SUCCESS: You have left the ChatSystem:)
    cat> /msg dog later | then
    cat< Private message to dog: later | then
  `);
  await talk.join('dog', one.chatPort);
  await talk.play(`
    dog> /login dog pw
    dog< SUCCESS: Logged in as dog.
    dog< Private message from cat: later | then
  `);
});

t.test(
  'slash: speaking to everyone too often is refused with the time to wait, where configured',
  async (t) => {
    const slow = await startNodes(1, {
      limits: { halfLineMs: 10_000, silentMs: 300_000, broadcastMs: 60_000 },
    });
    t.teardown(() => slow.stop());
    const talk = new Transcript(t);
    t.teardown(() => talk.close());
    await talk.join('eve', slow.nodes[0]?.chatPort ?? 0);
    const [left] = await talk.play(`
    eve> /name eve
    eve< SUCCESS: Username registered.
    eve> first
    eve> second
    eve< Please wait … seconds before sending another message.
  `);
    t.match(left, /^(59\.\d|60\.0)$/);
  },
);

t.test('slash: without a majority every command says so in the same words', async (t) => {
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('fox', one.chatPort);
  await talk.play('fox> /register fox pw\nfox< SUCCESS: Logged in as fox.');
  cluster.majority = false;
  t.teardown(() => {
    cluster.majority = true;
  });
  for (const line of [
    'hello',
    '/msg ann x',
    '/list',
    '/create g',
    '/join club',
    '/showgroups',
    '/leave club',
  ]) {
    await talk.play(`fox> ${line}\nfox< ERROR: Service unavailable: no leader, try again.`);
  }
  await talk.play('fox> /help\nfox< /public <message> - …');
});

t.test('slash: a guest who leaves waits for no cluster that does not answer', async (t) => {
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('gil', one.chatPort);
  await talk.play('gil> /name gil\ngil< SUCCESS: Username registered.');
  for (const { engine } of nodes) engine.held = true;
  t.teardown(() => {
    for (const { engine } of nodes) engine.held = false;
  });
  await talk.play('gil> /quit\ngil< SUCCESS: You have left the ChatSystem:)');
  t.equal(await talk.rest('gil'), '');
});

t.test('slash: over WebSocket a first frame that is a bare word is a name, until one is taken', async (t) => {
  const socket = new WebSocket(`ws://127.0.0.1:${one.httpPort}/slash`);
  const frames: string[] = [];
  let wake = (): void => undefined;
  socket.on('message', (data) => {
    frames.push(String(data));
    wake();
  });
  await new Promise((resolve) => socket.once('open', resolve));
  const next = async (): Promise<string> => {
    while (frames.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return frames.shift() ?? '';
  };
  socket.send('g');
  t.equal(await next(), 'ERROR: Username must be alphanumeric and 2-20 characters!');
  socket.send('gina\n');
  t.equal(await next(), 'SUCCESS: Username registered.', 'after a refused one the next is a name, too');
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('hal', two.chatPort);
  await talk.play('hal> /register hal pw\nhal< SUCCESS: Logged in as hal.');
  socket.send('hello over the web');
  await talk.play(
    'hal< [Broadcast from gina]: hello over the web\nhal> /msg gina hi\nhal< Private message to gina: hi',
  );
  t.equal(await next(), 'Private message from hal: hi');
  socket.send('/list\r\n');
  t.match(await next(), /gina, hal$/, 'a frame may end as a line does');
  socket.send('/quit');
  t.equal(await next(), 'SUCCESS: You have left the ChatSystem:)');
  await new Promise((resolve) => socket.once('close', resolve));
  await talk.play("hal> /msg gina gone?\nhal< ERROR: User 'gina' does not exist.");
});
