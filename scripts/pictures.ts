/**
 * `npm run pictures`: docs/images/ anew, out of a real cluster whose leader is killed while people chat. Exit code 0 when all pictures were
 * taken, 1 when not, 64 for a wrong command line or without a browser.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { exitCodeFor } from '../src/base/exit-codes.ts';
import type { FileSource } from '../src/client/index.ts';
import { logInOn, openConversation } from './support/chat-page.ts';
import { chromiumPath, lacksChromium, launchChromium } from './support/chromium.ts';
import { checkout } from './support/node-process.ts';
import { Cast, group, type Person, password } from './support/pictures/cast.ts';
import { repack } from './support/pictures/png.ts';
import { readFlags, runToEnd, withCluster } from './support/program.ts';
import type { RealCluster } from './support/real-cluster.ts';

const help = `npm run pictures -- [options]

Takes the pictures of docs/images/ anew: the chat, light, dark and on a narrow screen, and the cluster view after the leader was killed.
Needs a browser (Debian package chromium, or CONCLAVE_CHROMIUM with another's path) and the pages of \`npm install\`.

  --json            one JSON object on stdout: the files and their bytes
  --help            this text
  --version         the version`;

const { json } = readFlags({ help, numbers: {} });
const directory = join(checkout, 'docs', 'images');
/** Larger ones would make the README slow. */
const largestBytes = 150 * 1024;

interface Look {
  readonly width: number;
  readonly height: number;
  readonly colorScheme: 'light' | 'dark';
}

const wide = { width: 1_280, height: 800 } as const;
const looks = {
  light: { ...wide, colorScheme: 'light' },
  cluster: { width: 1_240, height: 800, colorScheme: 'light' },
  dark: { ...wide, colorScheme: 'dark' },
  narrow: { width: 390, height: 800, colorScheme: 'light' },
} as const satisfies Record<string, Look>;

class Studio {
  readonly #browser: Browser;
  readonly #cluster: RealCluster;
  readonly taken: { readonly file: string; readonly bytes: number }[] = [];

  constructor(browser: Browser, cluster: RealCluster) {
    this.#browser = browser;
    this.#cluster = cluster;
  }

  async open(node: number, path: string, { width, height, colorScheme }: Look): Promise<Page> {
    const viewport = { width, height };
    const page = await this.#browser.newPage({
      viewport,
      colorScheme,
      locale: 'en-GB',
      reducedMotion: 'reduce',
    });
    await page.goto(`http://127.0.0.1:${this.#cluster.node(node).httpPort}${path}`);
    return page;
  }

  async openChat(person: Person, node: number, look: Look): Promise<Page> {
    const page = await this.open(node, '/', look);
    await logInOn(page, person, password);
    await openConversation(page, `#${group}`);
    await page.getByText('Monday it is').last().waitFor();
    // The picture in the conversation is there, too.
    await page.locator('article img').first().waitFor();
    return page;
  }

  async take(page: Page, name: string, isWhole = false): Promise<void> {
    const path = join(directory, `${name}.png`);
    // Nothing is pointed at.
    await page.mouse.move(0, 0);
    const picture = repack(
      await page.screenshot({ fullPage: isWhole, animations: 'disabled', caret: 'hide' }),
    );
    const bytes = picture.length;
    await writeFile(path, picture);
    if (bytes > largestBytes) throw new Error(`${path} has ${bytes} bytes, more than ${largestBytes}`);
    this.taken.push({ file: `docs/images/${name}.png`, bytes });
    if (!json) console.log(`docs/images/${name}.png  ${bytes} bytes`);
  }

  /** What is sent as a file: a sketch, drawn here. */
  async sketch(): Promise<FileSource> {
    const page = await this.#browser.newPage({ viewport: { width: 480, height: 300 } });
    await page.setContent(sketchOf(['A', 'B', 'C']));
    const bytes = await page.screenshot();
    await page.close();
    const read = async (from: number, to: number) => bytes.subarray(from, to);
    return { name: 'floor-plan.png', type: 'image/png', bytes: bytes.length, read };
  }
}

function sketchOf(racks: readonly string[]): string {
  const drawn = racks.map((name, at) => {
    const x = 48 + at * 142;
    return `<rect x="${x}" y="70" width="100" height="160" rx="6" fill="#e0efeb" stroke="#23655a" stroke-width="3"/><text x="${x + 50}" y="164" text-anchor="middle" font-size="40" fill="#23655a">${name}</text>`;
  });
  return `<body style="margin:0"><svg xmlns="http://www.w3.org/2000/svg" width="480" height="300" font-family="sans-serif"><rect width="480" height="300" fill="#fff"/><path d="M20 20H460V280H300M220 280H20Z" fill="none" stroke="#8d877c" stroke-width="5"/>${drawn.join('')}</svg></body>`;
}

/** The ports of this run are chance; the picture has those of the shipped configuration. */
const usualPorts = `document.querySelectorAll('.address').forEach((address, at) => {
  address.textContent = '127.0.0.1:' + (7301 + at);
})`;

async function takeAll(studio: Studio, cluster: RealCluster, cast: Cast): Promise<void> {
  await cast.chat(await studio.sketch());
  const leader = (await cluster.leader()).id;
  const other = cluster.runningIds.find((id) => id !== leader) ?? leader;
  const view = await studio.open(leader, '/cluster/ui', looks.cluster);
  await view.getByText('All 3 nodes are up.').waitFor();
  const light = await studio.openChat('ann', leader, looks.light);
  const dark = await studio.openChat('ben', other, looks.dark);
  const narrow = await studio.openChat('carla', other, looks.narrow);

  await view.getByRole('button', { name: `Kill this node: Node ${leader}` }).click();
  await view.getByRole('button', { name: 'Kill it' }).click();
  await light.getByRole('status').filter({ hasText: 'nothing was lost' }).waitFor();
  await cast.say('ben', 'I tripped over one. Did anybody notice?');
  await cast.say('carla', 'Only the line up there.');
  for (const page of [light, dark, narrow]) await page.getByText('Only the line up there.').last().waitFor();
  await studio.take(light, 'chat-light');
  await studio.take(dark, 'chat-dark');
  await studio.take(narrow, 'chat-narrow');

  await view.getByText(`Node ${leader} is down.`).waitFor();
  await view
    .getByRole('listitem')
    .filter({ hasText: `Node ${leader} was lost;` })
    .waitFor();
  await view
    .getByRole('listitem')
    .filter({ hasText: `kill node ${leader}` })
    .waitFor();
  await view.evaluate(usualPorts);
  await studio.take(view, 'cluster-after-failover', true);
}

await runToEnd(async () => {
  const path = chromiumPath();
  if (path === null) {
    console.error(lacksChromium);
    return exitCodeFor('USAGE');
  }
  await mkdir(directory, { recursive: true });
  const browser = await launchChromium(path);
  const cast = new Cast();
  try {
    const taken = await withCluster(
      { label: 'team', logLevel: 'warn' },
      async (cluster) => {
        const studio = new Studio(browser, cluster);
        await cast.enter(cluster);
        await takeAll(studio, cluster, cast);
        return studio.taken;
      },
      () => false,
    );
    if (json) console.log(JSON.stringify({ pictures: taken }));
    return 0;
  } finally {
    await cast.close();
    await browser.close();
  }
});
