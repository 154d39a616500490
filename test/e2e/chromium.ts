// The Chromium of the tests: the one that the test command found or installed.

import type { Browser, BrowserContext, BrowserType } from 'playwright';

export const chromiumPath = process.env['SHOAL_CHROMIUM'] ?? '/usr/bin/chromium';

/** Without them Chromium refuses to run as root, and calls services that no test is about. */
export const chromiumArgs: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function launchChromium(chromium: BrowserType, args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, args: [...chromiumArgs, ...args] });
}

/** A browser with a profile on disk: what a user has, and finds again. */
export function launchProfile(
  chromium: BrowserType,
  folder: string,
  args: readonly string[] = [],
): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, { executablePath: chromiumPath, args: [...chromiumArgs, ...args] });
}
