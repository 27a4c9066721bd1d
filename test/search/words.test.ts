import t from 'tap';
import { matchOf } from '../../src/search/match.ts';
import { readWords, spaced, wordsMax } from '../../src/search/words.ts';

function shown(typed: string): readonly string[] {
  return readWords(typed).map(
    ({ text, isExcluded, isPrefix }) => `${isExcluded ? 'not ' : ''}${text}${isPrefix ? '…' : ''}`,
  );
}

t.test('words: what is typed is words, phrases and exclusions', async (t) => {
  t.same(shown('one two '), ['one', 'two']);
  t.same(shown('one two'), ['one', 'two…'], 'the last word may still grow');
  t.same(shown('tw'), ['tw'], 'but not one of two letters');
  t.same(shown('"one two" three '), ['one two', 'three']);
  t.same(shown('"never closed'), ['never closed']);
  t.same(shown('one -two -"three four"'), ['one', 'not two', 'not three four']);
  t.same(shown('one -two'), ['one', 'not two']);
  t.same(shown('  ... !!! - "" '), [], 'marks alone are no words');
  t.same(shown('😀 '), ['😀']);
  t.equal(readWords('x '.repeat(1_000)).length, wordsMax);
});

t.test(
  'words: scripts without spaces are cut into characters, and forms that mean the same are one',
  async (t) => {
    t.equal(spaced('日本').replaceAll(/\s+/g, ' ').trim(), '日 本');
    t.equal(spaced('ﬁle'), 'file');
    t.equal(spaced('plain text'), 'plain text');
  },
);

t.test('match: whatever is typed, it stays inside its quotes', async (t) => {
  const words = readWords('a"b OR* NEAR(c) -d:e ^f {g}');
  const match = matchOf({ words, scopes: ['a1', 'g2'], also: ['f3'] });
  t.equal(
    match,
    '((text : "a") AND (text : "b OR* NEAR(c) -d:e ^f {g}") AND (scope : ("f3")) AND (scope : ("a1" OR "g2")))'.slice(
      1,
      -1,
    ),
  );
  t.equal(matchOf({ words: readWords('-only'), scopes: ['a1'], also: [] }), null, 'nothing to look for');
  t.equal(matchOf({ words: readWords('word '), scopes: [], also: [] }), null, 'nowhere to look');
  t.equal(
    matchOf({ words: readWords('-only'), scopes: ['a1'], also: ['f3'] }),
    '((scope : ("f3")) AND (scope : ("a1"))) NOT (text : "only")',
  );
});
