/** The browser that tests and pictures drive: Debian's own, since nothing here is downloaded as a binary. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Why there is no browser here, for a skip that is counted. */
export const lacksChromium =
  "needs a browser (Debian package chromium, or CONCLAVE_CHROMIUM with another's path)";

export function chromiumPath(): string | null {
  const path = process.env.CONCLAVE_CHROMIUM ?? '/usr/bin/chromium';
  return existsSync(path) ? path : null;
}

/** Headless, in a profile of its own that goes with it, without any talk to the network but ours. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    // Root, as in a container, has no sandbox to use.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // The same picture on every machine.
      '--font-render-hinting=none',
      '--force-color-profile=srgb',
      '--hide-scrollbars',
    ],
  });
}
