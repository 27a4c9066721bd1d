/** The chat port over real sockets: the pipe dialect to the letter, and what all line dialects share. */
import { createServer } from 'node:net';
import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { LineClient, metric, noAddressBounds, startNodes, until } from '../../support/gateway.ts';

const timeouts = { halfLineMs: 10_000, silentMs: 300_000 };
const { cluster, nodes, stop } = await startNodes(2);
t.teardown(stop);
const [one, two] = nodes;
if (one === undefined || two === undefined) throw new Error('two nodes');

const badLogin = 'Incorrect username or password. Please try again.';
const unavailable = 'Error UNAVAILABLE: Service unavailable: no leader, try again.';

async function loggedIn(port: number, user: string): Promise<LineClient> {
  const client = await LineClient.open(port);
  client.send(`1|${user}|pw\n2|${user}|pw\n`);
  await client.take(2);
  return client;
}

t.test('pipe: an empty cluster has no users', async (t) => {
  const client = await LineClient.open(one.chatPort);
  t.same(await client.ask('4', 2), ['No existing users!', '']);
  t.same(await client.ask('5|a', 2), ['No usernames starting with a', '']);
  client.destroy();
});

t.test('pipe: registration, to the letter', async (t) => {
  const client = await LineClient.open(one.chatPort);
  const badName = 'Username must be alphanumeric and 2-20 characters!';
  t.same(await client.ask('1|bob|pw'), ['New account created! User ID: bob. Please log in.']);
  t.same(await client.ask('1|bob|other'), ['Account bob already exists!']);
  t.same(await client.ask('1|BOB|other'), ['Account BOB already exists!']);
  t.same(await client.ask('1|b|pw'), [badName]);
  t.same(await client.ask('1|aaaaaaaaaaaaaaaaaaaaa|pw'), [badName]);
  t.same(await client.ask('1|bö|pw'), [badName]);
  t.same(await client.ask('1|bo-b|pw'), [badName]);
  t.match(await client.ask('1|bob2|'), [/^Error WEAK_PASSWORD: /]);
  t.match(await client.ask(`1|bob2|${'p'.repeat(limits.passwordBytes + 1)}`), [/^Error TOO_LONG: /]);
  t.same(await client.ask('1|bars|p|w|'), ['New account created! User ID: bars. Please log in.']);
  t.same(await client.ask('2|bars|p'), [badLogin]);
  t.same(await client.ask('2|bars|p|w|'), ['Login successful - welcome back bars!']);
  t.same(await client.ask('1|carl|pw'), ['Please disconnect first!']);
  t.same(await client.ask('3|bars'), ['Account bars has been deleted.']);
  client.destroy();
});

t.test('pipe: login, to the letter, without telling names from passwords', async (t) => {
  const client = await LineClient.open(one.chatPort);
  const before = one.hasher.verifications;
  t.same(await client.ask('2|bob|wrong'), [badLogin]);
  t.same(await client.ask('2|nobody|pw'), [badLogin]);
  t.equal(one.hasher.verifications - before, 2, 'both cost one verification');
  t.same(await client.ask('2|bob|pw'), ['Login successful - welcome back bob!']);
  t.same(await client.ask('2|bob|pw'), ['Please log out first!']);
  t.same(await client.ask('q'), ['Goodbye!']);
  t.same(await client.ask('2|BOB|pw'), ['Login successful - welcome back bob!']);
  client.destroy();
});

t.test('pipe: what needs a login says so', async (t) => {
  const client = await LineClient.open(one.chatPort);
  t.same(await client.ask('3|bob'), ['Please log in first!']);
  t.same(await client.ask('d|bob|hi'), ['Please log in to send a message!']);
  t.same(await client.ask('6|bob'), ['Please log in first!']);
  t.same(await client.ask('q'), ['Goodbye!']);
  client.destroy();
});

