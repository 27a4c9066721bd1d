/** What older systems kept: the JSON database of the messenger both ways, the MySQL dump of the words dialect in. */
import t from 'tap';
import { CodedError } from '../../../src/base/errors.ts';
import {
  DatabaseWriter,
  linesOfDatabase,
  readJsonDatabase,
} from '../../../src/cli/transfer/json-database.ts';
import { LineImport } from '../../../src/cli/transfer/lines.ts';
import { readMysqlDump } from '../../../src/cli/transfer/mysql-dump.ts';
import { linesOfDump } from '../../../src/cli/transfer/mysql-lines.ts';
import { Importer } from '../../../src/gateway/transfer/importer.ts';
import { textTo, World } from '../../chat/support/world.ts';
import { PlainHasher } from '../../support/gateway.ts';
import { exported, importInto, noFiles } from '../../support/transfer.ts';

const database = {
  user_list: [
    { username: 'user', password: 'pw', display_name: 'The User' },
    { username: 'user2', password: 'pw', display_name: '' },
  ],
  message_list: [
    { number: 1, from: 'user', to: 'user2', text: 'hello | there', delivered: true },
    { number: 2, from: 'user', to: 'user2', text: 'anybody?', delivered: false },
    { number: 1, from: 'user2', to: 'user', text: 'yes', delivered: true },
    { number: 3, from: 'user', to: 'user2', text: 'late', delivered: true },
  ],
  notification_list: [{ from: 'user', to: 'user2', number: 1 }],
};

async function loaded(text: string): Promise<World> {
  const world = new World();
  const report = await importInto(world, linesOfDatabase(readJsonDatabase(text), 1_700_000_000_000));
  if (report.refused > 0) throw new Error(report.problems.join('; '));
  return world;
}

async function saved(world: World): Promise<typeof database> {
  const writer = new DatabaseWriter();
  for (const line of await exported(world)) writer.add(line);
  return JSON.parse(JSON.stringify(writer.database));
}

t.test(
  'json database: loaded, its users are there with their messages, receipts and hashed passwords',
  async (t) => {
    const world = await loaded(JSON.stringify(database));
    const user = world.machine.accountByName('user');
    t.match(
      user,
      { displayName: 'The User', passwordHash: 'plain pw' },
      'the plain password went through the hasher',
    );
    t.same(
      world
        .history(
          world.machine.directConversation(user?.id ?? 0, world.machine.accountByName('user2')?.id ?? 0),
        )
        .map(({ body }) => (body.kind === 'text' ? body.text : null)),
      ['hello | there', 'anybody?', 'yes', 'late'],
    );
    t.same(
      world.machine.receiptsOf(user?.id ?? 0).map(({ number }) => number),
      [1],
      'a notification waits for its sender',
    );
    const { result } = world.raw(textTo('user2', 'sending after a load works'), user?.id ?? 0);
    t.match(result, { ok: true, receipt: { kind: 'sent', number: 4, sequence: 5 } });
  },
);

t.test('json database: saved and loaded again is the same state', async (t) => {
  const first = await saved(await loaded(JSON.stringify(database)));
  t.same(first.message_list, database.message_list);
  t.same(first.notification_list, database.notification_list);
  t.same(
    first.user_list.map(({ username, display_name: shown }) => [username, shown]),
    [
      ['user', 'The User'],
      ['user2', ''],
    ],
  );
  t.notMatch(JSON.stringify(first), '"pw"', 'no password in plain');
  const hashed = {
    ...first,
    user_list: first.user_list.map((user) => ({ ...user, password: '$argon2id$x' })),
  };
  const second = await saved(await loaded(JSON.stringify(hashed)));
  t.same(second, hashed, 'a hash is kept as it is');
});

t.test('json database: a second loading of the file finds the first and doubles nothing', async (t) => {
  const world = await loaded(JSON.stringify(database));
  const lines = linesOfDatabase(readJsonDatabase(JSON.stringify(database)), 1_700_000_000_000);
  const report = await importInto(world, lines);
  t.equal(report.refused, 0);
  t.same((await saved(world)).message_list, database.message_list);
});

t.test('json database: what is none is refused with a reason', async (t) => {
  t.throws(() => readJsonDatabase('nonsense'), { code: 'USAGE' });
  t.throws(() => readJsonDatabase('{"user_list": [{"username": 7}]}'), { code: 'USAGE' });
});

const dump = String.raw`-- MySQL dump 10.13
DROP TABLE IF EXISTS ${'`users`'};
CREATE TABLE ${'`users`'} (
  ${'`id`'} int NOT NULL AUTO_INCREMENT,
  ${'`name`'} varchar(45) DEFAULT NULL,
  ${'`email`'} varchar(45) DEFAULT NULL,
  ${'`password`'} varchar(45) DEFAULT NULL,
  PRIMARY KEY (${'`id`'})
) ENGINE=InnoDB;
INSERT INTO ${'`users`'} VALUES (1,'dana','dana@example.org','secret'),(2,'eli','eli@example.org','it\'s, (odd)');
CREATE TABLE ${'`groupchat`'} (
  ${'`id`'} varchar(45) NOT NULL,
  ${'`name`'} varchar(45) DEFAULT NULL,
  ${'`password`'} varchar(45) DEFAULT NULL
) ENGINE=InnoDB;
INSERT INTO ${'`groupchat`'} VALUES ('club','The Club','letmein');
INSERT INTO ${'`messages`'} (${'`sender_name`'}, ${'`group_id`'}, ${'`text`'}, ${'`sent_time`'}) VALUES ('dana','club','first\nline','2024-01-02 03:04:05'),('eli','club','second','2024-01-02 03:05:00'),('ghost','club','lost','2024-01-02 03:06:00');
`;

