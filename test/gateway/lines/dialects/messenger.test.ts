/** The messenger dialect over real sockets, to the letter; its pushes under a virtual clock. */
import { createServer, type Socket } from 'node:net';
import t from 'tap';
import {
  againMs,
  MessengerPushes,
  type PushItem,
} from '../../../../src/gateway/lines/dialects/messenger-pushes.ts';
import { LineClient, startNodes, until } from '../../../support/gateway.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';
import { Transcript } from '../support/transcript.ts';

const { cluster, nodes, stop } = await startNodes(2);
t.teardown(stop);
const [one, two] = nodes;
if (one === undefined || two === undefined) throw new Error('two nodes');

t.test('messenger: accounts, to the letter', async (t) => {
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('a', one.chatPort);
  await talk.play(`
    a> USR|user|pw|The User
    a< 0|OK
    a> USR|user|other|Somebody
    a< 1|user already exists
    a> ADD|user2|pw|user2@example.org
    a< 0|OK
    a> ADD|user3|pw|nonsense
    a< 9|This is no e-mail address.
    a> USR|user3|pw
    a< ERR|Unknown Command.
    a> MSG|user|user2|hi
    a< 1|Sender doesn't exist
    a> JOIN|#club
    a< 9|Please log in first!
    a> LOG|user|wrong
    a< 1|Invalid Credentials
    a> LOGIN|nobody|pw
    a< 1|Invalid Credentials
    a> LOG|user|pw
    a< 0|OK
    a> LOG|user|pw
    a< 2|Already signed in.
    a> INVITE|CODE
    a< OK
    a> PORT|10001
    a< 1|Port not allowed
    a> NONSENSE
    a< ERR|Unknown Command.
    a> 0|000009
    a< ERR|Unknown Command.
    a> OUT|OK
    a< 0|OK
  `);
  t.equal(await talk.rest('a'), '');
});

t.test('messenger: numbered messages, acknowledged, with receipts to the sender, across nodes', async (t) => {
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('a', one.chatPort);
  await talk.join('b', two.chatPort);
  await talk.play(`
    a> USR|ann|pw|Ann
    a< 0|OK
    b> USR|bob|pw|Bob
    b< 0|OK
    a> LOG|ann|pw
    a< 0|OK
    a> MSG|bob|ann|spoofed
    a< 1|Sender doesn't exist
    a> MSG|ann|zed|hi
    a< 2|Receiver doesn't exist
    a> MSG|ann|#club|hi
    a< 2|Receiver doesn't exist
    a> MSG|ann|bob|first | with a bar
    a< 0|000001
    a> MSG|ANN|bob|second
    a< 0|000002
    b> LOG|bob|pw
    b< 0|OK
    b< R|ann|000001|first | with a bar
    b< R|ann|000002|second
    b> 0|000002
    a< OK|ann|bob|000002
    a> 0|OK
    b> 0|000001
    a< OK|ann|bob|000001
    b> MSG|bob|ann|back
    b< 0|000001
    a< R|bob|000001|back
    a> 0|000001
    b< OK|bob|ann|000001
    b> 0|OK
    a> QUIT|DISCONNECT
    a< 0|OK
  `);
  // A receipt that was not confirmed comes again with the next connection; one that was does not.
  await talk.join('a', two.chatPort);
  await talk.play(`
    a> LOGIN|ann|pw
    a< 0|OK
    a< OK|ann|bob|000001
    a> 0|OK
    a> MSG|ann|bob|third
    a< 0|000003
    b< R|ann|000003|third
  `);
});

t.test('messenger: what is not acknowledged comes again on a new connection, what is does not', async (t) => {
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('c', one.chatPort);
  await talk.join('d', one.chatPort);
  await talk.play(`
    c> USR|cat|pw|Cat
    c< 0|OK
    d> USR|dog|pw|Dog
    d< 0|OK
    c> LOG|cat|pw
    c< 0|OK
    d> LOG|dog|pw
    d< 0|OK
    c> MSG|cat|dog|one
    c< 0|000001
    c> MSG|cat|dog|two
    c< 0|000002
    d< R|cat|000001|one
    d< R|cat|000002|two
    d> 0|000002
    c< OK|cat|dog|000002
    d> MSG|dog|cat|said meanwhile
    d< 0|000001
  `);
  await talk.join('d', two.chatPort);
  await talk.play(`
    d> LOG|dog|pw
    d< 0|OK
    d< R|cat|000001|one
    d> 0|000001
    c< R|dog|000001|said meanwhile
    c< OK|cat|dog|000001
  `);
});

