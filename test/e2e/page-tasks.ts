// How long a page's own thread worked at one thing: by Chromium's trace, which knows the thread's
// processor time. What a busy machine adds is not the page's.

import type { Page } from 'playwright';

export interface PageTasks {
  readonly count: number;
  /** Of one task, in processor time and by the clock. */
  readonly longestCpuMs: number;
  readonly longestMs: number;
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly args?: { readonly name?: string };
  /** In microseconds. */
  readonly dur?: number;
  readonly tdur?: number;
}

/** Watches until the returned function is called. Of all pages of the browser: the longest task of any. */
export async function watchTasks(page: Page): Promise<() => Promise<PageTasks>> {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => {
    for (const event of value as unknown as TraceEvent[]) {
      if (event.name === 'thread_name' || event.name.endsWith('RunTask')) events.push(event);
    }
  });
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { recordMode: 'recordAsMuchAsPossible', includedCategories: ['toplevel'] },
  });
  return async () => {
    const complete = new Promise((resolve) => {
      session.once('Tracing.tracingComplete', resolve);
    });
    await session.send('Tracing.end');
    await complete;
    await session.detach();
    const names = events.filter(({ args }) => args?.name === 'CrRendererMain');
    const pages = new Set(names.map(({ pid, tid }) => `${pid} ${tid}`));
    const tasks = events.filter(({ dur, pid, tid }) => dur !== undefined && pages.has(`${pid} ${tid}`));
    return {
      count: tasks.length,
      longestCpuMs: longest(tasks.map(({ tdur = 0 }) => tdur)),
      longestMs: longest(tasks.map(({ dur = 0 }) => dur)),
    };
  };
}

function longest(microseconds: readonly number[]): number {
  return Math.round(microseconds.reduce((most, each) => Math.max(most, each), 0) / 1_000);
}
