import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { launchChromium } from './chromium.ts';
import { getValue, joined, openMember, putValue } from './page.ts';
import { createStage } from './support.ts';

const stage = createStage();
const contexts: BrowserContext[] = [];
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium(chromium);
});

afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
});

afterAll(async () => {
  await browser?.close();
  await stage.close();
});

async function newPage(prepare?: () => void): Promise<Page> {
  const context = await browser.newContext();
  contexts.push(context);
  if (prepare !== undefined) await context.addInitScript(prepare);
  return context.newPage();
}

function problem(page: Page, code: string): Promise<string> {
  const notice = page.locator(`[data-problem="${code}"]`);
  return notice.innerText({ timeout: 30_000 });
}

test('a browser without WebRTC is told so, and what to do', async () => {
  const { url } = await stage.startServer();
  const page = await newPage(() => Reflect.deleteProperty(globalThis, 'RTCPeerConnection'));

  await page.goto(url);

  expect(await problem(page, 'no-webrtc')).toMatch(/no data channels[\s\S]*Allow WebRTC/);
});

test('a browser that refuses storage is a member in memory, and says so', async () => {
  const { url } = await stage.startServer();
  const page = await newPage(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException('The user denied permission to access the database.', 'SecurityError');
    };
  });

  await page.goto(url);
  await joined(page);

  expect(await page.locator('.membership .store').innerText()).toMatch(/memory only/);
  await putValue(page, 'in memory', 'yes');
  expect(await getValue(page, 'in memory')).toBe('yes');
  // Nobody else is there to own anything, and that is shown.
  await page.locator('.members').getByText('100 % of the ranges are with ephemeral members').waitFor();
});

test('a page on iOS, which drops what it stores, is ephemeral', async () => {
  const { url } = await stage.startServer();
  const userAgent = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari';
  const context = await browser.newContext({ userAgent });
  contexts.push(context);

  const page = await openMember(context, url);

  await page.locator('.member').getByText('ephemeral').waitFor();
});

test('a token that is missing or wrong is asked for, and leaves the address once it is read', async () => {
  const { url } = await stage.startServer({ args: ['--token', 'sesame'] });
  const bare = new URL(url);
  bare.search = '';
  const page = await newPage();
  await page.goto(bare.href);
  expect(await problem(page, 'bad-token')).toMatch(/asks for a token/);
  await page.getByLabel('Token').fill('wrong');
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByRole('button', { name: 'Join' }).waitFor();
  expect(await problem(page, 'bad-token')).toMatch(/missing or wrong/);

  await page.getByLabel('Token').fill('sesame');
  await page.getByRole('button', { name: 'Join' }).click();
  await joined(page);

  const invited = await openMember(page.context(), `${bare.href}?token=sesame`);
  expect(invited.url()).toBe(bare.href);
  await invited.getByRole('button', { name: 'Invite' }).click();
  expect(await invited.getByLabel('Invite link', { exact: true }).inputValue()).toBe(`${bare.href}?token=sesame`);
  await invited.getByRole('img', { name: /QR code/ }).waitFor();
});

test('a server that does not answer is named, and joined by itself when it is back', async () => {
  const data = await stage.folder();
  const server = await stage.startServer({ data });
  const page = await newPage();
  await page.goto(server.url);
  await joined(page);
  await page.getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('heading', { name: 'Left' }).waitFor();
  await server.stop();

  await page.getByRole('button', { name: 'Join again' }).click();
  expect(await problem(page, 'no-registrar')).toMatch(/does not answer[\s\S]*by itself/);

  await stage.startServer({ data, port: Number(new URL(server.url).port) });
  await joined(page);
});

test('site data cleared under a running tab ends its membership with a sentence', async () => {
  const { url } = await stage.startServer();
  const page = await newPage();
  await page.goto(url);
  await joined(page);
  await putValue(page, 'before', '1');

  const session = await page.context().newCDPSession(page);
  await session.send('Storage.clearDataForOrigin', { origin: new URL(url).origin, storageTypes: 'all' });

  expect(await problem(page, 'storage')).toMatch(/store of this tab is gone/);
  await page.getByRole('button', { name: 'Join again' }).click();
  await joined(page);
});