t.test('messenger: a group, open and with a password', async (t) => {
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('e', one.chatPort);
  await talk.join('f', two.chatPort);
  await talk.play(`
    e> USR|eve|pw|Eve
    e< 0|OK
    e> LOG|eve|pw
    e< 0|OK
    f> USR|fay|pw|Fay
    f< 0|OK
    f> LOG|fay|pw
    f< 0|OK
    e> JOIN|#team|secret
    e< 0|OK
    e> JOIN|#team
    e< 0|OK
    e> JOIN|team
    e< ERR|Unknown Command.
    f> JOIN|#team|wrong
    f< 9|Group password wrong.
    f> JOIN|#team|secret
    f< 0|OK
    e> MSG|eve|#team|all of you
    e< 0|000001
    f< R|eve|000001|all of you
    f> 0|000001
    f> MSG|fay|eve|done
    f< 0|000001
    e< R|fay|000001|done
  `);
});

t.test(
  'messenger: two senders with equal numbers: the second waits until the first is acknowledged',
  async (t) => {
    const talk = new Transcript(t);
    t.teardown(() => talk.close());
    for (const name of ['gus', 'hal', 'ida'])
      await talk.join(name, one.chatPort).then(() =>
        talk.play(`
      ${name}> USR|${name}|pw|X
      ${name}< 0|OK
      ${name}> LOG|${name}|pw
      ${name}< 0|OK
    `),
      );
    await talk.play(`
    gus> MSG|gus|ida|from gus
    gus< 0|000001
    hal> MSG|hal|ida|from hal
    hal< 0|000001
    hal> MSG|hal|ida|again from hal
    hal< 0|000002
    ida< R|gus|000001|from gus
    ida> 0|000001
    ida< R|hal|000001|from hal
    ida< R|hal|000002|again from hal
  `);
  },
);

t.test('messenger: pushes go to the background connection where the listener allows it', async (t) => {
  const dialled = await startNodes(1, {}, {}, [{ dialect: 'messenger', port: 0, dialBack: true }]);
  t.teardown(() => dialled.stop());
  const port = dialled.nodes[0]?.listenerPorts[0] ?? 0;
  const sockets: Socket[] = [];
  const texts: string[] = [];
  const background = createServer((socket) => {
    sockets.push(socket);
    socket.setEncoding('utf8').on('data', (text: string) => texts.push(text));
  });
  await new Promise<void>((resolve) => background.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    background.close();
  });
  const address = background.address();
  const own = typeof address === 'object' && address !== null ? address.port : 0;
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('k', port);
  await talk.play(`
    k> PORT|80
    k< 1|Port not allowed
    k> PORT|${own}
    k< OK
    k> USR|kim|pw|Kim
    k< 0|OK
    k> LOG|kim|pw
    k< 0|OK
    k> MSG|kim|kim|to myself
    k< 0|000001
  `);
  await until(() => texts.join('') === 'R|kim|000001|to myself\n');
  sockets[0]?.write('0|000001\n');
  await talk.join('l', dialled.nodes[0]?.chatPort ?? 0);
  await talk.play(`
    l> USR|lee|pw|Lee
    l< 0|OK
    l> LOG|lee|pw
    l< 0|OK
    k> MSG|kim|lee|hi
    k< 0|000002
    l< R|kim|000002|hi
    l> 0|000002
  `);
  await until(() => texts.join('').endsWith('OK|kim|lee|000002\n'));
  sockets[0]?.write('0|OK\n');
  await talk.play('k> OUT|OK\nk< 0|OK');
  await until(() => sockets[0]?.destroyed === true || sockets[0]?.readableEnded === true);
});

t.test('messenger: without a majority every command says so in the same words', async (t) => {
  const client = await LineClient.open(one.chatPort);
  t.teardown(() => client.destroy());
  t.same(await client.ask('LOG|user|pw'), ['0|OK']);
  cluster.majority = false;
  t.teardown(() => {
    cluster.majority = true;
  });
  const unavailable = '9|Service unavailable: no leader, try again.';
  for (const line of ['MSG|user|user2|x', 'JOIN|#club']) t.same(await client.ask(line), [unavailable]);
  t.same(await client.ask('OUT|OK'), ['0|OK']);
});

interface Sending {
  readonly text: string;
  readonly taken: () => void;
}

function pushing(): {
  readonly clock: VirtualClock;
  readonly sent: Sending[];
  readonly pushes: MessengerPushes;
  readonly said: string[];
  item(number: number, text: string, conversation?: string): PushItem;
} {
  const clock = new VirtualClock();
  const sent: Sending[] = [];
  const said: string[] = [];
  const pushes = new MessengerPushes(clock, (text, taken) => sent.push({ text, taken }));
  const item = (number: number, text: string, conversation = text): PushItem => ({
    conversation,
    number,
    text,
    bytes: text.length,
    acknowledged: () => said.push(`acknowledged ${text.trim()}`),
    release: () => said.push(`released ${text.trim()}`),
  });
  return { clock, sent, pushes, said, item };
}

