/** The dialects at the client's side, line by line, between people on two nodes: replies and messages to the letter. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { errorTable } from '../../src/base/errors.ts';
import type { Dialogue, ShowKind, Verdict } from '../../src/cli/dialogue.ts';
import { Exchange } from '../../src/cli/exchange.ts';
import { FileDesk } from '../../src/cli/file-desk.ts';
import { GroupsMenu } from '../../src/cli/groups-menu.ts';
import { findStyle, type Style, type StyleName, styles } from '../../src/cli/styles.ts';
import { connect } from '../../src/client/index.ts';
import { startNodes, type TestNode, tellAddresses } from '../support/gateway.ts';

class Person {
  readonly dialogue: Dialogue;
  readonly exchange: Exchange;
  readonly #lines: { readonly kind: ShowKind; readonly text: string }[] = [];
  #news: (() => void)[] = [];

  constructor(
    t: Test,
    node: TestNode | undefined,
    named: StyleName | Style,
    downloads: string | null = null,
  ) {
    const style = typeof named === 'string' ? styles[named] : named;
    const client = connect({ nodes: `127.0.0.1:${node?.httpPort}` });
    const show = (lines: readonly string[], kind: ShowKind): void => {
      this.#lines.push(...lines.map((text) => ({ kind, text })));
      for (const wake of this.#news.splice(0)) wake();
    };
    const files = new FileDesk({ client, show, texts: style.fileTexts, downloads });
    this.exchange = new Exchange({ client, show, files });
    this.dialogue = style.open(this.exchange, null, true);
    t.teardown(() => client.close());
  }

  types(line: string): Promise<Verdict> {
    return this.dialogue.execute(line);
  }

  /** The next line that is no notice. */
  async reads(): Promise<string> {
    return (await this.#next((kind) => kind !== 'notice')) ?? '';
  }

  notices(): Promise<string | undefined> {
    return this.#next((kind) => kind === 'notice');
  }

  async #next(fits: (kind: ShowKind) => boolean): Promise<string | undefined> {
    for (;;) {
      const at = this.#lines.findIndex(({ kind }) => fits(kind));
      if (at >= 0) return this.#lines.splice(at, 1)[0]?.text;
      await new Promise<void>((resolve) => this.#news.push(resolve));
    }
  }
}

/** `name> line` is typed, `name< line` is what that person reads next. */
async function play(t: Test, people: Readonly<Record<string, Person>>, script: string): Promise<void> {
  for (const row of script.split('\n')) {
    const [, name = '', direction, line = ''] = /^\s*(\w+)([<>]) ?(.*)$/.exec(row) ?? [];
    const person = people[name];
    if (person === undefined) continue;
    if (direction === '>') await person.types(line);
    else t.equal(await person.reads(), line, `${name} reads ${line}`);
  }
}

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
  `,
  );
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
  t.strictSame((await people.dan.dialogue.complete?.('j|#boo'))?.candidates, ['#books']);
});

const menu = (...operands: string[]): Style =>
  findStyle({ text: () => undefined, has: (name) => name === 'menu', operands });

t.test('messenger menu: sign up, sign in, send, receive, to the letter', async (t) => {
  const people = { ivy: new Person(t, nodes[0], menu()), jim: new Person(t, nodes[1], menu()) };
  t.equal(people.ivy.dialogue.prompt, 'Enter option: ');
  await play(
    t,
    people,
    `
    ivy> 9
    ivy< Error: Invalid option, try again
    ivy> 2
    ivy> 2
    ivy> ivy
    ivy> pw
    ivy> Ivy B.
    ivy< 0|OK
    ivy> 2
    ivy> 2
    ivy> ivy
    ivy> pw
    ivy> Another
    ivy< 1|user already exists
    ivy> 2
    ivy> 1
    ivy> ivy
    ivy> wrong
    ivy< 1|Invalid Credentials
    ivy> 2
    ivy> 1
    ivy> ivy
    ivy> pw
    ivy< 0|OK
    jim> 2
    jim> 2
    jim> jim
    jim> pw
    jim> Jim
    jim< 0|OK
    jim> 2
    jim> 1
    jim> jim
    jim> pw
    jim< 0|OK
    jim> 4
    jim< No new messages.
    ivy> 3
    ivy> nobody
    ivy> hi
    ivy< 2|Receiver doesn't exist
    ivy> 3
    ivy> jim
    ivy> hi | jim
    ivy< Message 1 sent successfully
    jim< [BG.CLIENT] [SERVER NOTIFICATION] R|ivy|000001|hi | jim
    jim< [BG.CLIENT] [BG.CW] 0|000001
    ivy< Message 1 successfully received by jim.
    jim> 4
    jim< [ivy]: hi | jim
    jim> 4
    jim< No new messages.
  `,
  );
  t.equal(await people.ivy.types('5'), 'quit');
});

t.test('groups menu: the registry’s user by numbers, to the letter', async (t) => {
  const people = { kim: new Person(t, nodes[0], menu('groups')), owner: new Person(t, nodes[1], 'slash') };
  t.match(people.kim.dialogue.opening[0], /^Your UUID: [0-9a-f-]{36}$/);
  await play(
    t,
    people,
    `
    owner> /register owner pw
    owner< SUCCESS: Logged in as owner.
    owner> /create town
    owner< Group town created and joined.
    kim> 7
    kim< Invalid input
    kim> 3
    kim> town
    kim> too early
    kim< Not a part of town
    kim> 1
    kim> nowhere
    kim< FAILED
    kim> 1
    kim> town
    kim< SUCCESS
    kim> 3
    kim> town
    kim> good morning
    kim< SUCCESS
    kim> 4
    kim> town
    kim> noon
    kim< Invalid input
    kim> 4
    kim> town
    kim> 
  `,
  );
  const name = people.kim.exchange.client.user ?? '';
  t.match(await people.kim.reads(), new RegExp(`^\\d{4}-\\d\\d-\\d\\d [0-9:]{8} - ${name} - good morning$`));
  await play(
    t,
    people,
    `
    kim<
    owner< [Receive group town message from ${name}]: good morning
    kim> 2
    kim> town
    kim< SUCCESS
    kim> 2
    kim> town
    kim< Not a part of town
    kim> 0
    kim< Exited.
  `,
  );
});

t.test('groups menu: messages since a time of today, groups with their addresses', async (t) => {
  const known = (day: string): Style => ({
    ...menu('groups'),
    open: (exchange) =>
      new GroupsMenu(exchange, {
        secret: '0b7b9f8e-3f1a-4b1d-9c55-6a1f0f5f7a01',
        isNew: false,
        today: () => day,
        home: () => ({ host: '192.0.2.7', port: 5555 }),
      }),
  });
  const [past, future] = [known('1970-01-01'), known('9999-01-01')].map((it) => new Person(t, nodes[0], it));
  if (past === undefined || future === undefined) throw new Error('two people');
  await play(
    t,
    { past, future },
    `
    past> 1
    past> town
    past< SUCCESS
    past> 3
    past> town
    past> here I am
    past< SUCCESS
    future> 4
    future> town
    future> 00:00:00
    future<
    past> 4
    past> town
    past> 00:00:00
  `,
  );
  t.match(await past.reads(), / - good morning$/);
  t.match(await past.reads(), / - user-[0-9a-f]{8} - here I am$/);
  t.equal(await past.reads(), '');
  await past.types('5');
  const rows: string[] = [];
  for (let row = await past.reads(); row !== ''; row = await past.reads()) rows.push(row);
  t.ok(rows.includes('town - 192.0.2.7 5555'), rows.join());
  t.strictSame(rows, [...rows].sort(), 'by name');
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
