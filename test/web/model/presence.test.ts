import t from 'tap';
import { afterPresence, withoutTyping, withTyping } from '../../../src/web/model/presence.ts';

t.test('presence: changes are added to what is known, a complete list takes its place', async (t) => {
  const first = afterPresence(new Set(['old']), [{ name: 'ann', online: true }], true);
  t.same([...first], ['ann']);
  const users = [
    { name: 'bob', online: true },
    { name: 'ann', online: false },
  ];
  t.same([...afterPresence(first, users, false)], ['bob']);
});

t.test('typing: each who writes is named once, until they are done', async (t) => {
  const one = withTyping(new Map(), 'd:1:2', 'bob');
  t.equal(withTyping(one, 'd:1:2', 'bob'), one);
  const two = withTyping(one, 'd:1:2', 'cy');
  t.same(two.get('d:1:2'), ['bob', 'cy']);
  t.same([...withoutTyping(withoutTyping(two, 'd:1:2', 'bob'), 'd:1:2', 'cy')], []);
  t.equal(withoutTyping(one, 'd:1:2', 'dan'), one);
});
