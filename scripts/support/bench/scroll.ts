/** How the page of people feels: until it can be used, and while a long conversation scrolls, up and down again. */
import type { Page } from 'playwright-core';
import { type Client, connect } from '../../../src/client/index.ts';
import { logInOn, openConversation } from '../chat-page.ts';
import { launchChromium } from '../chromium.ts';
import type { RealCluster } from '../real-cluster.ts';

interface Scrolled {
  readonly seconds: number;
  /** Messages that went by, up and down again. */
  readonly passed: number;
  /** Tasks of the page's thread of more than 50 ms while it scrolled: whoever scrolls sees them. */
  readonly longTasks: number;
  readonly longestTaskMs: number;
}

export interface ScrollFigures extends Scrolled {
  readonly messages: number;
  /** From the navigation until somebody could type into the page. */
  readonly usableMs: number;
}

const password = 'a password to scroll by';
const inFlight = 256;
const giveUpMs = 60_000;
/** What a wheel of a mouse does, and a little more often than a person turns it. */
const wheelPixels = 2_400;
/** Fewer, and nothing was measured. */
const leastPassed = 200;

const watchTasks = `
  globalThis.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longTasks.push(duration);
  }).observe({ type: 'longtask', buffered: true });
`;

export async function measureScroll(
  cluster: RealCluster,
  chromium: string,
  messages: number,
  seconds: number,
): Promise<ScrollFigures> {
  const [ann, ben] = await Promise.all([enter(cluster, 'ann'), enter(cluster, 'ben')]);
  await write(ann, messages);
  await Promise.all([ann.close(), ben.close()]);
  const browser = await launchChromium(chromium);
  try {
    const page = await browser.newPage({ viewport: { width: 1_280, height: 800 }, locale: 'en-GB' });
    await page.addInitScript(watchTasks);
    const began = performance.now();
    await page.goto(`http://127.0.0.1:${cluster.nodes[0]?.httpPort}/`);
    await page.getByLabel('Name').waitFor();
    const usableMs = performance.now() - began;
    await logInOn(page, 'ben', password);
    await openConversation(page, 'ann');
    return { messages, usableMs, ...(await scroll(page, seconds)) };
  } finally {
    await browser.close();
  }
}

async function scroll(page: Page, seconds: number): Promise<Scrolled> {
  const { width = 0, height = 0 } = page.viewportSize() ?? {};
  await page.mouse.move((width * 2) / 3, height / 2);
  await page.evaluate('longTasks.length = 0');
  const first = await lastShown(page);
  await turnWheel(page, seconds / 2, -wheelPixels);
  const furthest = await lastShown(page);
  await turnWheel(page, seconds / 2, wheelPixels);
  const end = await lastShown(page);
  // Wherever the page begins, one of the two ways is long.
  const passed = Math.abs(first - furthest) + Math.abs(end - furthest);
  if (passed < leastPassed) throw new Error(`the page did not scroll: ${first}, ${furthest}, ${end}`);
  const tasks = await page.evaluate<readonly number[]>('longTasks');
  return {
    seconds,
    passed,
    longTasks: tasks.length,
    longestTaskMs: Math.max(0, ...tasks),
  };
}

async function turnWheel(page: Page, seconds: number, pixels: number): Promise<void> {
  const until = performance.now() + seconds * 1_000;
  while (performance.now() < until) {
    await page.mouse.wheel(0, pixels);
    // A wheel that turns faster than frames are drawn is not scrolled by.
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(resolve))');
  }
}

/** Number of the last message that is drawn. */
async function lastShown(page: Page): Promise<number> {
  const text = await page.getByRole('article').last().textContent();
  return Number(/message (\d+) of/.exec(text ?? '')?.[1] ?? 0);
}

async function enter(cluster: RealCluster, name: string): Promise<Client> {
  const client = connect({ nodes: cluster.httpAddresses, giveUpMs });
  for (const outcome of [await client.register(name, password), await client.login(name, password)]) {
    if (outcome.kind !== 'receipt') throw new Error(`${name}: ${outcome.text}`);
  }
  return client;
}

/** Of several lengths, as people's are. */
async function write(client: Client, messages: number): Promise<void> {
  for (let from = 1; from <= messages; from += inFlight) {
    const numbers = Array.from({ length: Math.min(inFlight, messages - from + 1) }, (_, at) => from + at);
    const outcomes = await Promise.all(
      numbers.map((n) => client.send('ben', `message ${n} of ${messages}${' and so on'.repeat(n % 17)}`)),
    );
    const failed = outcomes.find(({ kind }) => kind !== 'receipt');
    if (failed !== undefined) throw new Error('a message was not accepted');
  }
}
