import t from 'tap';
import { holdsPassword, parseAccountLine } from '../../../src/cli/dialogues/account-lines.ts';

t.test('account lines: what they ask, and that everything else is left to the dialect', async (t) => {
  t.same(parseAccountLine('me'), { op: 'profile' });
  t.same(parseAccountLine('me|name|Ann | Bé'), { op: 'set-profile', displayName: 'Ann | Bé' });
  t.same(parseAccountLine('me|name|'), { op: 'set-profile', displayName: null });
  t.same(parseAccountLine('me|mail|a@b.c'), { op: 'set-profile', email: 'a@b.c' });
  t.same(parseAccountLine('p|old|new|with|bars'), {
    op: 'change-password',
    current: 'old',
    password: 'new|with|bars',
  });
  for (const line of ['m', 'me|', 'me|age|7', 'p', 'p|old', 'p|old|', 'd|me|hi', 'ME']) {
    t.equal(parseAccountLine(line), null, line);
  }
});

t.test('account lines: a line with a password is known as one, whatever its verb', async (t) => {
  for (const line of ['1|ann|pw', '2|ann|pw', 'p|old|new', 'j|#club|door']) t.ok(holdsPassword(line), line);
  for (const line of ['d|ann|1|2', 'j|#club', '3|ann', '4', 'me|name|p|x'])
    t.notOk(holdsPassword(line), line);
});
