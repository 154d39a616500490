import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from './chromium.ts';
import { choose, openMember, run, runButton, settled, showsMembers, write } from './page.ts';
import { createStage, root } from './support.ts';

interface Flight {
  readonly delay: number;
  readonly distance: number;
  readonly time: number;
}

const flights = JSON.parse(
  readFileSync(join(root, 'node_modules/vega-datasets/data/flights-200k.json'), 'utf8'),
) as readonly Flight[];

const stage = createStage();
let browser: Browser;
let context: BrowserContext;
let page: Page;
let url: string;

beforeAll(async () => {
  browser = await launchChromium(chromium);
  ({ url } = await stage.startServer({ peer: true }));
  context = await browser.newContext({ acceptDownloads: true });
  page = await openMember(context, url);
  await openMember(context, url);
  await page.bringToFront();
  await showsMembers(page, 3);
  await settled(page);
});

afterAll(async () => {
  await browser?.close();
  await stage.close();
});

test('Run is the only click to the first answer, which all members compute', async () => {
  expect(await run(page)).toBe('done');

  const cells = await page.locator('.result .table-row').first().locator('[role=cell]').allInnerTexts();
  const midnight = flights.filter(({ time }) => Math.floor(time) % 24 === 0);
  const late = midnight.filter(({ delay }) => delay > 15).length;
  const delays = midnight.reduce((sum, { delay }) => sum + delay, 0);
  expect(cells).toEqual([
    '0',
    `${midnight.length}`,
    `${Math.round((late / midnight.length) * 1000) / 10}`,
    `${Math.round((delays / midnight.length) * 10) / 10}`,
  ]);
  expect(await page.locator('.shares li').count()).toBe(3);
  expect(await page.locator('.job').innerText()).toContain('25 tasks');
});

test('shows where a dataset lies, its columns and its first rows', async () => {
  await choose(page, 'movies');

  await page.getByRole('table', { name: 'First rows of movies' }).getByText('The Land Girls').waitFor();
  const columns = page.getByRole('list', { name: 'Columns of movies' });
  expect(await columns.locator('li', { hasText: 'IMDB Rating' }).innerText()).toMatch(/float[\s\S]*missing/);
  await expect
    .poll(() => page.locator('.datasets tr', { hasText: 'movies' }).locator('.place').innerText())
    .toMatch(/\w+ \d/);
});

test('a wide result scrolls in itself and does not widen the page', async () => {
  await page.getByRole('button', { name: 'Filter', exact: true }).click();

  expect(await run(page)).toBe('done');

  const widths = await page.evaluate(() => {
    const table = document.querySelector('.result-table .table');
    const root = document.documentElement;
    return { page: [root.scrollWidth, root.clientWidth], table: [table?.scrollWidth ?? 0, table?.clientWidth ?? 0] };
  });
  expect(widths.page[0]).toBeLessThanOrEqual(widths.page[1] ?? 0);
  expect(widths.table[0]).toBeGreaterThan(widths.table[1] ?? 0);
});

test('tries the function on the first rows as it is typed, and marks the line of an error', async () => {
  await choose(page, 'flights');
  await page.getByRole('button', { name: 'Map' }).click();
  await write(page, 'export default (row: { delay: number }) => ({\n  twice: row.delay * 2,\n});\n');
  await page.getByRole('table', { name: 'Result on the first rows' }).getByText('342').waitFor();

  await write(page, 'export default (row: any) => ({\n  twice: row.delai * 2,\n});\n');

  const alert = page.locator('.dry-run [role=alert]');
  await expect.poll(() => alert.innerText(), { timeout: 10_000 }).toMatch(/Line 2.*delai.*delay.*distance.*time/s);
  expect(await page.locator('.cm-lint-marker-error').count()).toBe(1);
});

test('keys that come fast all stand in the editor', async () => {
  await page.getByRole('button', { name: 'Map' }).click();
  await write(page, '');
  const text = '// the quick brown fox jumps over the lazy dog';

  await page.keyboard.type(text.repeat(3));

  await expect.poll(() => page.locator('.cm-content').innerText()).toBe(text.repeat(3));
});

test('the last of 200,000 rows can be scrolled to, sorted and downloaded', async () => {
  await choose(page, 'flights');
  await page.getByRole('button', { name: 'Map' }).click();
  await write(
    page,
    'export default (row: { delay: number; distance: number }) => ({ delay: row.delay, miles: row.distance });\n',
  );
  expect(await run(page)).toBe('done');
  const table = page.getByRole('table', { name: 'Result', exact: true });

  await table.focus();
  await page.keyboard.press('End');

  const last = flights.at(-1);
  const row = table.locator('.table-row', { has: page.locator('[role=rowheader]', { hasText: /^199999$/ }) });
  await expect
    .poll(() => row.locator('[role=cell]').allInnerTexts(), { timeout: 10_000 })
    .toEqual([`${last?.delay}`, `${last?.distance}`]);

  await table.getByRole('button', { name: 'miles' }).click();
  await table.locator('[aria-sort=ascending]').waitFor({ timeout: 30_000 });
  await table.getByRole('button', { name: 'miles' }).click();
  await table.locator('[aria-sort=descending]').waitFor();
  const most = flights.reduce((max, { distance }) => Math.max(max, distance), 0);
  await expect
    .poll(() => table.locator('.table-row').first().locator('[role=cell]').last().innerText())
    .toBe(`${most}`);

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'CSV' }).click(),
  ]);
  const lines = readFileSync(await download.path(), 'utf8')
    .trimEnd()
    .split('\r\n');
  expect(download.suggestedFilename()).toBe('flights-result.csv');
  expect(lines).toHaveLength(200_001);
  expect(lines.at(-1)).toBe(`${last?.delay},${last?.distance}`);
});

