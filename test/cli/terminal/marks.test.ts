/** What became of one's last message, as it is shown: every step once, in whatever order the news comes. */
import t from 'tap';
import { Marks } from '../../../src/cli/terminal/marks.ts';
import type { ClientRequest, Reply } from '../../../src/protocol/requests.ts';

const conversation = 'd:1:2';
const send = (text: string): ClientRequest => ({ op: 'send', to: 'bob', text });

function held(sequence: number): Reply {
  const place = { conversation, sequence, index: sequence, number: sequence, sentMs: 0 };
  return { kind: 'receipt', value: { op: 'send', to: 'bob', online: true, ...place } };
}

function marks() {
  const shown: (string | null)[] = [];
  return { marks: new Marks((line) => void shown.push(line)), shown };
}

const by = 'bob';

t.test('marks: sent, held by the cluster, delivered, read', async (t) => {
  const { marks: own, shown } = marks();
  own.asked(send('hi'));
  own.answered(send('hi'), held(1));
  own.took({ ev: 'delivered', conversation, sequence: 1, by });
  own.took({ ev: 'read', conversation, sequence: 1, by });
  t.strictSame(shown, [
    'to bob: hi (sent)',
    'to bob: hi (held by the cluster)',
    'to bob: hi (delivered)',
    'to bob: hi (read)',
  ]);
});

t.test('marks: news of a message that comes before its answer is kept', async (t) => {
  const { marks: own, shown } = marks();
  own.asked(send('hi'));
  own.took({ ev: 'delivered', conversation, sequence: 1, by });
  own.answered(send('hi'), held(1));
  t.equal(shown.at(-1), 'to bob: hi (delivered)');
});

t.test('marks: an answer tells that what it answers was read; one in a group does not', async (t) => {
  const { marks: own, shown } = marks();
  own.asked(send('hi'));
  own.answered(send('hi'), held(1));
  own.heard({ conversation, sequence: 2, to: '#team' });
  t.equal(shown.at(-1), 'to bob: hi (held by the cluster)');
  own.heard({ conversation, sequence: 2, to: 'ann' });
  t.equal(shown.at(-1), 'to bob: hi (read)');
});

t.test('marks: what others have of earlier messages says nothing of the last one', async (t) => {
  const { marks: own, shown } = marks();
  own.took({ ev: 'read', conversation, sequence: 1, by });
  own.asked(send('second'));
  own.answered(send('second'), held(2));
  t.equal(shown.at(-1), 'to bob: second (held by the cluster)');
  own.learn([
    {
      conversation,
      kind: 'direct',
      name: 'bob',
      lastSequence: 2,
      lastIndex: 2,
      delivered: 2,
      read: 2,
      unread: 0,
      others: { delivered: 2, read: 1 },
    },
  ]);
  t.equal(shown.at(-1), 'to bob: second (delivered)');
});

t.test('marks: a refused message leaves none, and text of others commands no terminal', async (t) => {
  const { marks: own, shown } = marks();
  own.asked(send(`\u001b[2J${'x'.repeat(50)}`));
  t.match(shown[0], /^to bob: \\x1b\[2Jx+… \(sent\)$/);
  own.answered(send(`\u001b[2J${'x'.repeat(50)}`), { kind: 'rejection', code: 'UNKNOWN_USER', text: '' });
  t.equal(shown.at(-1), null);
});
