/** The dialects at the client's side, line by line, between people on two nodes: replies and messages to the letter. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { errorTable } from '../../../src/base/errors.ts';
import { findStyle, type Style, styles } from '../../../src/cli/dialogues/styles.ts';
import { wordsHelp } from '../../../src/cli/dialogues/words-dialogue.ts';
import { startNodes, tellAddresses } from '../../support/gateway.ts';
import { menu, Person, play } from '../support/person.ts';

const { nodes, stop } = await startNodes(2);
t.teardown(stop);
tellAddresses(nodes);

t.test('slash client: a session of guests, to the letter', async (t) => {
  const directory = t.testdir({ 'example.txt': 'for jojo', downloads: {} });
  const downloads = join(directory, 'downloads');
  const people = {
    sophia: new Person(t, nodes[0], 'slash'),
    jojo: new Person(t, nodes[1], 'slash', downloads),
  };
  t.equal(people.sophia.dialogue.prompt, 'Enter your username: ');
  await play(
    t,
    people,
    `
    sophia> two words
    sophia< ERROR: Invalid username format. Use /name <username>
    sophia> sophia
    sophia< SUCCESS: Username registered.
    jojo> sophia
    jojo< ERROR: Username already taken. Please choose another one.
    jojo> jojo
    jojo< SUCCESS: Username registered.
    sophia> Hello everyone!
    jojo< [Broadcast from sophia]: Hello everyone!
    sophia> /msg jojo How are you?
    jojo< Private message from sophia: How are you?
    sophia< Private message to jojo: How are you?
    sophia> /msg nobody hi
    sophia< ERROR: User 'nobody' does not exist.
    sophia> /msg Sophia hi
    sophia< ERROR: You cannot send a message to yourself.
    sophia> /create haha
    sophia< Group haha created and joined.
    jojo> /join haha
    jojo< Joined group haha
    jojo> /showgroupmembers
    jojo< jojo sophia
    sophia> /file jojo ${join(directory, 'none.txt')}
    sophia< ERROR: File '${join(directory, 'none.txt')}' does not exist.
    sophia> /file nobody ${join(directory, 'example.txt')}
    sophia< ERROR: User 'nobody' does not exist.
    sophia> /groupfile none ${join(directory, 'example.txt')}
    sophia< Group 'none' does not exist.
    sophia> /file sophia x
    sophia< ERROR: You cannot send a message to yourself.
    sophia> /file jojo
    sophia< ERROR: Invalid file format. Use /file <username> <filename>
    sophia> /file jojo ${join(directory, 'example.txt')}
    sophia< File example.txt sent to jojo successfully.
    jojo< You received file 'example.txt' from sophia.
    sophia> /groupfile haha ${join(directory, 'example.txt')}
    sophia< File example.txt sent to group haha successfully.
    jojo< [Receive example.txt from Group haha sophia]
    sophia> /what
    sophia< ERROR: Unknown command. Use /help.
  `,
  );
  t.equal(people.sophia.dialogue.prompt, '> ');
  t.equal(await readFile(join(downloads, 'example.txt'), 'utf8'), 'for jojo');
  t.equal(await readFile(join(downloads, 'example (2).txt'), 'utf8'), 'for jojo', 'nothing is overwritten');
  t.equal(await people.sophia.types('/quit'), 'quit');
  t.equal(await people.sophia.reads(), 'SUCCESS: You have left the ChatSystem:)');
  await people.sophia.exchange.leave(() => new Promise(() => undefined));
  await play(t, people, 'jojo> /list\njojo< jojo');
});

t.test('slash client: an account has a password, and Tab knows names', async (t) => {
  const people = { carl: new Person(t, nodes[0], 'slash') };
  await play(
    t,
    people,
    `
    carl> /register carl secret
    carl< SUCCESS: Logged in as carl.
    carl> /create chess
    carl< Group chess created and joined.
  `,
  );
  const { dialogue } = people.carl;
  t.strictSame((await dialogue.complete?.('/group ch'))?.candidates, ['chess']);
  t.strictSame((await dialogue.complete?.('/msg ca'))?.candidates, ['carl']);
  t.strictSame((await dialogue.complete?.('/showgroupm'))?.candidates, ['/showgroupmembers']);
  t.ok(dialogue.holdsPassword('/login carl secret'));
  t.notOk(dialogue.holdsPassword('/msg carl secret'));
});

t.test('words client: rooms, whispers and the menu, to the letter', async (t) => {
  const people = { ann: new Person(t, nodes[0], 'words'), bob: new Person(t, nodes[1], 'words') };
  await play(
    t,
    people,
    `
    ann> /help
${wordsHelp.map((line) => `    ann< ${line}`).join('\n')}
    ann> register anna anna@example.org short
    ann< Illegal password, please try again...
    ann> register anna anna@example.org longenough
    ann< signed up successfully.
    ann> login anna@example.org longenough
    ann< log in successfully.
    ann> create-group books secret
    ann< hey anna, group created, group id:books
    bob> 
    bob< Welcome to the server!
    bob< 1.log in
    bob< 2.sign up
    bob< 3.disconect server
    bob> 2
    bob< Enter your name:
    bob> bobby
    bob< Enter your e-mail:
    bob> bobby@example.org
    bob< Enter your password:
    bob> longenough
    bob< signed up successfully.
    bob< 1.log in
    bob< 2.sign up
    bob< 3.disconect server
    bob> 1
    bob< Enter your e-mail:
    bob> bobby@example.org
    bob< Enter your password:
    bob> longenough
    bob< log in successfully.
    bob< 1.create
    bob< 2.connect
    bob< 3.disconnect
    bob> 2
    bob< Enter group id:
    bob> books
    bob< Enter group password:
    bob> secret
    bob< Welcome to the chat room number books !
    ann< user bobby join the chat!
    bob> hello all
    ann< bobby: hello all
    ann> /bobby:psst
    bob< (Private massage)anna:psst
    ann> /chat members
    ann< chat member:
    ann< anna
    ann< bobby
    ann<
    bob> exit chat!
    bob< exit chat!
    bob< return to menu...
    bob< 1.create
    bob< 2.connect
    bob< 3.disconnect
    ann< user bobby disconnect!
    ann> join-group books secret
    ann< Welcome to the chat room number books !
    bob< user anna join the chat!
  `,
  );
  const path = join(t.testdir({ 'plan.txt': 'for bobby' }), 'plan.txt');
  await play(
    t,
    people,
    `
    ann> /file bobby ${path}
    ann< File plan.txt sent to bobby successfully.
    bob< (Private massage)anna:sent a file: plan.txt (9 B)
  `,
  );
  const { client } = people.ann.exchange;
  const renamed = new Promise<void>((resolve) => {
    client.onEvent((event) => {
      if (event.ev === 'group' && event.kind === 'renamed') resolve();
    });
  });
  await client.request({ op: 'rename-group', group: 'books', name: 'shelf' });
  await renamed;
  await play(t, people, 'ann> the room has another name\nbob< anna: the room has another name');
  t.equal(await people.ann.types('exit server!'), 'quit');
  t.equal(await people.ann.reads(), 'exit server!');
});

t.test('pipe client: earlier messages page by page, conversations, what is unread', async (t) => {
  const people = { dan: new Person(t, nodes[0], 'pipe'), eve: new Person(t, nodes[1], 'pipe') };
  await play(
    t,
    people,
    `
    dan> 1|dan|pw
    dan< New account created! User ID: dan. Please log in.
    dan> 1|eve|pw
    dan< New account created! User ID: eve. Please log in.
    dan> 2|dan|pw
    dan< Login successful - welcome back dan!
    dan> f|eve
    dan< Invalid arguments! Usage: f|to|path or /file to path
    dan> /file eve
    dan< Invalid arguments! Usage: f|to|path or /file to path
    dan> /fil
    dan< Invalid request, use "h" for usage help!
    dan> c
    dan< #lobby
    dan<
    dan> d|eve|1
    dan< Message will be delivered to eve after the account is online.
    dan> d|eve|2
    dan< Message will be delivered to eve after the account is online.
    dan> d|eve|3
    dan< Message will be delivered to eve after the account is online.
    dan> 6|eve|2
    dan< [dan] 2
    dan< [dan] 3
    dan<
    dan> more
    dan< [dan] 1
    dan<
    dan> more
    dan< No earlier messages.
    dan<
    eve> 2|eve|pw
    eve< Login successful - welcome back eve!
    eve< [dan] 1
    eve< [dan] 2
    eve< [dan] 3
    eve> c
    eve< dan (3 unread)
    eve< #lobby
    eve<
  `,
  );
  t.equal(await people.dan.notices(), '(earlier ones: more)');
  await people.dan.types('/help');
  t.match(await people.dan.reads(), /^1\|user\|password - /, 'as in the other dialects');
  t.equal(await people.eve.notices(), 'Unread: dan (3)');
  people.eve.exchange.seen();
  const first = async (): Promise<string> => {
    await people.eve.types('c');
    const [line = ''] = [await people.eve.reads(), await people.eve.reads(), await people.eve.reads()];
    return line;
  };
  let line = await first();
  while (line === 'dan (3 unread)') line = await first();
  t.equal(line, 'dan (read by all)', 'what stands on the screen when the person goes on is read');
  t.strictSame((await people.dan.dialogue.complete?.('d|ev'))?.candidates, ['eve']);
  t.strictSame((await people.dan.dialogue.complete?.('j|#she'))?.candidates, ['#shelf']);
});

t.test('pipe client: what was shown again is read, also of somebody who is gone', async (t) => {
  const people = { fay: new Person(t, nodes[0], 'pipe'), gus: new Person(t, nodes[1], 'pipe') };
  await play(
    t,
    people,
    `
    fay> 1|fay|pw
    fay< New account created! User ID: fay. Please log in.
    fay> 1|gus|pw
    fay< New account created! User ID: gus. Please log in.
    fay> 2|fay|pw
    fay< Login successful - welcome back fay!
    gus> 2|gus|pw
    gus< Login successful - welcome back gus!
    fay> d|gus|hello
    fay< Message sent to gus.
    gus< [fay] hello
  `,
  );
  const isDelivered = async (): Promise<boolean> => {
    const outcome = await people.fay.exchange.client.conversations();
    const all = outcome.kind === 'receipt' ? outcome.value.conversations : [];
    return all.some(({ name, others }) => name === 'gus' && others?.delivered === 1);
  };
  while (!(await isDelivered()));
  // Nobody looked: at another place it is unread.
  const later = { fay: people.fay, gus: new Person(t, nodes[0], 'pipe') };
  const listed = async (wanted: RegExp): Promise<string> => {
    for (;;) {
      await later.gus.types('c');
      const line = await later.gus.reads();
      while ((await later.gus.reads()) !== '');
      if (wanted.test(line)) return line;
    }
  };
  await play(t, later, 'gus> 2|gus|pw\ngus< Login successful - welcome back gus!');
  t.ok(await listed(/^fay \(1 unread\)$/));
  await play(t, later, 'gus> 6|fay\ngus< [fay] hello\ngus<');
  later.gus.exchange.seen();
  t.ok(await listed(/^fay \(read by all\)$/), 'when the person goes on');
  await play(t, later, 'fay> 3|fay\nfay< Account fay has been deleted.');
  const id = /^deleted account \(6\|(d:\d+:\d+)\)$/.exec(await listed(/^deleted/))?.[1];
  for (const address of ['deleted account', id]) {
    await play(t, later, `gus> 6|${address}\ngus< [deleted account] hello\ngus<`);
  }
});

t.test('styles: another name is USAGE', async (t) => {
  const args = (dialect: string, operands: readonly string[] = []) => ({
    text: (name: string) => (name === 'dialect' ? dialect : undefined),
    has: () => false,
    operands,
  });
  t.throws(() => findStyle(args('pipe', ['groups'])), { code: 'USAGE', message: /unexpected/ });
  t.equal(findStyle(args('slash')), styles.slash);
  t.throws(() => findStyle(args('klingon')), { code: 'USAGE', message: /pipe, slash, words/ });
});

t.test('styles: a line that is not taken at all is refused in the form of its dialect', async (t) => {
  const refusal = (style: Style): string => new Person(t, nodes[0], style).dialogue.refusal('LINE_TOO_LONG');
  const text = errorTable.LINE_TOO_LONG.text;
  t.equal(refusal(styles.pipe), `Error LINE_TOO_LONG: ${text}`);
  t.equal(refusal(styles.slash), `ERROR: ${text}`);
  t.equal(refusal(styles.words), text);
  t.equal(refusal(menu()), `9|${text}`);
  t.equal(refusal(menu('groups')), 'FAILED');
});
