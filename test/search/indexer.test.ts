/** The indexer against a chat state that a real machine made; time is virtual, the index a real file. */
import t from 'tap';
import { silentLogger } from '../../src/base/logger.ts';
import { encodeProposal } from '../../src/chat/codecs/codec.ts';
import { Indexer } from '../../src/search/indexer.ts';
import { startNodes } from '../support/gateway.ts';
import { NativeClient } from '../support/native-client.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { LocalIndex, question, temporaryPath } from './support/index.ts';

const { cluster, nodes, stop } = await startNodes(1);
t.teardown(stop);
const [node] = nodes;
if (node === undefined) throw new Error('a node');
const { engine, httpPort } = node;
const view = engine.machine;

function makeIndexer(index: LocalIndex, clock: VirtualClock, hasRoom = (): boolean => true): Indexer {
  const indexer = new Indexer({ view, store: engine.store, index, clock, logger: silentLogger, hasRoom });
  engine.onApplied(({ events }) => indexer.applied(events));
  indexer.start();
  return indexer;
}

/** Until it holds; the file is synchronous, so virtual time and turns of the loop are enough. */
async function until(clock: VirtualClock, holds: () => boolean): Promise<void> {
  for (let step = 0; !holds(); step++) {
    if (step > 10_000) throw new Error('did not come');
    await clock.advance(50);
  }
}

const ann = await NativeClient.join(httpPort, 'ann');
await NativeClient.join(httpPort, 'bob');
for (let at = 1; at <= 600; at++) await ann.change({ op: 'send', to: 'bob', text: `note ${at}` });
const direct = view.conversationsOf(view.accountByName('ann')?.id ?? 0)[0];
if (direct === undefined) throw new Error('a conversation');
const mine = [`a${view.accountByName('ann')?.id}`];

t.test('indexer: what was there before it comes in by itself, in bounded transactions', async (t) => {
  const index = new LocalIndex(temporaryPath(t));
  const clock = new VirtualClock();
  const indexer = makeIndexer(index, clock);
  await clock.advance(119_000);
  t.equal(index.batches.length, 0, 'not in the first two minutes');
  t.equal(indexer.missing, null);
  await until(clock, () => indexer.missing === 0);
  t.same(
    index.batches.map(({ documents }) => documents.length),
    [256, 256, 88],
  );
  t.equal((await index.find(question('note 600', mine))).length, 1);
  await indexer.stop();
  await index.stop();
});

t.test('indexer: who asks is served at once, with what was said before the question', async (t) => {
  const index = new LocalIndex(temporaryPath(t));
  const clock = new VirtualClock();
  const indexer = makeIndexer(index, clock);
  await ann.change({ op: 'send', to: 'bob', text: 'freshly said' });
  const covered = indexer.covers([direct], 2_000);
  let answer: boolean | null = null;
  void covered.then((value) => {
    answer = value;
  });
  await until(clock, () => answer !== null);
  t.equal(await covered, true);
  t.ok(clock.monotonicMs() < 2_000);
  t.equal((await index.find(question('freshly', mine))).length, 1);
  await indexer.stop();
  await index.stop();
});

t.test('indexer: an index that goes on where it stopped takes each message once', async (t) => {
  const path = temporaryPath(t);
  const clock = new VirtualClock();
  const first = new LocalIndex(path);
  const before = makeIndexer(first, clock);
  await until(clock, () => before.missing === 0);
  await before.stop();
  await first.stop();
  await ann.change({ op: 'send', to: 'bob', text: 'said between' });
  const second = new LocalIndex(path);
  const after = makeIndexer(second, clock);
  await until(clock, () => after.missing === 0);
  t.same(
    second.batches.flatMap(({ documents }) => documents.map(({ text }) => text)),
    ['said between'],
  );
  await after.stop();
  await second.stop();
});

t.test('indexer: a failing index and a full disk are said, waited out, and lose nothing', async (t) => {
  const index = new LocalIndex(temporaryPath(t));
  const clock = new VirtualClock();
  let room = true;
  const indexer = makeIndexer(index, clock, () => room);
  await until(clock, () => indexer.missing === 0);
  for (const breakIt of [() => (index.isBroken = true), () => (room = false)]) {
    breakIt();
    await ann.change({ op: 'send', to: 'bob', text: 'said in bad times' });
    const wait = indexer.covers([direct], 2_000);
    await clock.advance(2_500);
    t.equal(await wait, false);
    index.isBroken = false;
    room = true;
    await until(clock, () => indexer.missing === 0);
  }
  t.equal((await index.find(question('bad times', mine))).length, 2);
  await indexer.stop();
  await index.stop();
});

