/** Searching messages over the native protocol: who finds what, on which node. */
import t from 'tap';
import { silentLogger } from '../../../src/base/logger.ts';
import { systemClock } from '../../../src/base/system-clock.ts';
import { Search } from '../../../src/search/search.ts';
import { LocalIndex, temporaryPath } from '../../search/support/index.ts';
import { startNodes } from '../../support/gateway.ts';
import { type Frame, NativeClient } from '../../support/native-client.ts';

const searches: Search[] = [];
const { nodes, stop } = await startNodes(2, {}, ({ machine: view, store }) => {
  const options = { view, store, clock: systemClock, logger: silentLogger, hasRoom: () => true };
  const search = new Search(new LocalIndex(temporaryPath(t)), options);
  searches.push(search);
  return { search };
});
t.teardown(async () => {
  await stop();
  for (const search of searches) await search.stop();
});
const [one, two] = nodes;
if (one === undefined || two === undefined) throw new Error('two nodes');

const ann = await NativeClient.join(one.httpPort, 'ann');
const bob = await NativeClient.join(two.httpPort, 'bob');
const eve = await NativeClient.join(two.httpPort, 'eve');

interface Found {
  readonly texts: readonly string[];
  readonly complete: boolean;
  readonly next: number | null;
}

async function find(client: NativeClient, request: object): Promise<Found> {
  const frame: Frame = await client.query({ op: 'find', ...request });
  const { messages, complete, next } = Object(frame.value);
  return { texts: messages.map(({ text }: { text: string }) => text), complete, next };
}

t.test('find: what was acknowledged on one node is found on another, by those who may read it', async (t) => {
  await ann.change({ op: 'send', to: 'bob', text: 'The budget of spring' });
  await ann.change({ op: 'create-group', group: 'board', password: 'closed' });
  await ann.change({ op: 'send', to: '#board', text: 'The budget of the board' });
  await eve.change({ op: 'send', to: '#lobby', text: 'Who knows the budget?' });
  t.same(await find(bob, { text: 'budget' }), {
    texts: ['Who knows the budget?', 'The budget of spring'],
    complete: true,
    next: null,
  });
  t.same((await find(ann, { text: 'budget' })).texts.length, 3);
  t.same((await find(eve, { text: 'budget' })).texts, ['Who knows the budget?']);
  t.same((await find(ann, { text: 'budget', with: '#board' })).texts, ['The budget of the board']);
  t.same((await find(ann, { text: 'budget', with: 'bob' })).texts, ['The budget of spring']);
  t.same((await find(ann, { text: 'budget', from: 'eve' })).texts, ['Who knows the budget?']);
  t.same((await find(ann, { text: '', from: 'eve' })).texts, ['Who knows the budget?']);
});

t.test('find: a stranger to a closed group is told the same as if there were none', async (t) => {
  for (const group of ['#board', '#nothing']) {
    t.match(await eve.query({ op: 'find', text: 'budget', with: group }), {
      ok: false,
      code: 'UNKNOWN_GROUP',
    });
  }
  await eve.change({ op: 'join-group', group: 'board', password: 'closed' });
  t.equal((await find(eve, { text: 'budget board' })).texts.length, 1, 'a member reads all of it');
  await ann.change({ op: 'remove-member', group: 'board', user: 'eve' });
  t.equal((await find(eve, { text: 'budget board' })).texts.length, 0, 'and nothing any more');
});

t.test('find: pages go on where the last one ended', async (t) => {
  await ann.change({ op: 'create-group', group: 'pages' });
  for (let at = 1; at <= 7; at++) await ann.change({ op: 'send', to: '#pages', text: `leaf ${at}` });
  const texts: string[] = [];
  let before: number | null = null;
  let pages = 0;
  do {
    const page: Found = await find(ann, { text: 'leaf ', limit: 3, ...(before === null ? {} : { before }) });
    texts.push(...page.texts);
    before = page.next;
    pages += 1;
  } while (before !== null && pages < 10);
  t.same(
    texts,
    [7, 6, 5, 4, 3, 2, 1].map((at) => `leaf ${at}`),
  );
  t.equal(pages, 3);
});

t.test('find: bad questions are refused with a code', async (t) => {
  t.match(await ann.query({ op: 'find', text: '...' }), { ok: false, code: 'BAD_REQUEST' });
  t.match(await ann.query({ op: 'find', text: '-no' }), { ok: false, code: 'BAD_REQUEST' });
  t.match(await ann.query({ op: 'find', text: 'x'.repeat(257) }), { ok: false, code: 'TOO_LONG' });
  t.match(await ann.query({ op: 'find', text: 'x', from: 'nobody' }), { ok: false, code: 'UNKNOWN_USER' });
  t.match(await ann.query({ op: 'find', text: 'x', with: 'nobody' }), { ok: false, code: 'UNKNOWN_USER' });
});