t.test('pipe: nonsense and wrong field counts, to the letter', async (t) => {
  const client = await LineClient.open(one.chatPort);
  const invalid = 'Invalid request, use "h" for usage help!';
  for (const line of ['7', 'hello there', ' 4', '11|a|b']) t.same(await client.ask(line), [invalid]);
  for (const [line, usage] of [
    ['1|bob', '1|user|password'],
    ['2', '2|user|password'],
    ['3', '3|user'],
    ['4|x', '4'],
    ['5', '5|pattern'],
    ['d|bob', 'd|to|message'],
    ['6', '6|user or 6|user|N'],
    ['6|bob|many', '6|user or 6|user|N'],
  ]) {
    t.same(await client.ask(line ?? ''), [`Invalid arguments! Usage: ${usage}`]);
  }
  const help = await client.ask('h', 12);
  t.equal(help.at(-1), '');
  client.destroy();
});

t.test('pipe: a message for one offline waits, one for one online arrives, across nodes', async (t) => {
  const ann = await loggedIn(one.chatPort, 'ann');
  t.same(await ann.ask('d|eve|x'), ['Message failed to send! Verify recipient username.']);
  t.same(await ann.ask('d|bob|first'), ['Message will be delivered to bob after the account is online.']);
  t.same(await ann.ask('d|BOB|a|b | c'), ['Message will be delivered to bob after the account is online.']);
  t.same(await ann.ask('4', 3), ['ann ✅', 'bob', '']);
  const bob = await LineClient.open(two.chatPort);
  bob.send('2|bob|pw\n');
  t.same(await bob.take(3), ['Login successful - welcome back bob!', '[ann] first', '[ann] a|b | c']);
  t.same(await ann.ask('d|bob|live'), ['Message sent to bob.']);
  t.same(await bob.take(), ['[ann] live']);
  t.same(
    await ann.ask('d|ann|note'),
    ['[ann] note', 'Message sent to ann.'].slice(0, 1),
    'to oneself: both lines come',
  );
  await ann.take();
  t.same(await ann.ask('4', 3), ['ann ✅', 'bob ✅', '']);
  t.same(await ann.ask('5|b', 2), ['bob (live)', '']);
  t.same(await ann.ask('5|?o*', 2), ['bob (live)', '']);
  t.same(await ann.ask('5|zz', 2), ['No usernames starting with zz', '']);
  t.same(await bob.ask('6|ann', 4), ['[ann] first', '[ann] a|b | c', '[ann] live', '']);
  t.same(await bob.ask('6|ann|1', 2), ['[ann] live', '']);
  t.same(await bob.ask('q'), ['Goodbye!']);
  const again = await LineClient.open(one.chatPort);
  t.same(await again.ask('2|bob|pw'), ['Login successful - welcome back bob!']);
  t.same(await again.ask('6|bob', 1), [''], 'nothing pending came a second time');
  for (const client of [ann, bob, again]) client.destroy();
});

t.test('pipe: control characters of a text are shown, not sent', async (t) => {
  const client = await loggedIn(one.chatPort, 'ctrl');
  client.send('d|ctrl|a\x1b[31m\tb\n');
  t.match(await client.take(2), ['[ctrl] a\\x1b[31m\\x09b']);
  client.destroy();
});

t.test('pipe: deletion takes the account, its connections everywhere, and leaves its messages', async (t) => {
  const dan = await loggedIn(one.chatPort, 'dan');
  const elsewhere = await LineClient.open(two.chatPort);
  await elsewhere.ask('2|dan|pw');
  const eli = await loggedIn(two.chatPort, 'eli');
  await dan.ask('d|eli|bye');
  t.same(await eli.take(), ['[dan] bye']);
  t.same(await dan.ask('3|eli'), ['You can only delete your own account.']);
  t.same(await dan.ask('3|dan'), ['Account dan has been deleted.']);
  t.equal(await elsewhere.rest(), '', 'the other connection is closed');
  t.same(await dan.ask('2|dan|pw'), [badLogin]);
  t.same(await eli.ask('d|dan|hello?'), ['Message failed to send! Verify recipient username.']);
  t.same(await dan.ask('1|dan|new'), ['New account created! User ID: dan. Please log in.']);
  for (const client of [dan, eli]) client.destroy();
});

t.test('chat port: a line of the limit is taken, a longer one is refused and closes', async (t) => {
  const client = await LineClient.open(one.chatPort);
  t.match(await client.ask('x'.repeat(limits.lineBytes)), [/^Invalid request/]);
  client.send(`${'x'.repeat(limits.lineBytes + 1)}\n4\n`);
  t.equal(await client.rest(), 'Error LINE_TOO_LONG: The line is longer than 8192 bytes.\n');
  const endless = await LineClient.open(one.chatPort);
  endless.send('y'.repeat(10 * limits.lineBytes));
  t.match(await endless.rest(), /^Error LINE_TOO_LONG: /);
});

