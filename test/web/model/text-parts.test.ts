import t from 'tap';
import { mentionAt, withMention } from '../../../src/web/model/mentions.ts';
import { calls, partsOf } from '../../../src/web/model/text-parts.ts';

function told(text: string): string[] {
  return partsOf(text).map((part) => `${part.kind}:${part.text}`);
}

t.test('text: whatever looks like markup stays text (SECURITY 24)', async (t) => {
  const hostile = '<img src=x onerror=alert(1)> <b>&amp;</b>';
  t.same(told(hostile), [`text:${hostile}`]);
  t.same(told('javascript:alert(1) data:text/html,x'), ['text:javascript:alert(1) data:text/html,x']);
});

t.test('text: web addresses end where the sentence goes on', async (t) => {
  t.same(told('see https://a.example/b(c), and (http://d.example).'), [
    'text:see ',
    'link:https://a.example/b(c)',
    'text:, and (',
    'link:http://d.example',
    'text:).',
  ]);
  t.same(
    told('https://user@evil.example/'),
    ['text:https://user@evil.example/'],
    'none that hides where it leads',
  );
  t.same(told('https://'), ['text:https://']);
});

t.test('text: names, code in a line and blocks of code', async (t) => {
  t.same(told('@bob, `a @c` and x@bob.de'), ['mention:@bob', 'text:, ', 'code:a @c', 'text: and x@bob.de']);
  t.same(told('so:\n```\nif (a) {\n  b\n}\n```\nyes'), [
    'text:so:\n',
    'block:if (a) {\n  b\n}',
    'text:\nyes',
  ]);
  t.ok(calls('hallo @Ann!', 'ann'));
  t.ok(calls('@all: lunch', 'ann'));
  t.notOk(calls('`@ann` @anna', 'ann'));
});

t.test('text: control characters are seen as what they are', async (t) => {
  t.same(told('a\u001b[31m\u0007b\n\tc\u009b'), ['text:a\\x1b[31m\\x07b\n\tc\\x9b']);
});

t.test('text: long hostile texts are taken in linear time', async (t) => {
  for (const piece of ['`', '```', '@', 'https://', '(', 'https://a)', '```\n`', '.,;']) {
    const text = piece.repeat(Math.floor(8_192 / piece.length));
    const whole = partsOf(text)
      .map((part) => part.text)
      .join('');
    t.ok(whole.length > 0 && whole.length <= text.length, piece);
  }
});

t.test('mentions: the name at the caret is found and completed', async (t) => {
  t.same(mentionAt('hi @bo', 6), { start: 3, beginning: 'bo' });
  t.same(mentionAt('@', 1), { start: 0, beginning: '' });
  t.equal(mentionAt('a@bo', 4), null);
  t.equal(mentionAt('hi @bo there', 12), null);
  t.same(withMention('hi @bo, yes', { start: 3, beginning: 'bo' }, 'bob'), {
    text: 'hi @bob , yes',
    caret: 8,
  });
});