t.test(
  'messenger: a silent push comes again after its time, behind the others, and holds none up',
  async (t) => {
    const { clock, sent, pushes, item } = pushing();
    pushes.push(item(1, 'one\n'));
    await clock.advance(againMs / 2);
    pushes.push(item(2, 'two\n'));
    for (const { taken } of sent) taken();
    await clock.advance(againMs / 2);
    t.same(
      sent.map(({ text }) => text),
      ['one\n', 'two\n', 'one\n'],
    );
    t.ok(pushes.acknowledge(2));
    t.notOk(pushes.acknowledge(2), 'once');
    sent.at(-1)?.taken();
    await clock.advance(againMs);
    t.equal(sent.length, 4);
    t.equal(sent.at(-1)?.text, 'one\n');
    await clock.advance(againMs);
    t.equal(sent.length, 4, 'a sending that the connection has not taken is not repeated');
    pushes.close();
  },
);

t.test('messenger: what waits for its number keeps its place in its conversation', async (t) => {
  const { sent, pushes, item } = pushing();
  const texts = () => sent.splice(0).map(({ text }) => text.trim());
  pushes.push(item(7, 'direct\n'));
  pushes.push(item(7, 'first\n', 'group'));
  pushes.push(item(8, 'second\n', 'group'));
  pushes.push(item(9, 'elsewhere\n'));
  pushes.push(item(9, 'third\n', 'group'));
  pushes.push(item(7, 'other\n'));
  t.same(texts(), ['direct', 'elsewhere'], 'what is in no way of it is not held up');
  pushes.acknowledge(7);
  t.same(texts(), ['first', 'second'], 'up to the next number that is out');
  pushes.acknowledge(8);
  t.same(texts(), []);
  pushes.acknowledge(9);
  t.same(texts(), ['third']);
  pushes.acknowledge(7);
  t.same(texts(), ['other'], 'the one that came later has its turn');
  pushes.push(item(10, 'fourth\n', 'group'));
  t.same(texts(), ['fourth']);
  pushes.close();
});

t.test('messenger: what waits behind an equal number waits no longer than a silent push', async (t) => {
  const { clock, sent, pushes, item } = pushing();
  pushes.push(item(1, 'silent\n'));
  pushes.push(item(1, 'first\n', 'group'));
  pushes.push(item(2, 'second\n', 'group'));
  for (const { taken } of sent) taken();
  await clock.advance(againMs);
  t.same(
    sent.map(({ text }) => text.trim()),
    ['silent', 'silent', 'second'],
  );
  pushes.acknowledge(1);
  t.equal(sent.at(-1)?.text, 'first\n');
  pushes.close();
});

t.test('messenger: a new channel gets all in the order of old, whatever came again meanwhile', async (t) => {
  const { clock, sent, pushes, item } = pushing();
  pushes.push(item(1, 'one\n', 'group'));
  await clock.advance(againMs / 2);
  pushes.push(item(2, 'two\n', 'group'));
  for (const { taken } of sent) taken();
  await clock.advance(againMs / 2);
  const late: string[] = [];
  pushes.use((text) => late.push(text));
  t.same(late, ['one\n', 'two\n']);
  pushes.close();
});

t.test('messenger: a new channel gets all that is not acknowledged', async (t) => {
  const { sent, pushes, item } = pushing();
  pushes.use(null);
  pushes.push(item(1, 'one\n'));
  pushes.push(item(2, 'two\n'));
  t.equal(sent.length, 0);
  const late: string[] = [];
  pushes.use((text) => late.push(text));
  t.same(late, ['one\n', 'two\n']);
  pushes.acknowledge(1);
  const later: string[] = [];
  pushes.use((text) => later.push(text));
  t.same(later, ['two\n']);
  pushes.close();
});

t.test('messenger: above its bound a reader that does not acknowledge gets no more room', async (t) => {
  const { pushes, said, item } = pushing();
  const big = 'x'.repeat(600_000);
  pushes.push({ ...item(1, big), release: () => said.push('room 1') });
  pushes.push({ ...item(2, big), release: () => said.push('room 2') });
  t.same(said, ['room 1']);
  pushes.acknowledge(1);
  t.equal(said.at(-1), 'room 2');
  pushes.close();
});

t.test('messenger: a reader who acknowledges gets any amount on one connection', async (t) => {
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('w', one.chatPort);
  await talk.join('r', two.chatPort);
  for (const name of ['w', 'r']) {
    await talk.play(`
      ${name}> USR|${name}long|pw|
      ${name}< 0|OK
      ${name}> LOG|${name}long|pw
      ${name}< 0|OK
    `);
  }
  const text = 'x'.repeat(8_000);
  for (let number = 1; number <= 20; number++) {
    const shown = String(number).padStart(6, '0');
    await talk.play(`
      w> MSG|wlong|#lobby|${text}
      w< 0|${shown}
      r< R|wlong|${shown}|${text}
      r> 0|${shown}
    `);
  }
});