t.test('chat port: bad UTF-8 and NUL are refused, the connection stays', async (t) => {
  const client = await LineClient.open(one.chatPort);
  const refused = 'Error BAD_ENCODING: The line is not valid UTF-8 or holds a NUL.';
  client.send(Buffer.from([0x34, 0xff, 0x0a]));
  t.same(await client.take(), [refused]);
  client.send('d|bob|a\0b\n');
  t.same(await client.take(), [refused]);
  t.same((await client.ask('h', 12)).at(-1), '');
  client.destroy();
});

t.test('chat port: lines in one chunk, split chunks and CRLF are answered in order', async (t) => {
  const client = await LineClient.open(one.chatPort);
  client.send('1|ord|pw\r\n2|ord|pw\nd|ord|one\nd|or');
  const first = await client.take(4);
  client.send('d|two\r\n');
  const all = [...first, ...(await client.take(2))];
  t.same(
    all.filter((line) => !line.startsWith('[')),
    [
      'New account created! User ID: ord. Please log in.',
      'Login successful - welcome back ord!',
      'Message sent to ord.',
      'Message sent to ord.',
    ],
  );
  t.same(
    all.filter((line) => line.startsWith('[')),
    ['[ord] one', '[ord] two'],
  );
  client.destroy();
});

t.test(
  'chat port: a client that ends its side gets every answer first; half a line is dropped',
  async (t) => {
    const sender = await loggedIn(two.chatPort, 'sent');
    const client = await LineClient.open(one.chatPort);
    await client.ask('1|half|pw');
    for (let at = 0; at < 50; at++) await sender.ask(`d|half|${at}`);
    client.send('2|half|pw\nd|half|whole\nd|half|cut off he');
    client.finish();
    const text = await client.rest();
    t.match(text, /^Login successful - welcome back half!\n/);
    t.match(text, /Message sent to half\.\n/);
    t.equal(text.match(/^\[sent\] /gm)?.length, 50, 'what was pending belongs to the answer');
    t.notMatch(text, /cut off/);
    t.same(await sender.ask('6|half|1', 2), ['[sent] 49', '']);
    sender.destroy();
  },
);

t.test('chat port: after goodbye the connection is closed unless something follows', async (t) => {
  const client = await LineClient.open(one.chatPort);
  await client.ask('q');
  t.equal(await client.rest(), '');
});

t.test(
  'chat port: no majority is said for changes and reads, h and q still work, the connection stays',
  async (t) => {
    const client = await loggedIn(one.chatPort, 'maj');
    const stranger = await LineClient.open(two.chatPort);
    cluster.majority = false;
    for (const line of ['d|bob|x', '4', '5|b', '6|bob', '3|maj'])
      t.same(await client.ask(line), [unavailable]);
    for (const line of ['1|newone|pw', '2|bob|pw', '4']) t.same(await stranger.ask(line), [unavailable]);
    t.equal((await stranger.ask('h', 10)).length, 10);
    t.same(await client.ask('q'), ['Goodbye!']);
    cluster.majority = true;
    t.same(await client.ask('2|maj|pw'), ['Login successful - welcome back maj!']);
    one.engine.mute = true;
    t.match(await client.ask('d|bob|x'), [/^Error UNKNOWN_OUTCOME: /]);
    one.engine.mute = false;
    client.destroy();
    stranger.destroy();
  },
);

t.test(
  'chat port: a reader that stops reading is cut off; its messages are there when it comes back',
  async (t) => {
    const reader = await loggedIn(two.chatPort, 'slow');
    const writer = await loggedIn(one.chatPort, 'fast');
    reader.stall();
    // More than the sockets of both sides hold by themselves.
    const count = 1_500;
    const text = 'z'.repeat(8_000);
    for (let from = 0; from < count; from += 100) {
      for (let at = 0; at < 100; at++) writer.send(`d|slow|${text}\n`);
      await writer.take(100);
    }
    while ((await metric(two, 'conclave_slow_readers_total')) === 0) await until(() => true);
    reader.resume();
    const seen = (await reader.rest()).match(/^\[fast\] z+$/gm)?.length ?? 0;
    t.ok(seen < count, 'not all was taken');
    const again = await LineClient.open(one.chatPort);
    again.send('2|slow|pw\n');
    const pending = await again.take(1 + count - seen);
    t.ok(
      pending.slice(1).every((line) => line.length === text.length + 7),
      'what it had not taken is pushed',
    );
    writer.send('6|slow|1500\n');
    const history = await writer.take(count + 1);
    t.equal(history.at(-1), '', 'a list of many pages ends once');
    for (const client of [writer, again]) client.destroy();
  },
);

