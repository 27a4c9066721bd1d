import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { IndexFile } from '../../src/search/index-file.ts';
import { document, question, temporaryPath } from './support/index.ts';

const none = { documents: [], places: [], gone: [], removed: [] } as const;

t.test('index: words, phrases, beginnings and exclusions, without regard to case and accents', async (t) => {
  const index = new IndexFile(temporaryPath(t));
  const texts = [
    'The quick brown fox',
    'A brown, quick bear: Zürich',
    'quicksand',
    '東京都に行く',
    'foo-bar 😀',
    'nul\0and more',
  ];
  index.write({ ...none, documents: texts.map((text, at) => document(at + 1, text, ['lobby'])) });
  const find = (typed: string): readonly number[] =>
    index.find(question(typed, ['lobby'])).map(({ id }) => id);
  t.same(find('quick brown '), [2, 1], 'the newest first');
  t.same(find('"quick brown"'), [1]);
  t.same(find('quick'), [3, 2, 1], 'the last word is a beginning');
  t.same(find('quick -fox'), [2]);
  t.same(find('ZURICH '), [2]);
  t.same(find('京都'), [4], 'part of what is written without spaces');
  t.same(find('bar '), [5]);
  t.same(find('😀'), [5]);
  t.same(find('more '), [6], 'nothing in a text ends it');
  t.same(find('nul\0and '), [6], 'nor in what is typed');
  t.same(find('missing'), []);
  t.same(find('quick" OR text : "fox'), [], 'no operator comes through');
  index.close();
});

t.test('index: only what one of the scopes admits, and all of the others', async (t) => {
  const index = new IndexFile(temporaryPath(t));
  index.write({
    ...none,
    documents: [
      document(1, 'word', ['a1', 'a2', 'f1'], 'd:1:2'),
      document(2, 'word', ['g7', 'f2'], 'g:7'),
      document(3, 'word', ['a2', 'a3', 'f3'], 'd:2:3'),
    ],
  });
  const find = (scopes: readonly string[], more = {}): readonly number[] =>
    index.find(question('word', scopes, more)).map(({ id }) => id);
  t.same(find(['a2']), [3, 1]);
  t.same(find(['a1', 'g7']), [2, 1]);
  t.same(find(['a4']), []);
  t.same(find([]), []);
  t.same(find(['a2', 'g7'], { also: ['f2'] }), [2]);
  t.same(find(['a2'], { conversation: 'd:1:2' }), [1]);
  t.same(find(['a2'], { before: 3 }), [1]);
  t.same(find(['a2'], { limit: 1 }), [3]);
  t.same(find(Array.from({ length: 2_000 }, (_, at) => `g${at}`)), [2], 'as many groups as anyone is in');
  index.close();
});

t.test('index: how far it is comes with what it has; what went is not found', async (t) => {
  const path = temporaryPath(t);
  const first = new IndexFile(path);
  const documents = [document(5, 'old text', ['g1']), document(6, 'word', ['g1'])];
  first.write({ ...none, documents, places: [['g:1', { first: 1, sequence: 6, revision: 0 }]] });
  first.write({ ...none, documents: [document(5, 'new text', ['g1'])] });
  first.close();
  const index = new IndexFile(path);
  const find = (typed: string): number => index.find(question(typed, ['g1'])).length;
  t.same(index.places(), [['g:1', { first: 1, sequence: 6, revision: 0 }]]);
  t.equal(find('old'), 0, 'an edited message is found by its present text');
  t.equal(find('new'), 1);
  index.write({ ...none, removed: [5] });
  t.equal(find('new'), 0);
  index.write({ ...none, documents: [document(7, 'later', ['g1'])] });
  index.write({ ...none, places: [['g:1', { first: 7, sequence: 7, revision: 0 }]] });
  t.same([find('word'), find('later')], [0, 1], 'what is older than the first message goes');
  index.write({ ...none, gone: ['g:1'] });
  t.equal(find('word'), 0);
  t.same(index.places(), []);
  index.close();
});

t.test('index: a failed transaction leaves nothing', async (t) => {
  const index = new IndexFile(temporaryPath(t));
  const broken = { ...document(2, 'word', ['g1']), sequence: null as unknown as number };
  t.throws(() =>
    index.write({
      ...none,
      documents: [document(1, 'word', ['g1']), broken],
      places: [['g:1', { first: 1, sequence: 2, revision: 0 }]],
    }),
  );
  t.same(index.places(), []);
  t.same(index.find(question('word', ['g1'])), []);
  index.write({
    ...none,
    documents: [document(1, 'word', ['g1'])],
    places: [['g:1', { first: 1, sequence: 1, revision: 0 }]],
  });
  t.same(index.places(), [['g:1', { first: 1, sequence: 1, revision: 0 }]], 'and the next one is whole');
  index.close();
});

t.test('index: a damaged file, or one of another format, is begun anew', async (t) => {
  const path = temporaryPath(t);
  const documents = Array.from({ length: 500 }, (_, at) => document(at + 1, `word ${at}`, ['g1']));
  const fill = (): void => {
    const index = new IndexFile(path);
    index.write({ ...none, documents, places: [['g:1', { first: 1, sequence: 500, revision: 0 }]] });
    index.close();
  };
  fill();
  writeFileSync(path, 'this is no index at all '.repeat(1_000));
  const opened = new IndexFile(path);
  t.same(opened.places(), []);
  opened.close();
  fill();
  const content = readFileSync(path);
  content.fill(0xa5, 4_096 * 2);
  writeFileSync(path, content);
  const damaged = new IndexFile(path);
  t.throws(() => {
    damaged.places();
    damaged.find(question('word', ['g1']));
    damaged.write({ ...none, documents });
  });
  t.same(damaged.places(), [], 'whoever asks again finds an empty one');
  damaged.close();
});
