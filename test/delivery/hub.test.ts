import t from 'tap';
import type { ChatEvent, Message } from '../../src/chat/types.ts';
import { Hub, type Subscriber } from '../../src/delivery/hub.ts';
import { FakeCluster } from '../support/fake-engine.ts';

function hub(): Hub {
  return new Hub(new FakeCluster().node(1).machine, 0, (action) => setImmediate(action));
}

function subscriber(account: number, heard: string[]): Subscriber {
  return {
    account,
    message: (push) => heard.push(`${account} ${push.message.body.text}`),
    advanced: () => heard.push(`${account} advanced`),
    receipt: () => heard.push(`${account} receipt`),
    group: (event) => heard.push(`${account} ${event.kind}`),
    accountDeleted: () => heard.push(`${account} deleted`),
    reset: () => heard.push(`${account} reset`),
  };
}

function message(from: number, to: number, text: string): ChatEvent {
  const content: Message = {
    conversation: 'd:1:2',
    sequence: 1,
    index: 1,
    from,
    to,
    number: 1,
    replyTo: null,
    body: { kind: 'text', text },
    sentMs: 0,
  };
  return { kind: 'message', message: content, fromName: `${from}`, toName: `${to}` };
}

t.test('hub: an event reaches those it concerns, each once, and nobody else', async (t) => {
  const heard: string[] = [];
  const target = hub();
  for (const account of [1, 1, 2, 3]) target.subscribe(subscriber(account, heard));
  target.publish({ index: 1, events: [message(1, 2, 'hi')] });
  target.publish({ index: 2, events: [message(3, 3, 'note')] });
  target.publish({ index: 3, events: [{ kind: 'account-deleted', account: 2, name: 'x' }] });
  t.same(heard, ['1 hi', '1 hi', '2 hi', '3 note', '2 deleted']);
});

t.test('hub: one encoding serves all readers of a message', async (t) => {
  const target = hub();
  const forms = new Set<object>();
  const quiet = subscriber(1, []);
  for (let count = 0; count < 3; count++) {
    target.subscribe({ ...quiet, message: (push) => forms.add(push.forms) });
  }
  target.publish({ index: 1, events: [message(2, 1, 'hi')] });
  t.equal(forms.size, 1);
});

t.test('hub: a subscriber may leave while it is told', async (t) => {
  const heard: string[] = [];
  const target = hub();
  const leave = target.subscribe({
    ...subscriber(1, heard),
    message: () => leave(),
    accountDeleted: () => heard.push('too late'),
  });
  target.subscribe(subscriber(1, heard));
  target.publish({ index: 1, events: [message(1, 2, 'hi')] });
  target.publish({ index: 2, events: [{ kind: 'account-deleted', account: 1, name: 'x' }] });
  t.same(heard, ['1 hi', '1 deleted']);
  t.equal(target.subscribers, 1);
});

t.test('hub: the end of a session is told to those who watch it', async (t) => {
  const target = hub();
  const ended: string[] = [];
  target.watchSession('a', () => ended.push('a'));
  const forget = target.watchSession('b', () => ended.push('b'));
  forget();
  for (const session of ['a', 'b', 'c'])
    target.publish({ index: 1, events: [{ kind: 'session-ended', session }] });
  t.same(ended, ['a']);
});

t.test(
  'hub: after a snapshot, sessions and accounts that are gone are noticed without an event',
  async (t) => {
    const target = hub();
    const heard: string[] = [];
    target.watchSession('gone', () => heard.push('session gone'));
    target.subscribe(subscriber(9, heard));
    target.reset(50);
    t.same(heard, ['session gone', '9 deleted']);
    t.equal(target.index, 50);
  },
);

t.test('hub: entries out of order are a fault of the program', async (t) => {
  const target = hub();
  target.publish({ index: 2, events: [] });
  t.throws(() => target.publish({ index: 1, events: [] }), /log order/);
});