t.test('chat port: a used port is named in the error', async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { ChatPort } = await import('../../../src/gateway/lines/chat-port.ts');
  const { AddressLimits } = await import('../../../src/gateway/connections/address-limits.ts');
  const { Counters } = await import('../../../src/gateway/connections/counters.ts');
  const { silentLogger } = await import('../../../src/base/logger.ts');
  const { systemClock } = await import('../../../src/base/system-clock.ts');
  const server = new ChatPort({
    door: null,
    clock: systemClock,
    logger: silentLogger,
    counters: new Counters(),
    timeouts,
    open: () => {
      throw new Error('nobody connects');
    },
    addresses: new AddressLimits(systemClock, noAddressBounds),
    dialect: null,
    tls: null,
  });
  await t.rejects(server.listen('127.0.0.1', port), {
    code: 'PORT_IN_USE',
    message: `chat port: 127.0.0.1:${port} is in use by another process`,
  });
  await server.stop();
  taken.close();
});

t.test(
  'chat port: half a line, or silence, before login is timed out; a logged-in connection may idle',
  async (t) => {
    const quick = await startNodes(1, { limits: { halfLineMs: 300, silentMs: 600 } });
    const port = quick.nodes[0]?.chatPort ?? 0;
    const member = await loggedIn(port, 'idle');
    const half = await LineClient.open(port);
    half.send('2|idle');
    const silent = await LineClient.open(port);
    const idle = 'Error IDLE: Nothing complete was received in time.\n';
    t.equal(await half.rest(), idle);
    t.equal(await silent.rest(), idle);
    t.same(await member.ask('d|idle|still here', 2), ['[idle] still here', 'Message sent to idle.']);
    member.destroy();
    await quick.stop();
  },
);

t.test('chat port: a configured policy shows: single sessions, and unknown users told apart', async (t) => {
  const strict = await startNodes(2, { sessions: 'single', revealUnknownUser: true });
  const [first, second] = strict.nodes.map((node) => node.chatPort);
  const ann = await loggedIn(first ?? 0, 'ann');
  const again = await LineClient.open(second ?? 0);
  t.same(await again.ask('2|ann|pw'), ['User ann already logged in. Please try again.']);
  t.same(await again.ask('2|zoe|pw'), ['User zoe does not exist. Please create an account.']);
  t.same(await again.ask('2|ann|no'), ['Incorrect password. Please try again.']);
  await ann.ask('q');
  t.same(await again.ask('2|ann|pw'), ['Login successful - welcome back ann!']);
  ann.destroy();
  again.destroy();
  await strict.stop();
});

t.test(
  'chat port: outside the demonstration profile the user list needs a login and passwords are longer',
  async (t) => {
    const safe = await startNodes(1, { profile: 'production' });
    const client = await LineClient.open(safe.nodes[0]?.chatPort ?? 0);
    t.same(await client.ask('4'), ['Please log in first!']);
    t.same(await client.ask('1|ann|short'), ['Error DENIED: Registration is by invitation.']);
    t.same(await client.ask('invite CODE'), ['OK']);
    t.match(await client.ask('1|ann|short'), [/^Error WEAK_PASSWORD: /]);
    client.destroy();
    await safe.stop();
  },
);

t.test('chat port: a node that stops answers the running line, then ends', async (t) => {
  const going = await startNodes(1);
  const client = await loggedIn(going.nodes[0]?.chatPort ?? 0, 'last');
  client.send('d|last|words\n');
  await until(() => (going.nodes[0]?.engine.proposals ?? 0) >= 2);
  await going.stop();
  t.match(await client.rest(), /Message sent to last\.\n/);
});
