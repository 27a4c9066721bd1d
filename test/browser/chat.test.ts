/** Two people with the page of two nodes: what they write, send and see, and what becomes of it when the leader is killed. */
import { randomBytes } from 'node:crypto';
import type { Page } from 'playwright-core';
import t from 'tap';
import { violationsOf } from './support/accessibility.ts';
import { type BrowserRoom, inBrowser, screenMs } from './support/browser-room.ts';

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

async function seeLooks(room: BrowserRoom): Promise<void> {
  const { page } = await room.open(room.url(1), { colorScheme: 'dark', locale: 'de-DE' });
  await page.getByRole('button', { name: 'Anmelden' }).waitFor();
  t.same(await violationsOf(page), [], 'the entrance, dark');
  await page.close();
}

await inBrowser({ label: 'chat-pages' }, async (room) => {
  t.test(
    'page: two people chat, a file goes over, the leader is killed, and both go on without a reload',
    async (t) => {
      const ann = await room.open(room.url(1), { height: 2_000 });
      const bob = await room.open(room.url(2), { height: 2_000 });
      await register(ann.page, 'ann');
      await register(bob.page, 'bob');
      await jumpTo(ann.page, 'bob');
      const hostile = '<img src=x onerror=alert(1)>';
      await say(ann.page, hostile);
      await bob.page.getByRole('link', { name: /^ann/ }).click();
      await bob.page.getByText(hostile).last().waitFor();
      t.equal(await bob.page.locator('article img').count(), 0, 'markup is text');
      await mark(ann.page, hostile, 'read');

      const bytes = randomBytes(700_000);
      await ann.page
        .locator('#attach')
        .setInputFiles({ name: 'plan.bin', mimeType: 'application/x-plan', buffer: bytes });
      const saved = bob.page.waitForEvent('download');
      await bob.page.getByRole('button', { name: 'Save plan.bin' }).click({ timeout: screenMs });
      const stream = await (await saved).createReadStream();
      const pieces: Buffer[] = [];
      for await (const piece of stream) pieces.push(Buffer.from(piece));
      t.ok(Buffer.concat(pieces).equals(bytes), 'the file came over, byte for byte');

      const leader = await room.cluster.leader();
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
        await page.getByRole('status').filter({ hasText: 'nothing was lost' }).waitFor();
        const line = await page.getByRole('status').filter({ hasText: 'nothing was lost' }).textContent();
        t.match(line, /^(node \d left|the leader changed); node \d leads; .*nothing was lost; [\d.]+ m?s$/);
      }
      t.same(await textsOn(ann.page), await textsOn(bob.page), 'both see one order');
      t.same(await violationsOf(ann.page), [], 'the conversation');
      t.same([...ann.complaints, ...bob.complaints], []);
      await room.cluster.end(leader.id);
      await room.cluster.restart(leader.id);

      await ann.page.reload();
      await ann.page.getByText('number 23').last().waitFor();
      t.same(await textsOn(ann.page), await textsOn(bob.page), 'a reload shows the same, without a login');
    },
  );

  t.test('page: the entrance in German and dark is open to everybody', async () => seeLooks(room));
});