t.test('mysql dump: users, groups with their passwords, and messages with their times', async (t) => {
  const world = new World();
  const problems: string[] = [];
  const lines = linesOfDump(readMysqlDump(dump), 1_700_000_000_000, (problem) => problems.push(problem));
  const report = await importInto(world, lines);
  t.equal(report.refused, 0, report.problems.join('; '));
  t.same(problems, ['message of ghost to club: no such user or group']);
  t.match(world.machine.accountByEmail('DANA@example.org'), { name: 'dana', passwordHash: 'plain secret' });
  t.match(world.machine.accountByName('eli'), { passwordHash: "plain it's, (odd)" });
  const club = world.machine.groupByName('club');
  t.match(club, { passwordHash: 'plain letmein', memberCount: 2 });
  const history = world.history(club?.id ?? '');
  t.same(
    history.map(({ body, sentMs }) => [body.kind === 'text' ? body.text : null, sentMs]),
    [
      ['first\nline', Date.UTC(2024, 0, 2, 3, 4, 5)],
      ['second', Date.UTC(2024, 0, 2, 3, 5, 0)],
    ],
  );
});

t.test('json database: a user with very many messages is loaded like any other', async (t) => {
  const message = { from: 'user', to: 'user2', text: 'x', delivered: true };
  const message_list = Array.from({ length: 200_000 }, (_, at) => ({ ...message, number: at + 1 }));
  const [first] = linesOfDatabase({ ...database, message_list }, 1_700_000_000_000);
  t.match(first, { kind: 'account', name: 'user', sent: 200_000 });
});

t.test('json database: a password that could not be hashed at once is sent again', async (t) => {
  const world = new World();
  const hasher = new PlainHasher();
  let busy = 2;
  const importer = new Importer({
    files: noFiles,
    hasher: {
      hash: (password) => {
        busy -= 1;
        return busy >= 0 ? Promise.reject(new CodedError('BUSY')) : hasher.hash(password);
      },
    },
    proposeOwn: async (command) => {
      const { result } = world.raw(command);
      return { kind: 'applied', index: world.index, result };
    },
  });
  const into = new LineImport((records) => importer.run(records));
  const lines = linesOfDatabase(readJsonDatabase(JSON.stringify(database)), 1_700_000_000_000);
  for (const line of lines) await into.add(line);
  await into.flush();
  t.equal(into.report().refused, 0, into.report().problems.join('; '));
  t.same(await saved(world), await saved(await loaded(JSON.stringify(database))));
});

t.test('mysql dump: what somebody wrote is no statement of the dump', async (t) => {
  const text = [
    'CREATE TABLE `users` (\n  `id` int,\n  `name` text\n);\n',
    "INSERT INTO `users` VALUES (1,'ann');\n",
    "INSERT INTO `texts` VALUES ('CREATE TABLE users (','INSERT INTO users VALUES (2,3)');\n",
    '/* INSERT INTO `users` VALUES (4,5); */\n',
    'CREATE TABLE `texts` (\n  `first` text,\n  `second` text\n);\n',
  ].join('');
  t.same(
    readMysqlDump(text).map(({ name, columns, rows }) => [name, columns, rows.length]),
    [
      ['users', ['id', 'name'], 1],
      ['texts', ['first', 'second'], 1],
    ],
  );
});

t.test('mysql dump: names without quotes, binary columns, and a message’s number that is no text', (t) => {
  const text = [
    'CREATE TABLE users (',
    '  email varchar(100) NOT NULL,',
    '  id int(11) NOT NULL AUTO_INCREMENT,',
    '  password varbinary(100) NOT NULL,',
    '  name varchar(100) NOT NULL,',
    '  PRIMARY KEY (id),',
    '  UNIQUE KEY email (email)',
    ');',
    "INSERT INTO users VALUES ('a@x.org',11,_binary 's, (1','alfa'),('b@x.org',12,0x733132,'bravo');",
    "CREATE TABLE groupchat(id varchar(50) DEFAULT 'a, (b', cost decimal(5,2), name varchar(50));",
    "INSERT INTO groupchat VALUES ('dev',1.50,'Developers');",
    'CREATE TABLE chat_messages (',
    '  message_id bigint NOT NULL,',
    '  from_user_id int,',
    '  chat_message text,',
    '  group_id varchar(50),',
    '  created_at timestamp NULL',
    ');',
    "INSERT INTO chat_messages VALUES (1,11,'hello','dev','2022-01-02 03:04:05');",
  ].join('\n');
  const lines = [...linesOfDump(readMysqlDump(text), 0, (problem) => t.fail(problem))];
  t.match(lines, [
    { kind: 'account', name: 'alfa', email: 'a@x.org', password: 's, (1' },
    { kind: 'account', name: 'bravo', email: 'b@x.org', password: 's12' },
    { kind: 'group', name: 'dev' },
    { kind: 'member', conversation: '#dev' },
    { kind: 'message', body: { text: 'hello' }, sentMs: Date.UTC(2022, 0, 2, 3, 4, 5) },
  ]);
  t.end();
});

t.test('mysql dump: whatever the text, there is an end and no throw', async (t) => {
  for (const text of [
    '',
    'INSERT INTO `x` VALUES (',
    "INSERT INTO x VALUES ('",
    'CREATE TABLE `t` (\n',
    dump.slice(0, 700),
  ]) {
    t.ok(Array.isArray(readMysqlDump(text)));
  }
});