test('a row that throws ends the job, with its number, the row, the member and the line', async () => {
  await choose(page, 'flights');
  const wrong = flights.findIndex(({ delay }, index) => index > 1_000 && delay > 200);
  await write(
    page,
    `export default (row: { delay: number }) => {\n  if (row.delay === ${flights[wrong]?.delay} && row.delay > 200) throw new Error('too late');\n  return row;\n};\n`,
  );

  expect(await run(page)).toBe('failed');

  const box = await page.locator('.job .bad-box').innerText();
  expect(box).toMatch(/too late/);
  expect(box).toMatch(/line 2:?\d* · row [\d,]+ · on \w+/);
  expect(box).toContain('"distance"');
});

test('Cancel ends a function that never returns', async () => {
  await choose(page, 'flights');
  await write(page, 'export default () => {\n  for (;;);\n};\n');
  await runButton(page).click();
  await page.locator('.job[data-job=running]').waitFor();
  await page.waitForTimeout(500);

  await page.getByRole('button', { name: 'Cancel', exact: true }).click();

  await page.locator('.job[data-job=cancelled]').waitFor({ timeout: 10_000 });
  await page.getByRole('button', { name: 'Aggregate' }).click();
  expect(await run(page)).toBe('done');
});

test('what was printed comes home with member and line', async () => {
  await choose(page, 'movies');
  await page.getByRole('button', { name: 'Filter' }).click();
  await write(
    page,
    "export default {\n  filter(row: any) {\n    if (row.Title === 'The Land Girls') console.log('found', { it: true });\n    return false;\n  },\n};\n",
  );

  expect(await run(page)).toBe('done');

  await expect
    .poll(() => page.locator('.log-line').allInnerTexts())
    .toEqual([expect.stringMatching(/\w+:3\s+found \{"it":true\}/)]);
});

test('a file with values that do not fit says how many, and where the first is, and loads as text', async () => {
  const rows = Array.from({ length: 4_000 }, (_, i) => `${i},${i === 3_100 ? 'n/a!' : i * 2}`);
  const bytes = Buffer.from(`id,amount\r\n${rows.join('\r\n')}\r\n`);
  await page.getByLabel('File to load').setInputFiles({ name: 'amounts.csv', mimeType: 'text/csv', buffer: bytes });
  await page.locator('.datasets tr[data-chosen=true]', { hasText: 'amounts' }).waitFor({ timeout: 30_000 });

  const amount = page.getByRole('list', { name: 'Columns of amounts' }).locator('li', { hasText: 'amount' });
  const before = await amount.innerText();
  if (before.includes('unfit')) {
    expect(before).toMatch(/1 unfit, first line 3,102/);
    await amount.hover();
    await amount.getByRole('button', { name: 'load as text' }).click();
  }
  await expect.poll(() => amount.innerText(), { timeout: 30_000 }).toMatch(/string/);

  await page.getByLabel('File to load').setInputFiles({ name: 'amounts.csv', mimeType: 'text/csv', buffer: bytes });
  await page.getByText('There is a dataset amounts already').waitFor();
  await page.locator('.warn-box').getByRole('button', { name: 'Cancel' }).click();

  await page.locator('.datasets tr', { hasText: 'amounts' }).getByRole('button', { name: 'Drop amounts' }).click();
  await page.getByRole('button', { name: 'Drop for everybody' }).click();
  await expect
    .poll(() => page.locator('.datasets .choose', { hasText: 'amounts' }).count(), { timeout: 20_000 })
    .toBe(0);
});

test('a reload loses nothing that was typed', async () => {
  await choose(page, 'movies');
  await page.getByRole('button', { name: 'Map' }).click();
  await write(page, 'export default () => ({ mine: 1 });\n');
  await page.getByLabel('params').fill('{"a": 1}');
  await page.getByLabel('skip errors').check();

  await page.reload();

  await expect.poll(() => page.locator('.cm-content').innerText()).toContain('mine: 1');
  expect(await page.getByLabel('params').inputValue()).toBe('{"a": 1}');
  expect(await page.getByLabel('skip errors').isChecked()).toBe(true);
  await expect.poll(() => page.getByLabel('Dataset').inputValue(), { timeout: 20_000 }).toBe('movies');
});
