/** Two people with the page of two nodes: what they write, send and see, and what becomes of it when the leader is killed. */
import { randomBytes } from 'node:crypto';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { until } from '../../scripts/support/until.ts';
import { violationsOf } from './support/accessibility.ts';
import { type BrowserRoom, inBrowser, type PageOptions } from './support/browser-room.ts';

const patienceMs = 30_000;

const password = 'a long enough one';

async function register(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Create an account' }).click();
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Create an account' }).click();
  await page.getByRole('navigation', { name: 'Conversations' }).waitFor();
}

async function jumpTo(page: Page, name: string): Promise<void> {
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill(name);
  await page.getByRole('option', { name }).first().waitFor();
  await page.keyboard.press('Enter');
  await page.getByLabel(`Message to ${name}`).waitFor();
}

async function say(page: Page, text: string): Promise<void> {
  await page.locator('#composer').fill(text);
  await page.locator('#composer').press('Enter');
}

/** The texts of the open conversation, as they are on the screen, the newest last. */
async function textsOn(page: Page): Promise<string[]> {
  return page.locator('article .text').allTextContents();
}

async function mark(page: Page, text: string, name: string): Promise<void> {
  const row = page.getByRole('article').filter({ hasText: text });
  await row.getByRole('img', { name, exact: true }).waitFor();
}

/** Somebody new, with the page of that node. */
async function newcomer(room: BrowserRoom, name: string, node: number, options: PageOptions = {}) {
  const opened = await room.open(room.url(node), options);
  await register(opened.page, name);
  return opened;
}

