/** The session behind a page, against nodes in memory and under a clock that stands still: reloads, lost sessions, a leader that dies. */
import t from 'tap';
import { seededRandom } from '../../../src/base/prng.ts';
import type { Dialer, Socket } from '../../../src/client/ports.ts';
import { App } from '../../../src/web/session/app.ts';
import type { Admission, Doorkeeper, Keep } from '../../../src/web/session/ports.ts';
import { countingSecrets, FakeCluster } from '../../client/fake-cluster.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

function memoryKeep(): Keep & { readonly all: Map<string, string> } {
  const all = new Map<string, string>();
  return {
    all,
    get: (name) => all.get(name) ?? null,
    set: (name, value) => void (value === null ? all.delete(name) : all.set(name, value)),
    names: (prefix) => [...all.keys()].filter((name) => name.startsWith(prefix)),
  };
}

/** A browser with one tab in which the page can be loaded again and again. */
class Browser {
  readonly clock = new VirtualClock();
  readonly cluster = new FakeCluster(this.clock);
  readonly tab = memoryKeep();
  readonly storage = memoryKeep();
  readonly secrets = countingSecrets();
  readonly notices: string[] = [];
  /** How the node that the page comes from answers about the browser's login. */
  admission: () => Admission = () => ({ kind: 'stranger' });
  isClaimed = false;
  #sockets: Socket[] = [];
  /** Counts pages: what one that is gone still has under way reaches nobody. */
  #page = 0;

  constructor() {
    this.cluster.accounts.set('ann', 'pw').set('bob', 'pw');
  }

