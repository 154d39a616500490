// Chromium and its tabs: members like others, whose process can be stopped, ended and found.

import { type Browser, chromium, type Page } from 'playwright';
import { MeshError, type MeshErrorWire, type Version } from '@shoal/shared';
import { chromiumArgs, chromiumPath } from '../e2e/chromium.ts';
import { idOf, joined, type PageWindow } from '../e2e/page.ts';
import { cpuMsOf } from '../e2e/support.ts';
import { CallerGone, pause, TIMEOUT_MS, type Values, type WriteOptions } from './load.ts';

export interface Tab {
  readonly page: Page;
  readonly id: string;
  readonly rendererPid: number;
  readonly values: Values;
}

export interface Tabs {
  open(): Promise<Tab>;
  close(): Promise<void>;
}

/** A page of its own process works for so long when it is looked for. */
const SPIN_MS = 120;

export async function startTabs(url: string): Promise<Tabs> {
  // An interrupt is for the run, which ends all that it started.
  const ownSignals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  const browser = await chromium.launch({ executablePath: chromiumPath, args: [...chromiumArgs], ...ownSignals });
  const context = await browser.newContext();
  return {
    async open() {
      const page = await context.newPage();
      try {
        await page.goto(url);
        await joined(page);
        return { page, id: await idOf(page), rendererPid: await rendererOf(browser, page), values: valuesOf(page) };
      } catch (error) {
        await page.close();
        throw error;
      }
    },
    close: () => browser.close(),
  };
}

/** The renderer that works while the page does. */
async function rendererOf(browser: Browser, page: Page): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const pids = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
  const before = new Map(pids.map((pid) => [pid, cpuMsOf(pid)]));
  await page.evaluate((spinMs) => {
    const end = performance.now() + spinMs;
    while (performance.now() < end);
  }, SPIN_MS);
  const used = (pid: number): number => cpuMsOf(pid) - (before.get(pid) ?? 0);
  const [busiest] = pids.toSorted((a, b) => used(b) - used(a));
  if (busiest === undefined) throw new Error('Chromium shows no renderer.');
  return busiest;
}

/** A request as a page takes it, and what it answers. */
interface PageCall {
  readonly verb: 'getEntry' | 'put' | 'delete';
  readonly key: string;
  readonly value?: string;
  readonly options: WriteOptions;
}

type PageAnswer =
  | {
      readonly kind: 'answer';
      readonly value?: string;
      readonly version?: Version;
      readonly copies?: number;
      readonly was?: boolean;
    }
  | { readonly kind: 'absent' }
  | { readonly kind: 'error'; readonly error: MeshErrorWire };

function valuesOf(page: Page): Values {
  const call = async (request: PageCall): Promise<Extract<PageAnswer, { kind: 'answer' }> | undefined> => {
    const answered = new AbortController();
    let answer: PageAnswer;
    try {
      answer = await Promise.race([page.evaluate(callInPage, request), noAnswer(answered.signal)]);
    } catch (error) {
      throw new CallerGone('The tab is gone.', { cause: error });
    } finally {
      answered.abort();
    }
    if (answer.kind === 'error') throw MeshError.fromWire(answer.error);
    return answer.kind === 'absent' ? undefined : answer;
  };
  return {
    getEntry: async (key, options) => {
      const answer = await call({ verb: 'getEntry', key, options });
      if (answer?.version === undefined) return undefined;
      return { value: answer.value, version: answer.version };
    },
    put: async (key, value, options) => {
      const { version, copies } = (await call({ verb: 'put', key, value, options })) ?? {};
      if (version === undefined || copies === undefined) throw new Error('A put was answered without a version.');
      return { version, copies };
    },
    delete: async (key, options) => (await call({ verb: 'delete', key, options }))?.was === true,
  };
}

/** Rejects when the page has not even said that its time ran out. */
async function noAnswer(answered: AbortSignal): Promise<never> {
  await pause(2 * TIMEOUT_MS, answered);
  throw new Error('The page gave no answer.');
}

/** Runs in the page: sees nothing of this file. */
async function callInPage({ verb, key, value = '', options }: PageCall): Promise<PageAnswer> {
  const mesh = (globalThis as unknown as PageWindow).shoal.mesh;
  if (mesh === undefined) throw new Error('This page is no member.');
  try {
    if (verb === 'put') return { kind: 'answer', ...(await mesh.put(key, value, options)) };
    if (verb === 'delete') return { kind: 'answer', was: await mesh.delete(key, options) };
    const entry = await mesh.getEntry(key, options);
    return entry === undefined
      ? { kind: 'absent' }
      : { kind: 'answer', value: String(entry.value), version: entry.version };
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    const { code, message, detail } = error as MeshError;
    return { kind: 'error', error: { code, message, detail } };
  }
}
