import t from 'tap';
import type { AmendedEntry } from '../../src/protocol/amendments.ts';
import type { MessageEntry } from '../../src/protocol/requests.ts';
import { Followers } from './followers.ts';

const place = { conversation: 'd:1:2', sequence: 1 };
const sent: MessageEntry = { ...place, index: 1, from: 'ann', to: 'bob', number: 1, text: 'x', sentMs: 0 };
const reactions = [{ reaction: 'a', users: ['bob'] }];

function amended(revision: number, change: object): AmendedEntry {
  return { ...place, revision, index: 1 + revision, by: 'bob', amendedMs: 0, ...change } as AmendedEntry;
}

t.test('followers: who is told everything shows what is there', (t) => {
  const followers = new Followers();
  followers.message('ann', sent);
  followers.amended('ann', amended(1, { text: 'y', editedMs: 1 }));
  followers.amended('ann', amended(2, { reactions }));
  followers.check('ann', [{ ...sent, text: 'y', reactions, revision: 2 }]);
  followers.amended('ann', amended(4, { deleted: true }));
  followers.check('ann', [{ ...sent, text: '(deleted)', deleted: true, revision: 4 }]);
  followers.check('bob', [sent]);
  t.same(followers.violations, []);
  t.end();
});

t.test('followers: what is told twice, out of order, or not at all is found', (t) => {
  const followers = new Followers();
  followers.message('ann', sent);
  followers.amended('ann', amended(2, { reactions }));
  followers.amended('ann', amended(2, { reactions }));
  followers.amended('ann', amended(1, { text: 'y', editedMs: 1 }));
  followers.check('ann', [{ ...sent, text: 'y', revision: 3 }]);
  t.match(followers.violations, [{ kind: 'duplicated' }, { kind: 'reordered' }, { kind: 'diverged' }]);
  t.end();
});
