import t from 'tap';
import { seededRandom } from '../../src/base/prng.ts';
import { graceMs, Presence } from '../../src/delivery/presence.ts';
import { type Watcher, Watchers } from '../../src/delivery/watchers.ts';
import { FakeCluster } from '../support/fake-engine.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { names, World } from './support/outbox-world.ts';

/** Two nodes that know the same three accounts, who are all in a group. */
function pair() {
  const { accounts, engine } = new World();
  const view = engine.machine;
  const clock = new VirtualClock();
  const cluster = new FakeCluster();
  const nodes = [1, 2].map((id) => {
    const node = cluster.node(id);
    const presence = new Presence(clock, seededRandom(id), node.bus);
    return { bus: node.bus, presence, watchers: new Watchers({ clock, presence, view }) };
  });
  const [one, two] = nodes;
  const [ann, bob, cleo] = accounts;
  if (one === undefined || two === undefined) throw new Error('two nodes');
  if (ann === undefined || bob === undefined || cleo === undefined) throw new Error('three accounts');
  const group = view.groupByName('team')?.id ?? '';
  return { clock, one, two, ann, bob, cleo, group };
}

function listener(account: number): Watcher & { readonly heard: string[] } {
  const heard: string[] = [];
  return {
    account,
    heard,
    presence: ({ users, complete }) => {
      const told = users.map(({ name, online }) => `${online ? '+' : '-'}${name}`);
      heard.push(`${complete ? 'all ' : ''}${told.sort().join(' ')}`);
    },
    typing: ({ conversation, user }) => heard.push(`${user} types in ${conversation}`),
  };
}

t.test('watchers: who asks is told who is online, and then who comes and goes, on any node', async (t) => {
  const { clock, one, two, ann, bob, cleo } = pair();
  one.presence.connect(ann);
  const watcher = listener(ann);
  const end = one.watchers.watch(watcher);
  t.same(watcher.heard, [`all +${names[0]}`]);
  const left = two.presence.connect(bob);
  two.presence.connect(cleo);
  await clock.advance(300);
  t.same(watcher.heard.splice(0), ['all +ann', '+bob +cleo'], 'what comes together is told together');
  left();
  await clock.advance(300);
  t.same(watcher.heard.splice(0), ['-bob']);
  two.presence.connect(bob)();
  await clock.advance(300);
  t.same(watcher.heard.splice(0), [], 'who came and went meanwhile is no news');
  two.bus.link(1, false);
  one.bus.link(2, false);
  await clock.advance(graceMs + 300);
  t.same(watcher.heard.splice(0), ['-cleo'], 'nobody is on a node that is gone');
  end();
  one.presence.connect(bob);
  await clock.advance(300);
  t.same(watcher.heard, []);
});

t.test(
  'watchers: typing reaches the others of the conversation who watch, at most every two seconds',
  async (t) => {
    const { clock, one, two, ann, bob, cleo, group } = pair();
    const [writer, here, there] = [listener(ann), listener(bob), listener(cleo)];
    one.watchers.watch(writer);
    one.watchers.watch(here);
    two.watchers.watch(there);
    for (const { heard } of [writer, here, there]) heard.splice(0);
    for (let at = 0; at < 5; at++) {
      one.watchers.typing(ann, group);
      await clock.advance(500);
    }
    const twice = [`ann types in ${group}`, `ann types in ${group}`];
    t.same(here.heard, twice);
    t.same(there.heard, twice);
    t.same(writer.heard, []);
    t.equal(one.presence.malformed + two.presence.malformed, 0);
  },
);

t.test(
  'watchers: what another node says of strangers and of what does not exist is told to nobody',
  async (t) => {
    const { one, two, ann, cleo, group } = pair();
    const watcher = listener(ann);
    one.watchers.watch(watcher);
    watcher.heard.splice(0);
    two.presence.tellTyping(999, group);
    two.presence.tellTyping(cleo, 'g:999');
    two.presence.tellTyping(cleo, 'x'.repeat(65));
    t.same(watcher.heard, []);
    t.equal(one.presence.malformed, 1, 'an id that is too long is no frame');
  },
);
