/** The registry dialect over real sockets, to the letter. */
import t from 'tap';
import type { Logger } from '../../../../src/base/logger.ts';
import { startNodes } from '../../../support/gateway.ts';
import { Transcript } from '../support/transcript.ts';

const { cluster, nodes, stop } = await startNodes(2);
t.teardown(stop);
const [one, two] = nodes;
if (one === undefined || two === undefined) throw new Error('two nodes');

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

t.test('registry: groups, users and messages, to the letter, on two nodes', async (t) => {
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('a', one.chatPort);
  await talk.join('b', two.chatPort);
  await talk.join('p', two.chatPort);
  const [first = '', second = ''] = await talk.play(`
    a> GET_GROUP_LIST
    a<
    a> REGISTER_GROUP Zoo 127.0.0.1 5556
    a< SUCCESS
    a> REGISTER_GROUP Group1 127.0.0.1 5555
    a< SUCCESS
    b> REGISTER_GROUP Group1 127.0.0.1 5555
    b< SUCCESS
    b> REGISTER_GROUP Group1 10.0.0.1 5555
    b< FAILED
    b> REGISTER_GROUP Group1
    b< FAILED
    a> NEW_USER
    a< …
    b> NEW_USER
    b< …
  `);
  t.match(first, uuid);
  t.match(second, uuid);
  await talk.play(`
    p> 1|paul|pw
    p< New account created! User ID: paul. Please log in.
    p> 2|paul|pw
    p< Login successful - welcome back paul!
    p> j|#pipes
    p< Joined group #pipes.
    b> GET_GROUP_LIST
    b< Group1 - 127.0.0.1 5555
    b< pipes - 127.0.0.1 0
    b< Zoo - 127.0.0.1 5556
    b<
    a> JOIN_GROUP ${first} Group1
    a< SUCCESS
    a> JOIN_GROUP ${first} Group1
    a< SUCCESS
    a> JOIN_GROUP ${first} Nowhere
    a< FAILED
    a> JOIN_GROUP 00000000-0000-4000-8000-000000000000 Group1
    a< FAILED
    b> SEND_MESSAGE ${second} Group1 not yet
    b< FAILED
    b> GET_MESSAGES ${second} Group1
    b< FAILED
    b> LEAVE_GROUP ${second} Group1
    b< User not a part of group.
    b> JOIN_GROUP ${second} Group1
    b< SUCCESS
    a> SEND_MESSAGE ${first} Group1 Hello there | all
    a< SUCCESS
    b> SEND_MESSAGE ${second} @paul hi
    b< SUCCESS
    b> SEND_MESSAGE ${second} @nobody hi
    b< FAILED
    b> nonsense
    b< Invalid command
    b> NEW_USER please
    b< Invalid command
  `);
  const [author = '', sender = ''] = await talk.play(`
    p< [user-…] hi
    b> GET_MESSAGES ${second} Group1
    b< …Hello there | all
    b<
  `);
  t.match(author, /^[0-9a-f]{8}$/);
  t.match(sender, /^2023-11-14 22:13:\d\d - user-[0-9a-f]{8} - $/, 'the time of the entry, the public name');
  await talk.play(`
    p> d|user-${author}|hello back
    p< Message will be delivered to user-${author} after the account is online.
    b> GET_MESSAGES ${second} @paul 2023-11-14 00:00:00
    b< …hi
    b< …hello back
    b<
    b> GET_MESSAGES ${second} @paul 2023-11-15 00:00:00
    b<
    b> GET_MESSAGES ${second} @paul yesterday
    b< FAILED
    b> GET_MESSAGES ${second} @paul 2023-02-30 00:00:00
    b< FAILED
    b> LEAVE_GROUP ${second} Group1
    b< SUCCESS
    b> SEND_MESSAGE ${second} Group1 gone
    b< FAILED
  `);
});

t.test('registry: no secret of a line reaches the log', async (t) => {
  const lines: string[] = [];
  const note = (fields: Readonly<Record<string, unknown>>, text: string): void => {
    lines.push(`${JSON.stringify(fields)} ${text}`);
  };
  const logger: Logger = { debug: note, info: note, warn: note, error: note, child: () => logger };
  const logged = await startNodes(1, {}, { logger });
  t.teardown(() => logged.stop());
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('a', logged.nodes[0]?.chatPort ?? 0);
  const [uid = ''] = await talk.play('a> REGISTER_GROUP g 127.0.0.1 5555\na< SUCCESS\na> NEW_USER\na< …');
  await talk.play(`
    a> JOIN_GROUP ${uid} g
    a< SUCCESS
    a> SEND_MESSAGE ${uid} g hi
    a< SUCCESS
    a> GET_MESSAGES ${uid} g
    a< …hi
    a<
    a> LEAVE_GROUP ${uid} g
    a< SUCCESS
    a> GET_GROUP_LIST
    a< g - 127.0.0.1 5555
    a<
  `);
  const text = lines.join('\n');
  for (const pattern of [
    /JOIN REQUEST FROM 127\.0\.0\.1:5555/,
    /GROUP LIST REQUEST FROM USER/,
    /JOIN REQUEST FROM user-[0-9a-f]{8}/,
    /LEAVE REQUEST FROM user-/,
    /MESSAGE REQUEST FROM user-/,
    /MESSAGE SEND FROM user-/,
  ]) {
    t.match(text, pattern);
  }
  t.notMatch(text, uid);
});

t.test('registry: without a majority every command fails, and the connection stays', async (t) => {
  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('a', one.chatPort);
  const [uid = ''] = await talk.play('a> NEW_USER\na< …');
  cluster.majority = false;
  t.teardown(() => {
    cluster.majority = true;
  });
  for (const line of [
    'REGISTER_GROUP g 127.0.0.1 5555',
    'GET_GROUP_LIST',
    'NEW_USER',
    `JOIN_GROUP ${uid} Group1`,
    `LEAVE_GROUP ${uid} Group1`,
    `SEND_MESSAGE ${uid} Group1 hi`,
    `GET_MESSAGES ${uid} Group1`,
  ]) {
    await talk.play(`a> ${line}\na< FAILED`);
  }
});
