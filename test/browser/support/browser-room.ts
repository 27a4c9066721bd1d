/** One browser and one real cluster for a file of tests, and what its pages have in common. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import t from 'tap';
import { chromiumPath, lacksChromium, launchChromium } from '../../../scripts/support/chromium.ts';
import { RealCluster, type RealClusterOptions } from '../../../scripts/support/real-cluster.ts';
import { patienceOfFileMs } from '../../cluster/support/patience.ts';

export interface PageOptions {
  readonly colorScheme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  readonly locale?: string;
  /** Of a person who was here before: a context of their own, with its cookies and storage, otherwise a new one. */
  readonly context?: BrowserContext;
}

/** What a page said on its console that no page should say, and what it threw. */
export type Complaints = readonly string[];

export interface OpenPage {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly complaints: Complaints;
}

/** Until something must have come to the screen, on a slow machine with a cluster beside it. */
export const screenMs = 30_000;

/** A lost connection is part of most of these tests; the browser tells of each on the console, and pages cannot help it. */
const unavoidable = /net::ERR_|WebSocket connection to .* failed|Failed to load resource/;

export class BrowserRoom {
  readonly cluster: RealCluster;
  readonly #browser: Browser;

  constructor(browser: Browser, cluster: RealCluster) {
    this.#browser = browser;
    this.cluster = cluster;
  }

  /** Where a browser is pointed at a node. */
  url(node: number, path = '/'): string {
    const { host, httpPort } = this.cluster.node(node);
    return `http://${host}:${httpPort}${path}`;
  }

  async open(url: string, options: PageOptions = {}): Promise<OpenPage> {
    const { colorScheme = 'light', width = 1_280, height = 800, locale = 'en-GB' } = options;
    const viewport = { width, height };
    const context =
      options.context ??
      (await this.#browser.newContext({ colorScheme, viewport, locale, reducedMotion: 'reduce' }));
    const page = await context.newPage();
    page.setDefaultTimeout(screenMs);
    const complaints: string[] = [];
    page.on('console', (message) => {
      const isGrave = message.type() === 'error' || message.type() === 'warning';
      if (isGrave && !unavoidable.test(message.text())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
    await page.goto(url);
    return { page, context, complaints };
  }
}

/**
 * Runs the tests of a file with a browser and a cluster, both gone afterwards. Where there is no browser the file is one skip, counted,
 * that says what is missing.
 */
export async function inBrowser(
  options: RealClusterOptions,
  tests: (room: BrowserRoom) => Promise<void>,
): Promise<void> {
  const path = chromiumPath();
  if (path === null) {
    t.pass('a browser drives the pages', { skip: lacksChromium });
    return;
  }
  t.setTimeout(patienceOfFileMs);
  const cluster = await RealCluster.start(options);
  t.teardown(() => cluster.dispose({ keep: !t.passing() }));
  const browser = await launchChromium(path);
  t.teardown(() => browser.close());
  await tests(new BrowserRoom(browser, cluster));
}