await inBrowser({ label: 'chat-pages' }, async (room) => {
  t.test('page: the entrance in German and dark is open to everybody', async (t) => {
    const { page } = await room.open(room.url(1), { colorScheme: 'dark', locale: 'de-DE' });
    await page.getByRole('button', { name: 'Anmelden' }).waitFor();
    t.same(await violationsOf(page), []);
    await page.close();
  });

  t.test(
    'page: a message is edited, deleted and reacted to by keyboard, and the others see it',
    async (t) => {
      const cleo = await newcomer(room, 'cleo', 3);
      const dan = await newcomer(room, 'dan', 1);
      await jumpTo(cleo.page, 'dan');
      await say(cleo.page, 'one tpyo');
      await say(cleo.page, 'to be gone');
      await mark(cleo.page, 'to be gone', 'delivered');
      await dan.page.getByRole('link', { name: /^cleo/ }).click();

      await cleo.page.getByRole('article').filter({ hasText: 'one tpyo' }).focus();
      await cleo.page.keyboard.press('e');
      // As a person does: begins to type once the text stands there.
      await until(
        'the text stands there',
        patienceMs,
        async () => (await cleo.page.locator('#composer').inputValue()) === 'one tpyo',
      );
      await cleo.page.locator('#composer').fill('one typo');
      await cleo.page.locator('#composer').press('Enter');
      await dan.page.getByRole('article').filter({ hasText: 'one typo' }).getByText('edited').waitFor();

      await cleo.page.getByRole('article').filter({ hasText: 'to be gone' }).focus();
      await cleo.page.keyboard.press('Delete');
      await cleo.page.getByRole('dialog').getByRole('button', { name: 'Yes' }).click();
      await dan.page.getByRole('article').getByText('This message was deleted.').waitFor();

      await dan.page.getByRole('article').filter({ hasText: 'one typo' }).focus();
      await dan.page.keyboard.press('+');
      await dan.page.getByRole('button', { name: '🎉' }).click();
      await cleo.page.getByRole('button', { name: '🎉 by dan' }).click();
      await dan.page.getByRole('button', { name: '🎉 by dan, cleo' }).waitFor();
      t.same(await violationsOf(dan.page), []);

      t.equal(await dan.page.evaluate('document.cookie'), '', 'no script reads the login');
      const tab = await room.open(room.url(1, '#/cleo'), { context: dan.context });
      await tab.page.getByRole('article').filter({ hasText: 'one typo' }).waitFor();
      t.same([...cleo.complaints, ...dan.complaints, ...tab.complaints], [], 'a new tab is logged in');
      await cleo.context.close();
      await dan.context.close();
    },
  );

  t.test('page: every dialog is open to everybody, also on a narrow dark screen', async (t) => {
    const { page, complaints } = await newcomer(room, 'eve', 2, {
      colorScheme: 'dark',
      width: 320,
      height: 640,
    });
    const opened: readonly (readonly [title: string, open: () => Promise<void>])[] = [
      ['Jump to …', () => page.keyboard.press('Control+k')],
      ['Search messages', () => page.keyboard.press('Control+Shift+f')],
      ['New group', () => page.getByRole('button', { name: 'New group' }).click()],
      ['Settings', () => page.getByRole('button', { name: 'Settings', exact: true }).click()],
      // From one dialog into another.
      [
        'Keyboard',
        async () => {
          await page.getByRole('button', { name: 'Settings', exact: true }).click();
          await page.getByRole('dialog').getByRole('button', { name: 'Keyboard' }).click();
        },
      ],
      ['Account: eve', () => page.getByRole('button', { name: /Account and settings/ }).click()],
    ];
    for (const [title, open] of opened) {
      await open();
      await page.getByRole('dialog', { name: title }).waitFor();
      t.same(await violationsOf(page), [], title);
      t.ok(await page.getByRole('dialog', { name: title }).isVisible(), 'it stays');
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
    }
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    t.equal(width, 320, 'nothing has to be scrolled sideways');
    t.same(complaints, []);
    await page.close();
  });

  t.test('page: a dialog asked for while another closes stays open', async (t) => {
    const { page, complaints } = await newcomer(room, 'fay', 1);
    // In one turn of the page, as a quick hand does it on a busy machine: what the browser says of the first comes after the key.
    const closeAndSearch = () =>
      page.evaluate(`
        document.querySelector('dialog').close();
        window.dispatchEvent(new KeyboardEvent('keydown', { key: 'f', ctrlKey: true, shiftKey: true }));
        new Promise((done) => setTimeout(done, 0)).then(() => new Promise(requestAnimationFrame)).then(() => null);
      `);
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog', { name: 'Jump to …' }).waitFor();
    await closeAndSearch();
    t.ok(await page.getByRole('dialog', { name: 'Search messages' }).isVisible(), 'another one');
    await page.getByRole('searchbox').fill('thing');
    await closeAndSearch();
    t.ok(await page.getByRole('dialog', { name: 'Search messages' }).isVisible(), 'the same again');
    t.equal(await page.getByRole('searchbox').inputValue(), '', 'begun anew');
    await page.keyboard.type('typed');
    t.equal(await page.getByRole('searchbox').inputValue(), 'typed', 'and it has the focus');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    t.same(complaints, []);
    await page.close();
  });

  t.test(
    'page: a group is made once, come into by its address, tidied by its owner, and renamed under a writer',
    async (t) => {
      const gil = await newcomer(room, 'gil', 1);
      const hal = await newcomer(room, 'hal', 2);
      await gil.page.getByRole('button', { name: 'New group' }).click();
      await gil.page.getByLabel('Name of the group').fill('den');
      // A double click, both before anything is drawn.
      await gil.page.evaluate(`{
        const form = document.querySelector('dialog form');
        form.requestSubmit();
        form.requestSubmit();
      }`);
      await gil.page.getByLabel('Message to #den').waitFor();
      const goTo = (address: string) => hal.page.evaluate(`location.hash = ${JSON.stringify(address)}`);
      await goTo('#/%23den');
      await hal.page.getByRole('dialog', { name: 'Join #den' }).getByRole('button', { name: 'Join' }).click();
      await hal.page.getByLabel('Message to #den').waitFor();
      await say(hal.page, 'something rude');
      await hal.page.locator('#composer').fill('half a thought');

      const row = gil.page.getByRole('article').filter({ hasText: 'something rude' });
      await row.hover();
      await row.getByRole('button', { name: 'Delete' }).click();
      await gil.page.getByRole('dialog').getByRole('button', { name: 'Yes' }).click();
      await hal.page.getByRole('article').getByText('This message was deleted.').waitFor();

      await gil.page.getByRole('button', { name: 'Details of the group' }).click();
      await gil.page.getByLabel('Name of the group').fill('lair');
      await gil.page.getByRole('button', { name: 'Rename' }).click();
      await gil.page.getByRole('dialog', { name: 'Group #lair' }).waitFor();
      await hal.page.getByLabel('Message to #lair').waitFor();
      t.equal(await hal.page.locator('#composer').inputValue(), 'half a thought');
      await hal.page.reload();
      await hal.page.getByLabel('Message to #lair').waitFor();
      t.equal(await hal.page.locator('#composer').inputValue(), 'half a thought', 'kept under the new name');
      await goTo('#/%23den');
      await hal.page.getByRole('alert').filter({ hasText: 'There is no such group.' }).waitFor();
      t.same([...gil.complaints, ...hal.complaints], []);
      await gil.context.close();
      await hal.context.close();
    },
  );

  // The last one: one node of three is gone behind it.
  t.test(
    'page: two people chat, a file goes over, the leader is killed, and both go on without a reload',
    async (t) => {
      const leader = await room.cluster.leader();
      const ann = await newcomer(room, 'ann', leader.id, { height: 2_000 });
      const bob = await newcomer(room, 'bob', (leader.id % 3) + 1, { height: 2_000 });
      await jumpTo(ann.page, 'bob');
      const hostile = '<img src=x onerror=alert(1)>';
      await say(ann.page, hostile);
      await bob.page.getByRole('link', { name: /^ann/ }).click();
      await bob.page.getByText(hostile).last().waitFor();
      t.equal(await bob.page.locator('article img').count(), 0, 'markup is text');
      await mark(ann.page, hostile, 'read');
      await sendFile(t, ann.page, bob.page, 'plan.bin');

      const texts = Array.from({ length: 24 }, (_, at) => `number ${at}`);
      for (const [at, text] of texts.entries()) {
        if (at === 8) room.cluster.signal(leader.id, 'SIGKILL');
        await say(at % 2 === 0 ? ann.page : bob.page, text);
      }
      await mark(ann.page, 'number 22', 'read');
      await mark(bob.page, 'number 23', 'read');
      for (const { page } of [ann, bob]) {
        const seen = (await textsOn(page)).filter((text) => text.startsWith('number'));
        t.same([...seen].sort(), [...texts].sort(), 'nothing lost, nothing doubled');
        const line = page.getByRole('status').filter({ hasText: 'nothing was lost' });
        await line.waitFor();
        const told = /^(node \d left|the leader changed); node \d leads; .*nothing was lost; [\d.]+ m?s$/;
        t.match(await line.textContent(), told);
      }
      t.same(await textsOn(ann.page), await textsOn(bob.page), 'both see one order');
      // The page of a node that is gone sends it by another one.
      await sendFile(t, ann.page, bob.page, 'later.bin');
      t.same(await violationsOf(ann.page), [], 'the conversation');
      t.same([...ann.complaints, ...bob.complaints], []);

      await bob.page.reload();
      await bob.page.getByText('number 23').last().waitFor();
      t.same(await textsOn(bob.page), await textsOn(ann.page), 'a reload shows the same, without a login');
      await scrolls(t, bob.page);
      await reloadsInAnOutage(t, room, bob.page);
    },
  );
});

