/** The menus of the client, choice by choice, between people on two nodes. */
import t from 'tap';
import { GroupsMenu } from '../../../src/cli/dialogues/groups-menu.ts';
import type { Style } from '../../../src/cli/dialogues/styles.ts';
import { startNodes, tellAddresses } from '../../support/gateway.ts';
import { menu, Person, play } from '../support/person.ts';

const { nodes, stop } = await startNodes(2);
t.teardown(stop);
tellAddresses(nodes);

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

t.test('menus: every answer that is a password is typed unseen, and no other', async (t) => {
  const secretAnswers = async (person: Person, lines: readonly string[]): Promise<readonly string[]> => {
    const secret: string[] = [];
    for (const line of lines) {
      if (person.dialogue.isSecret === true) secret.push(line);
      await person.types(line);
    }
    t.not(person.dialogue.isSecret, true);
    return secret;
  };
  const messenger = new Person(t, nodes[0], menu());
  t.same(await secretAnswers(messenger, ['2', '2', 'kay', 'pw1', 'Kay', '2', '1', 'kay', 'pw1']), [
    'pw1',
    'pw1',
  ]);
  const words = new Person(t, nodes[0], 'words');
  const signUp = ['', '2', 'leo', 'leo@example.org', 'secret', '1', 'leo@example.org', 'secret'];
  t.same(await secretAnswers(words, [...signUp, '1', 'leos', 'closed']), ['secret', 'secret', 'closed']);
  t.equal(await words.types('said in the room'), 'accepted');
});

t.test(
  'pipe client: p asks for a change of password, also of one with a bar, and shows nothing of it',
  async (t) => {
    const mia = new Person(t, nodes[0], 'pipe');
    for (const line of ['1|mia|a|b', '2|mia|a|b']) await mia.types(line);
    const change = async (...answers: readonly string[]): Promise<unknown> => {
      t.equal(await mia.types('p'), 'accepted');
      let verdict: unknown = null;
      for (const answer of answers) {
        t.ok(mia.dialogue.isSecret);
        t.ok(mia.dialogue.holdsPassword(answer));
        verdict = await mia.types(answer);
      }
      t.notOk(mia.dialogue.isSecret);
      return verdict;
    };
    t.equal(await change('a|b', 'new one', 'other'), 'rejected');
    t.equal(await change('wrong', 'new one', 'new one'), 'rejected');
    t.equal(await change('a|b', 'new one', 'new one'), 'accepted');
    const again = new Person(t, nodes[1], 'pipe');
    t.equal(await again.types('2|mia|a|b'), 'rejected');
    t.equal(await again.types('2|mia|new one'), 'accepted');
  },
);

t.test('pipe client: who is in a group, and what its owner may do', async (t) => {
  const people = { nia: new Person(t, nodes[0], 'pipe'), otto: new Person(t, nodes[1], 'pipe') };
  for (const [name, person] of Object.entries(people)) {
    for (const line of [`1|${name}|pw`, `2|${name}|pw`]) {
      await person.types(line);
      await person.reads();
    }
  }
  await play(
    t,
    people,
    `
    nia> j|#crew|secret
    nia< Joined group #crew.
    otto> g|#crew
    otto< Error NOT_A_MEMBER: Not a member of this group.
    otto> g
    otto< #crew (closed)
    otto< #leos (closed)
    otto< #town (2 members)
    otto<
    otto> j|#crew|secret
    otto< Joined group #crew.
    otto> g|#crew
    otto< nia (owner) ✅
    otto< otto ✅
    otto<
    otto> g|#crew|name|pirates
    otto< Error DENIED: Not allowed.
    nia> g|#crew|name|#pirates
    nia< The group is called #pirates.
    nia> g|#pirates|password
    nia< Invalid request, use "h" for usage help!
    nia> g|#pirates|password|
    nia< Changed the password of group #pirates.
    nia> g|#pirates|remove|otto
    nia< Removed from group #pirates.
    otto> j|#pirates
    otto< Joined group #pirates.
    nia> g|#pirates|owner|otto
    nia< Handed over group #pirates.
    nia> l|#pirates
    nia< Left group #pirates.
    otto> g|#pirates|delete
    otto< Deleted group #pirates.
  `,
  );
  t.equal(people.otto.dialogue.question?.('g|#x|delete'), 'Are you sure? (y/n) ');
  t.ok(people.otto.dialogue.holdsPassword('g|#x|password|new'));
});
