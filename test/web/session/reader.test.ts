/** What comes from the cluster while something else is under way: the later word counts, and what a person does is not undone. */
import t from 'tap';
import type { ClientEvent } from '../../../src/client/types.ts';
import type { AmendedEntry } from '../../../src/protocol/amendments.ts';
import type { ConversationEntry, MessageEntry } from '../../../src/protocol/requests.ts';
import { type AppState, firstSettings, firstState } from '../../../src/web/model/app-state.ts';
import { Reader, type ReaderOptions } from '../../../src/web/session/reader.ts';
import { Store } from '../../../src/web/session/store.ts';
import { settle } from '../../support/virtual-clock.ts';
import { entry, message } from '../model/samples.ts';

type Client = ReaderOptions['client'];

/** A cluster that answers what stands in it, at once or when the test says so. */
class Desk {
  readonly store = new Store<AppState>({ ...firstState(firstSettings), me: 'ann' }, (action) => action());
  readonly heard: string[] = [];
  conversations: ConversationEntry[] = [];
  messages: readonly MessageEntry[] = [];
  answer: Promise<void> = Promise.resolve();
  tell: (event: ClientEvent) => void = () => undefined;
  readonly reader: Reader;

  constructor() {
    const client: Client = {
      onMessage: () => undefined,
      onEvent: (listener) => {
        this.tell = listener;
        return () => undefined;
      },
      conversations: async () => {
        const { conversations } = this;
        await this.answer;
        return { kind: 'receipt', value: { op: 'conversations', conversations } };
      },
      history: async () => {
        const { messages } = this;
        await this.answer;
        return { kind: 'receipt', value: { op: 'history', messages } };
      },
      markRead: (conversation, sequence) => void this.heard.push(`read ${conversation} ${sequence}`),
    };
    this.reader = new Reader({
      client,
      store: this.store,
      onArrival: () => undefined,
      onRenamed: (before, after) => this.heard.push(`${before} → ${after}`),
      onStranger: (address) => this.heard.push(`stranger ${address}`),
    });
  }

  /** What is asked from here on is answered when the returned function is called. */
  hold(): () => void {
    let release = (): void => undefined;
    this.answer = new Promise((resolve) => {
      release = resolve;
    });
    return () => release();
  }

  unread(id: string): number | undefined {
    return this.store.state.conversations.get(id)?.unread;
  }

  texts(id: string): readonly string[] {
    return this.store.state.conversations.get(id)?.window.messages.map(({ text }) => text) ?? [];
  }
}

const team = entry({ conversation: 'g:1', kind: 'group', name: '#team', others: null });

t.test('reader: what was read while the list was being answered is not unread again', async (t) => {
  const desk = new Desk();
  desk.conversations = [entry()];
  await desk.reader.list();
  t.equal(desk.unread('d:1:2'), 2);
  const answer = desk.hold();
  const listing = desk.reader.list();
  const opening = desk.reader.open('bob');
  desk.reader.look({ isVisible: true, isAtEnd: true });
  t.same(desk.heard, ['read d:1:2 3']);
  answer();
  await Promise.all([opening, listing]);
  t.equal(desk.unread('d:1:2'), 0);
});

t.test('reader: what this person read on another device is read here too', async (t) => {
  const desk = new Desk();
  desk.conversations = [entry()];
  await desk.reader.list();
  desk.conversations = [entry({ read: 2, unread: 1 })];
  desk.reader.keepCurrent();
  await settle();
  t.equal(desk.unread('d:1:2'), 1);
  desk.reader.look({ isVisible: false, isAtEnd: false });
  desk.conversations = [entry({ read: 3, unread: 0 })];
  desk.reader.keepCurrent();
  await settle();
  t.equal(desk.unread('d:1:2'), 1, 'nobody looks');
  desk.reader.look({ isVisible: true, isAtEnd: false });
  await settle();
  t.equal(desk.unread('d:1:2'), 0, 'at once when somebody comes back');
});

t.test('reader: an amendment that overtakes the page of the past with its message is kept', async (t) => {
  const desk = new Desk();
  desk.conversations = [entry({ lastSequence: 1, unread: 1, read: 0 })];
  await desk.reader.list();
  const answer = desk.hold();
  desk.messages = [message({ sequence: 1, text: 'tpyo' })];
  const opening = desk.reader.open('bob');
  const edited: AmendedEntry = {
    conversation: 'd:1:2',
    sequence: 1,
    revision: 1,
    index: 200,
    by: 'bob',
    text: 'typo',
    amendedMs: 1,
    editedMs: 1,
  };
  desk.tell({ ev: 'amended', ...edited });
  answer();
  await opening;
  t.same(desk.texts('d:1:2'), ['typo']);
});

t.test('reader: a group that is renamed says so before its new name is shown, and stays open', async (t) => {
  const desk = new Desk();
  desk.conversations = [team];
  await desk.reader.list();
  await desk.reader.open('#team');
  desk.conversations = [{ ...team, name: '#crew' }];
  await desk.reader.list();
  t.same(desk.heard, ['#team → #crew']);
  t.equal(desk.store.state.openId, 'g:1');
  await desk.reader.open('#team');
  t.same(desk.heard.at(-1), 'stranger #team', 'the old name leads nowhere');
  t.equal(desk.store.state.openId, null);
});

t.test('reader: an address of a group that one is not in makes no conversation', async (t) => {
  const desk = new Desk();
  await desk.reader.open('#team');
  t.equal(desk.store.state.openId, 'to:#team', 'nothing is known yet');
  desk.conversations = [entry()];
  await desk.reader.list();
  t.same(desk.heard, ['stranger #team']);
  t.same([...desk.store.state.conversations.keys()].sort(), ['d:1:2', 'to:#lobby']);
  await desk.reader.open('carl');
  t.equal(desk.store.state.openId, 'to:carl', 'a person is written to by name');
});