/** With a pointer over the messages, whose own events come first. */
async function scrolls(t: Test, page: Page): Promise<void> {
  const { width, height } = { width: 1_280, height: 600 };
  await page.setViewportSize({ width, height });
  await page.mouse.move((width * 2) / 3, height / 2);
  const isUp = `(() => {
    const { scrollTop, scrollHeight, clientHeight } = document.querySelector('#messages');
    return scrollHeight - clientHeight - scrollTop > 200;
  })()`;
  await page.mouse.wheel(0, -400);
  await until('the messages scroll', patienceMs, () => page.evaluate<boolean>(isUp));
  const frame = 'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))';
  await page.evaluate(frame);
  t.ok(await page.evaluate(isUp), 'and stay where they were scrolled to');
}

/** What was written then is said afterwards. */
async function reloadsInAnOutage(t: Test, { cluster }: BrowserRoom, page: Page): Promise<void> {
  const another = cluster.nodes.find(
    (node) => cluster.runningIds.includes(node.id) && !page.url().includes(`:${node.httpPort}/`),
  );
  if (another === undefined) throw new Error('two nodes run');
  const outage = /No majority of the nodes can be reached. What you write is kept/;
  await cluster.end(another.id);
  await page.getByRole('status').filter({ hasText: outage }).waitFor();
  await say(page, 'said to nobody');
  await page.getByRole('article').filter({ hasText: 'said to nobody' }).waitFor();
  await page.reload();
  await page.getByRole('status').filter({ hasText: outage }).waitFor();
  cluster.run(another.id);
  await cluster.ready(another.id);
  await mark(page, 'said to nobody', 'read');
  t.equal((await textsOn(page)).filter((text) => text === 'said to nobody').length, 1);
}

async function sendFile(t: Test, from: Page, to: Page, name: string): Promise<void> {
  const buffer = randomBytes(700_000);
  await from.locator('#attach').setInputFiles({ name, mimeType: 'application/x-plan', buffer });
  const saved = to.waitForEvent('download');
  await to.getByRole('button', { name: `Save ${name}` }).click();
  const pieces: Buffer[] = [];
  for await (const piece of await (await saved).createReadStream()) pieces.push(Buffer.from(piece));
  t.ok(Buffer.concat(pieces).equals(buffer), 'the file came over, byte for byte');
}
