/** What Tab offers: only what fits, spelt as it was begun. */
import { join } from 'node:path';
import t from 'tap';
import { completePipe, completeSlash } from '../../../src/cli/dialogues/completion.ts';
import { expandHome } from '../../../src/cli/dialogues/home-path.ts';

const names: Parameters<typeof completePipe>[0] = {
  search: async (pattern) => ({
    kind: 'receipt',
    value: {
      op: 'search',
      users: ['ann', 'anna', 'bob']
        .filter((name) => name.startsWith(pattern))
        .map((name) => ({ name, online: true })),
    },
  }),
  groups: async () => ({ kind: 'rejection', code: 'AUTH_REQUIRED', text: '' }),
};

t.test('completion: commands first, then names, and nothing in a message', async (t) => {
  t.strictSame((await completePipe(names, 'm')).candidates, ['more', 'me']);
  t.strictSame(await completePipe(names, 'd|an'), { fragment: 'an', candidates: ['ann', 'anna'] });
  t.strictSame((await completePipe(names, 'd|ann|an')).candidates, []);
  t.strictSame((await completePipe(names, '1|an')).candidates, []);
  t.strictSame((await completePipe(names, '/f')).candidates, ['/file '], 'also what only the client knows');
  t.strictSame(await completePipe(names, '/file an'), { fragment: 'an', candidates: ['ann', 'anna'] });
  t.strictSame((await completePipe(names, 'tok')).candidates, ['token|', 'tokens']);
  t.strictSame((await completePipe(names, 'j|#a')).candidates, [], 'what may not be seen is not offered');
  t.strictSame((await completeSlash(names, '/show')).candidates, ['/showgroups', '/showgroupmembers']);
  t.strictSame((await completeSlash(names, '/msg bo')).candidates, ['bob']);
  t.strictSame((await completeSlash(names, 'an')).candidates, [], 'a line to everyone is no command');
});

t.test('completion: paths of files to send, folders with a stroke', async (t) => {
  const root = t.testdir({ 'photo.jpg': '', 'phone.txt': '', photos: { 'one.jpg': '' }, 'bad\nname': '' });
  const paths = ['phone.txt', 'photo.jpg', 'photos/'].map((name) => join(root, name));
  t.strictSame(await completePipe(names, `f|bob|${root}/ph`), { fragment: `${root}/ph`, candidates: paths });
  t.strictSame((await completeSlash(names, `/file bob ${root}/ph`)).candidates, paths);
  t.strictSame((await completeSlash(names, `/groupfile g ${root}/photos/`)).candidates, [
    join(root, 'photos/one.jpg'),
  ]);
  t.strictSame(
    (await completePipe(names, `/file bob ${root}/`)).candidates,
    paths,
    'no name that hides a line',
  );
  t.strictSame((await completePipe(names, 'f|bob|package.j')).candidates, ['package.json']);
  const home = process.env.HOME;
  process.env.HOME = root;
  t.teardown(() => {
    process.env.HOME = home;
  });
  t.strictSame((await completePipe(names, '/file bob ~/photo')).candidates, ['~/photo.jpg', '~/photos/']);
  t.equal(expandHome('~/photo.jpg'), join(root, 'photo.jpg'), 'no shell has looked at it');
  t.equal(expandHome('a~/b'), 'a~/b');
  t.strictSame((await completePipe(names, 'f|bob|./package.j')).candidates, ['./package.json']);
  t.strictSame((await completePipe(names, 'f|bob|/no/such/folder/x')).candidates, []);
});
