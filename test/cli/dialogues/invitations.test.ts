/** Where registration is by invitation, every way in takes one: the line that an administrator hands out, typed before anything else. */
import t from 'tap';
import { encodeProposal } from '../../../src/chat/codecs/codec.ts';
import { hashSecret } from '../../../src/gateway/secrets/identifiers.ts';
import { startNodes, tellAddresses } from '../../support/gateway.ts';
import { menu, Person, play } from '../support/person.ts';

const { nodes, stop } = await startNodes(1, { registration: 'invitation' });
t.teardown(stop);
tellAddresses(nodes);
const code = 'correct-horse-7Q';
const command = {
  kind: 'create-invitation',
  codeHash: hashSecret(code),
  uses: 10,
  lifetimeMs: 600_000,
} as const;
await nodes[0]?.engine.propose(encodeProposal({ numbering: null, actor: null, command }));

t.test('invitation: shown to the menus of the messenger and of the groups', async (t) => {
  const people = {
    ivy: new Person(t, nodes[0], menu()),
    kim: new Person(t, nodes[0], menu('groups')),
  };
  const signsUp = 'ivy> 2\nivy> 2\nivy> ivy\nivy> pw\nivy> Ivy\n';
  await play(t, people, `${signsUp}ivy< 9|Registration is by invitation.`);
  await play(t, people, `ivy> invite ${code}\nivy< OK\n${signsUp}ivy< 0|OK`);
  await play(t, people, `kim> 5\nkim< FAILED\nkim> invite ${code}\nkim< OK\nkim> 5\nkim<`);
});

t.test('invitation: shown to the slash client as it was handed out, in place of a name', async (t) => {
  const people = { sue: new Person(t, nodes[0], 'slash') };
  await play(
    t,
    people,
    `
    sue> /register sue pw
    sue< ERROR: Registration is by invitation.
    sue> invite ${code}
    sue< OK
    sue> /register sue pw
    sue< SUCCESS: Logged in as sue.
  `,
  );
});

t.test('invitation: shown to the words client before its menu, or in it', async (t) => {
  const people = { wes: new Person(t, nodes[0], 'words'), win: new Person(t, nodes[0], 'words') };
  const greeting = ['Welcome to the server!', '1.log in', '2.sign up', '3.disconect server'];
  const reads = (name: string, lines: readonly string[]): string =>
    lines.map((line) => `${name}< ${line}`).join('\n');
  const signsUp = (name: string): string => `
    ${name}> 2
    ${name}< Enter your name:
    ${name}> ${name}
    ${name}< Enter your e-mail:
    ${name}> ${name}@example.org
    ${name}< Enter your password:
    ${name}> longenough
    ${name}< signed up successfully.`;
  await play(t, people, `wes> invite ${code}\nwes< OK\nwes> \n${reads('wes', greeting)}${signsUp('wes')}`);
  await play(t, people, `win> \n${reads('win', greeting)}`);
  await play(
    t,
    people,
    `win> invite ${code}\n${reads('win', ['OK', ...greeting.slice(1)])}${signsUp('win')}`,
  );
});
