/** From a user of each dialect to a user of each: 25 pairs, directly and in a group, over three nodes. */
import t from 'tap';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { connect } from '../../src/client/index.ts';
import { LineClient } from './support/line-client.ts';
import { patienceOfFileMs } from './support/patience.ts';
import { createPersona, type DialectName, type Persona } from './support/personas.ts';

const dialects: readonly DialectName[] = ['pipe', 'messenger', 'slash', 'words', 'registry'];
const group = 'everyone';

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({ label: 'pairs' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(20));
});

/** One of each dialect; the nodes in turn, beginning with `firstNode`. */
async function gather(kind: string, firstNode: number): Promise<Persona[]> {
  const people: Persona[] = [];
  for (const [at, dialect] of dialects.entries()) {
    const { chatPort } = cluster.node(((firstNode - 1 + at) % 3) + 1);
    const persona = await createPersona(dialect, `${dialect}${kind}`, chatPort);
    await persona.enter();
    people.push(persona);
  }
  return people;
}

/** Those who are to hear it live are known to be online, everywhere. */
async function waitForPresence(people: readonly Persona[]): Promise<void> {
  const wanted = people.filter(({ dialect }) => dialect !== 'registry').map(({ name }) => `${name} (live)`);
  for (const { chatPort } of cluster.nodes) {
    const line = await LineClient.open(chatPort);
    for (;;) {
      const found = new Set(await line.list('5|*'));
      if (wanted.every((name) => found.has(name))) break;
    }
    line.close();
  }
}

t.test(
  'dialects: what a user of each says to a user of each is heard in the words of the reader',
  async (t) => {
    // Never on the node of their partner of the same dialect.
    const senders = await gather('Says', 1);
    const readers = await gather('Reads', 2);
    await waitForPresence([...senders, ...readers]);

    for (const from of senders) {
      for (const to of readers) {
        const text = `${from.dialect} to ${to.dialect} | with a bar`;
        await from.say(to, text);
        await to.hear(from, text);
        t.pass(`${from.dialect} to ${to.dialect}`);
      }
    }

    const line = await LineClient.open(cluster.node(1).chatPort);
    t.equal(await line.ask(`REGISTER_GROUP ${group} 127.0.0.1 5555`), 'SUCCESS');
    line.close();
    const inRoom: Persona[] = [];
    for (const member of [...senders, ...readers]) {
      await member.join(group);
      for (const other of inRoom) await other.hearJoin?.(member);
      inRoom.push(member);
    }
    for (const from of senders) {
      const text = `${from.dialect} to all`;
      await from.sayToGroup(group, text);
      for (const to of [...senders, ...readers]) {
        if (to === from) continue;
        await to.hearInGroup(group, from, text);
        t.pass(`${from.dialect} to ${to.dialect}, in a group`);
      }
    }

    // What no line can hold comes as one line all the same, and harms no terminal.
    const client = connect({ nodes: cluster.httpAddresses });
    t.teardown(() => client.close());
    await client.register('native', 'password');
    await client.login('native', 'password');
    for (const to of readers) {
      t.match(await client.send(to.name, 'one\ntwo \u001b[31m'), { kind: 'receipt' });
      await to.hear({ name: 'native' }, 'one\\ntwo \\x1b[31m');
      t.pass(`native to ${to.dialect}`);
    }
    for (const person of [...senders, ...readers]) await person.leave();
  },
);