  load(): App {
    const page = this.#page;
    const dialer: Dialer = {
      dial: (address, listener) => {
        if (page !== this.#page) return { send: () => undefined, close: () => undefined };
        const socket = this.cluster.dial(address, listener);
        this.#sockets.push(socket);
        return socket;
      },
    };
    return App.open(
      {
        nodes: this.cluster.addresses,
        clock: this.clock,
        random: seededRandom(3),
        dialer,
        secrets: this.secrets,
        door: this.#door(),
        tab: this.tab,
        browser: this.storage,
        claim: async () => !this.isClaimed,
        notify: (title, text) => this.notices.push(`${title}: ${text}`),
      },
      (action) => action(),
    );
  }

  /** The page goes without a word. */
  unload(): void {
    for (const socket of this.#sockets) socket.close();
    this.#sockets = [];
    this.#page++;
  }

  async loggedIn(): Promise<App> {
    const app = this.load();
    await this.clock.advance(50);
    this.admission = () => ({ kind: 'unreachable' });
    void app.login('ann', 'pw');
    await this.clock.advance(500);
    return app;
  }

  #door(): Doorkeeper {
    const answer = async (): Promise<Admission> => this.admission();
    return { register: answer, logIn: answer, resume: answer, logOut: async () => false };
  }
}

function said(app: App): string[] {
  return [...app.store.state.conversations.values()].flatMap(({ window }) =>
    window.messages.map(({ text }) => text),
  );
}

function waiting(app: App): string[] {
  return app.store.state.outbox.map(({ state }) => state.kind);
}

t.test(
  'app: messages that were under way when the page was reloaded are said once, in their order',
  async (t) => {
    const browser = new Browser();
    const app = await browser.loggedIn();
    t.equal(app.store.state.phase, 'chat');
    browser.cluster.losesReplies = 2;
    app.say('bob', 'one');
    app.say('bob', 'two');
    await browser.clock.advance(3);
    t.equal(browser.cluster.messages.length, 2, 'executed, but the page does not know it');
    browser.unload();

    const again = browser.load();
    await browser.clock.advance(500);
    t.equal(again.store.state.phase, 'chat', 'without a login');
    t.equal(again.store.state.me, 'ann');
    t.same(
      browser.cluster.messages.map(({ text }) => text),
      ['one', 'two'],
    );
    t.same(waiting(again), []);
    t.notOk(browser.tab.all.has('outbox.ann'), 'nothing of it is kept any longer');
  },
);

t.test('app: what was written without a connection leaves after a reload, when there is one', async (t) => {
  const browser = new Browser();
  const app = await browser.loggedIn();
  for (const id of [1, 2, 3]) browser.cluster.kill(id);
  await browser.clock.advance(2_000);
  t.equal(app.store.state.line?.kind, 'unreachable');
  app.say('bob', 'later');
  await browser.clock.advance(100);
  t.same(waiting(app), ['waiting']);
  browser.unload();
  const again = browser.load();
  await browser.clock.advance(1_000);
  t.same(waiting(again), ['waiting']);
  t.match(again.store.state, { phase: 'starting', line: { kind: 'unreachable' } }, 'which is said');
  for (const id of [1, 2, 3]) browser.cluster.restart(id);
  browser.cluster.setLeader(1);
  await browser.clock.advance(5_000);
  t.same(
    browser.cluster.messages.map(({ text }) => text),
    ['later'],
  );
  t.same(said(again), ['later']);
  t.same(waiting(again), []);
});

t.test('app: the leader dies; the page goes on and says what it cost', async (t) => {
  const browser = new Browser();
  const app = await browser.loggedIn();
  app.say('bob', 'before');
  browser.cluster.kill(1);
  app.say('bob', 'meanwhile');
  await browser.clock.advance(20);
  t.match(app.store.state.line, { kind: 'searching', node: 1 });
  browser.cluster.setLeader(2);
  await browser.clock.advance(500);
  t.match(app.store.state.line, { kind: 'recovered', node: 1, leader: 2, lost: 0 });
  t.same(said(app), ['before', 'meanwhile']);
  await browser.clock.advance(20_000);
  t.equal(app.store.state.line, null, 'the line goes by itself');
});

t.test('app: nodes that elect nobody for longer than an election takes are no majority', async (t) => {
  const browser = new Browser();
  const app = await browser.loggedIn();
  browser.cluster.setLeader(null);
  await browser.clock.advance(1_000);
  t.match(app.store.state.line, { kind: 'electing' });
  await browser.clock.advance(5_000);
  t.match(app.store.state.line, { kind: 'unreachable' });
  browser.cluster.setLeader(2);
  await browser.clock.advance(500);
  t.match(app.store.state.line, { kind: 'recovered', leader: 2, lost: 0 });
});

t.test(
  'app: a session that ended is replaced from the browser’s login; without one somebody has to log in',
  async (t) => {
    const browser = new Browser();
    const app = await browser.loggedIn();
    await browser.clock.advance(100_000);
    const derived = { id: 'd'.repeat(32), secret: 'e'.repeat(64) };
    browser.cluster.sessions.set(derived.id, { user: 'ann', ended: false, highest: 0, answers: new Map() });
    browser.admission = () => ({ kind: 'admitted', user: 'ann', session: derived });
    endSessions(browser.cluster, derived.id);
    app.say('bob', 'over the edge');
    await browser.clock.advance(2_000);
    t.equal(app.store.state.phase, 'chat');
    t.equal(app.client.session.id, derived.id);
    app.say('bob', 'on it');
    await browser.clock.advance(500);
    t.equal(browser.cluster.messages.at(-1)?.text, 'on it');

    await browser.clock.advance(100_000);
    browser.admission = () => ({ kind: 'stranger' });
    endSessions(browser.cluster, '');
    app.say('bob', 'too late');
    await browser.clock.advance(2_000);
    t.equal(app.store.state.phase, 'entrance');
    t.equal(app.store.state.entranceReason, 'session-lost');
    t.notOk(browser.tab.all.has('session'));
  },
);

t.test('app: a group is missing only when the cluster says so', async (t) => {
  const browser = new Browser();
  const app = await browser.loggedIn();
  app.store.set({ isListed: true });
  // The groups are refused here, as without a majority.
  await app.open('#team');
  await browser.clock.advance(500);
  t.match(app.store.state, { openId: null, isNowhere: false, dialog: null });
});

t.test('app: a copied tab gets a session of its own, and leaves the other one alone', async (t) => {
  const browser = new Browser();
  const first = await browser.loggedIn();
  const derived = { id: 'd'.repeat(32), secret: 'e'.repeat(64) };
  browser.cluster.sessions.set(derived.id, { user: 'ann', ended: false, highest: 0, answers: new Map() });
  browser.admission = () => ({ kind: 'admitted', user: 'ann', session: derived });
  browser.isClaimed = true;
  const copy = browser.load();
  await browser.clock.advance(500);
  t.equal(copy.store.state.phase, 'chat');
  t.not(copy.client.session.id, first.client.session.id);
});

t.test('app: who logs out leaves nothing in the browser', async (t) => {
  const browser = new Browser();
  const app = await browser.loggedIn();
  app.settings.keepDraft('bob', 'half a thought');
  app.settings.choose({ language: 'de' });
  browser.admission = () => ({ kind: 'stranger' });
  void app.logout();
  await browser.clock.advance(1_000);
  t.equal(app.store.state.phase, 'entrance');
  t.same([...browser.tab.all.keys()], []);
  t.same([...browser.storage.all.keys()], ['settings']);
});

t.test('app: a message of somebody else is told to whoever looks elsewhere and wants it', async (t) => {
  const browser = new Browser();
  const app = await browser.loggedIn();
  app.settings.choose({ notifies: true });
  browser.cluster.post('bob', 'ann', 'hello');
  await browser.clock.advance(50);
  t.same(browser.notices, ['bob: hello']);
  await app.open('bob');
  app.look({ isVisible: true, isAtEnd: true });
  browser.cluster.post('bob', 'ann', 'there?');
  await browser.clock.advance(50);
  t.same(browser.notices, ['bob: hello'], 'what is seen is not told');
  t.equal(app.store.state.announced, 'bob: there?');
  await settle();
});

function endSessions(cluster: FakeCluster, except: string): void {
  for (const [id, session] of cluster.sessions) if (id !== except) session.ended = true;
}