t.test('indexer: an edited message is found by its present text, a deleted one not at all', async (t) => {
  const path = temporaryPath(t);
  const clock = new VirtualClock();
  const first = new LocalIndex(path);
  const found = async (index: LocalIndex, typed: string): Promise<number> =>
    (await index.find(question(typed, mine))).length;
  const say = async (text: string): Promise<{ conversation: string; sequence: number }> => {
    const { conversation, sequence } = Object((await ann.change({ op: 'send', to: 'bob', text })).value);
    return { conversation, sequence };
  };
  const edited = await say('apricot');
  const deleted = await say('quince');
  const before = makeIndexer(first, clock);
  await until(clock, () => before.missing === 0);
  t.same([await found(first, 'apricot'), await found(first, 'quince')], [1, 1]);
  await ann.change({ op: 'edit', ...edited, text: 'medlar' });
  await until(clock, () => before.missing === 0);
  t.same([await found(first, 'apricot'), await found(first, 'medlar')], [0, 1]);
  await before.stop();
  await first.stop();
  await ann.change({ op: 'delete-message', ...deleted });
  await ann.change({ op: 'react', ...edited, reaction: '👍' });
  const second = new LocalIndex(path);
  const after = makeIndexer(second, clock);
  await until(clock, () => after.missing === 0);
  t.same(
    [await found(second, 'quince'), await found(second, 'medlar')],
    [0, 1],
    'also what happened meanwhile',
  );
  await after.stop();
  await second.stop();
  const anew = new LocalIndex(temporaryPath(t));
  const again = makeIndexer(anew, clock);
  await until(clock, () => again.missing === 0);
  t.same([await found(anew, 'quince'), await found(anew, 'apricot'), await found(anew, 'medlar')], [0, 0, 1]);
  await again.stop();
  await anew.stop();
});

t.test('indexer: what has become too old goes, and the rest stays', async (t) => {
  const index = new LocalIndex(temporaryPath(t));
  const clock = new VirtualClock();
  const { value } = await ann.change({ op: 'create-group', group: 'short' });
  const group = String(Object(value).conversation);
  const ageMs = 1_000_000;
  const retain = async (): Promise<void> => {
    while ([...view.retentionDue(ageMs, view.clusterMs)].includes(group)) {
      const command = { kind: 'retain', conversation: group, defaultMs: ageMs } as const;
      await engine.propose(encodeProposal({ numbering: null, actor: null, command }));
    }
  };
  const found = async (typed: string): Promise<number> =>
    (await index.find(question(typed, [`g${group.slice(2)}`]))).length;
  for (const text of ['old one', 'old two']) await ann.change({ op: 'send', to: '#short', text });
  await retain();
  const indexer = makeIndexer(index, clock);
  await until(clock, () => indexer.missing === 0);
  t.equal(await found('old'), 2);
  cluster.aheadMs += ageMs;
  await ann.change({ op: 'send', to: '#short', text: 'new one' });
  await retain();
  t.equal(view.conversation(group)?.firstSequence, 3);
  const written = index.batches.length;
  await until(clock, () => index.batches.length > written && indexer.missing === 0);
  t.same([await found('old'), await found('new')], [0, 1]);
  const texts = index.batches.slice(written).flatMap(({ documents }) => documents.map(({ text }) => text));
  t.same(texts, ['new one'], 'nothing is read twice');
  await indexer.stop();
  await index.stop();
  await ann.change({ op: 'delete-group', group: 'short' });
});

t.test('indexer: a record that is staged a moment after its event comes in all the same', async (t) => {
  const index = new LocalIndex(temporaryPath(t));
  const clock = new VirtualClock();
  let isStaged = false;
  const store = {
    readStream: (async (stream, range) =>
      isStaged ? engine.store.readStream(stream, range) : []) as typeof engine.store.readStream,
  };
  const options = { view, store, index, clock, logger: silentLogger, hasRoom: () => true };
  const indexer = new Indexer(options);
  const covered = indexer.covers([direct], 2_000);
  await clock.advance(1_000);
  isStaged = true;
  await clock.advance(900);
  t.equal(await covered, true);
  await indexer.stop();
  await index.stop();
});

t.test('indexer: what is deleted goes, and an index of another history is made anew', async (t) => {
  const index = new LocalIndex(temporaryPath(t));
  const clock = new VirtualClock();
  const { value } = await ann.change({ op: 'create-group', group: 'brief' });
  const group = String(Object(value).conversation);
  await ann.change({ op: 'send', to: '#brief', text: 'shortlived' });
  await index.write({
    documents: [],
    places: [
      [direct.id, { first: 1, sequence: 1_000_000, revision: 0 }],
      ['g:999', { first: 1, sequence: 3, revision: 0 }],
    ],
    gone: [],
    removed: [],
  });
  const indexer = makeIndexer(index, clock);
  await until(clock, () => indexer.missing === 0);
  const { lastSequence: sequence } = direct;
  const revision = view.amendmentsOf(direct.id)?.lastRevision ?? 0;
  t.same(
    await index.places(),
    new Map([
      [direct.id, { first: 1, sequence, revision }],
      [group, { first: 1, sequence: 1, revision: 0 }],
    ]),
  );
  await ann.change({ op: 'delete-group', group: 'brief' });
  const gone = index.batches.length;
  await until(clock, () => index.batches.length > gone);
  t.same([...(await index.places()).keys()], [direct.id]);
  t.same(await index.find(question('shortlived', [`g${group.slice(2)}`])), []);
  await indexer.stop();
  await index.stop();
});
