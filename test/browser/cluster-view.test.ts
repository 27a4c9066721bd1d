/** The cluster view in a browser: a node is killed by its button, everybody sees who took over; the keyboard, both themes, both languages. */
import type { Page, Request } from 'playwright-core';
import t from 'tap';
import { logInOn } from '../../scripts/support/chat-page.ts';
import { until } from '../../scripts/support/until.ts';
import { OperatorClient } from '../../src/cli/cluster/operator-client.ts';
import { httpCaller } from '../../src/client/http-caller.ts';
import { memberAt } from '../support/fake-engine.ts';
import { startNodes, testOperatorKey } from '../support/gateway.ts';
import { NativeClient } from '../support/native-client.ts';
import { violationsOf } from './support/accessibility.ts';
import { type BrowserRoom, inBrowser, screenMs } from './support/browser-room.ts';

const path = '/cluster/ui';

async function leaderOf(room: BrowserRoom): Promise<number> {
  return (await room.cluster.leader()).id;
}

/** Until one row says all of it. Fails with what the page tells instead. */
async function waitForStory(page: Page, ...texts: readonly string[]): Promise<void> {
  let row = page.getByRole('listitem');
  for (const hasText of texts) row = row.filter({ hasText });
  await row.waitFor().catch(async (error: unknown) => {
    const stories = await page.locator('ol.story > li').allInnerTexts();
    throw new Error(`the page tells ${JSON.stringify(stories)}`, { cause: error });
  });
}

await inBrowser({ label: 'cluster-view' }, async (room) => {
  t.test('cluster view: dark and in German, it is used with the keyboard alone', async (t) => {
    const leader = await leaderOf(room);
    const other = room.cluster.runningIds.find((id) => id !== leader) ?? 0;
    const { page, complaints } = await room.open(room.url(other, path), {
      colorScheme: 'dark',
      locale: 'de-DE',
    });
    await page.getByText('Alle 3 Knoten laufen.').waitFor();
    t.equal(await page.evaluate('document.documentElement.lang'), 'de');
    t.same(await violationsOf(page), [], 'axe: dark');
    await page.getByRole('button', { name: `Leiten lassen: Knoten ${other}` }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Leiten lassen' });
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    t.equal(await leaderOf(room), leader, 'Escape asks for nothing');
    await page.getByRole('button', { name: `Leiten lassen: Knoten ${other}` }).press('Enter');
    await dialog.waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('img', { name: new RegExp(`Knoten ${other} leitet`) }).waitFor();
    await waitForStory(page, `Knoten ${leader} hat übergeben`);
    t.equal(await leaderOf(room), other);
    t.same(complaints, []);
  });

  for (const [name, address] of [
    ['the chat', '/'],
    ['the cluster view', path],
  ] as const) {
    t.test(`first visit: ${name} loads less than 150 KiB`, async (t) => {
      const { page } = await room.open('about:blank');
      // The view goes on asking: what comes later is nobody's to wait for.
      const finished: Request[] = [];
      page.on('requestfinished', (request) => finished.push(request));
      const began = performance.now();
      await page.goto(room.url(1, address), { waitUntil: 'load' });
      await page.getByRole('main').getByRole('heading').first().waitFor();
      t.comment(`usable after ${Math.round(performance.now() - began)} ms`);
      const loaded = await Promise.all([...finished].map((request) => request.sizes()));
      const bytes = loaded.reduce((sum, size) => sum + size.responseBodySize + size.responseHeadersSize, 0);
      t.ok(loaded.length >= 3, 'the page, its script and its style');
      t.ok(bytes > 0 && bytes <= 150 * 1024, `${bytes} bytes`);
      await page.close();
    });
  }

  t.test('cluster view: a narrow screen scrolls in one direction only', async (t) => {
    const { page } = await room.open(room.url(1, path), { width: 360, height: 720 });
    await page.getByText('All 3 nodes are up.').waitFor();
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'));
  });

  t.test('cluster view: outside the demonstration it is for administrators, who kill nobody', async (t) => {
    const { nodes, stop } = await startNodes(1, {
      profile: 'production',
      registration: 'open',
      passwords: { minChars: 1, refuseCommon: false },
    });
    t.teardown(stop);
    const [node] = nodes;
    if (node === undefined) throw new Error('no node');
    node.engine.setMembers([{ ...memberAt(1), httpPort: node.httpPort }]);
    for (const user of ['ann', 'eve']) {
      (await NativeClient.join(node.httpPort, user)).destroy();
    }
    const operator = new OperatorClient(
      [{ host: '127.0.0.1', port: node.httpPort }],
      testOperatorKey,
      httpCaller,
    );
    const { page, complaints } = await room.open(`http://127.0.0.1:${node.httpPort}${path}`);
    const logIn = async (user: string, password: string): Promise<void> => {
      await page.getByLabel('Name or e-mail').fill(user);
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Log in' }).click();
    };
    await page.getByText('This view is for administrators.').waitFor();
    t.same(await violationsOf(page), []);
    await logIn('eve', 'wrong');
    await page.getByText('Incorrect username or password.').waitFor();
    await logIn('eve', 'pw');
    await page.getByText('This account is no administrator.').waitFor();
    await operator.ask({ method: 'POST', path: '/admin/role', body: { user: 'ann', administrator: true } });
    await logIn('ann', 'pw');
    await page.getByText('The only node is up.').waitFor();
    t.equal(await page.getByRole('button', { name: /Kill/ }).count(), 0);

    const chat = await room.open(`http://127.0.0.1:${node.httpPort}/`);
    await logInOn(chat.page, 'ann', 'pw');
    await chat.page.goto(`http://127.0.0.1:${node.httpPort}${path}`);
    await chat.page.getByText('The only node is up.').waitFor();
    const asked = await chat.page.getByLabel('Password').count();
    t.equal(asked, 0, 'whoever is logged in to the chat is known');
    t.same(complaints, []);
  });

  t.test('cluster view: the leader is killed by its button, and the page shows who leads now', async (t) => {
    const leader = await leaderOf(room);
    // The page's own node dies: it goes on with the others.
    const { page, complaints } = await room.open(room.url(leader, path));
    await page.getByText('All 3 nodes are up.').waitFor();
    await page.getByRole('img', { name: new RegExp(`Node ${leader} leads`) }).waitFor();
    t.same(await violationsOf(page), [], 'axe: all is well, light');

    await page.getByRole('button', { name: `Kill this node: Node ${leader}` }).click();
    await page.getByRole('dialog', { name: 'Kill this node' }).waitFor();
    t.same(await violationsOf(page), [], 'axe: the question');
    await page.getByRole('button', { name: 'Kill it' }).click();
    await until('the process is gone', screenMs, () => room.cluster.process(leader).exit);
    t.equal(room.cluster.process(leader).exit?.signal, 'SIGKILL');

    await page.getByText(`Node ${leader} is down. 2 of 3 hold the majority`).waitFor();
    const successor = await leaderOf(room);
    t.not(successor, leader);
    await page.getByRole('img', { name: new RegExp(`Node ${successor} leads`) }).waitFor();
    await waitForStory(page, `Node ${successor} leads`, `Node ${leader} was lost;`);
    await waitForStory(page, `kill node ${leader}`);
    t.same(await violationsOf(page), [], 'axe: a node is down, light');

    await room.cluster.restart(leader);
    await page.getByText('All 3 nodes are up.').waitFor();
    await waitForStory(page, `Node ${leader} is back.`);
    t.same(complaints, [], 'the page complained of nothing');
  });
});
