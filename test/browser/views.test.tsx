// Parts of the page in a real browser, drawn from plain data.

import { signal } from '@preact/signals';
import { render } from 'preact';
import { afterEach, expect, test } from 'vitest';
import type { RowSource } from '../../web/src/model/result-rows.ts';
import { EditableText } from '../../web/src/widgets/editable-text.tsx';
import { Modal } from '../../web/src/widgets/modal.tsx';
import { ValueTable } from '../../web/src/widgets/value-table.tsx';

const host = document.createElement('div');
for (const name of ['tokens', 'base', 'parts']) {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = new URL(`../../web/src/styles/${name}.css`, import.meta.url).href;
  await new Promise((resolve) => {
    link.addEventListener('load', resolve);
    document.head.append(link);
  });
}
document.body.append(host);

afterEach(() => render(null, host));

/** Rows that come only when they are looked at, as those of a result do. */
function lazyRows(rowCount: number): RowSource & { readonly asked: number[] } {
  const version = signal(0);
  const here = new Set<number>();
  const asked: number[] = [];
  return {
    rowCount,
    asked,
    columns: [
      { name: 'n', type: 'int' },
      { name: 'word', type: 'string' },
    ],
    version,
    row: (index) => (here.has(index) ? { n: index, word: index % 2 === 0 ? 'even' : null } : undefined),
    want: (first, last) => {
      const missing: number[] = [];
      for (let index = first; index <= last; index += 1) if (!here.has(index)) missing.push(index);
      if (missing.length === 0) return;
      asked.push(...missing);
      queueMicrotask(() => {
        for (const index of missing) here.add(index);
        version.value += 1;
      });
    },
  };
}

async function frames(count = 3): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
}

test.each([200_000, 5_000_000])(
  'the last of %i rows is drawn after scrolling to the end, and only those on the screen',
  async (rowCount) => {
    const rows = lazyRows(rowCount);
    render(
      <div style={{ height: '300px', width: '600px' }}>
        <ValueTable source={rows} label="Rows" />
      </div>,
      host,
    );
    await frames();
    const table = host.querySelector('.table');

    table?.scrollTo({ top: table.scrollHeight });
    await frames(6);

    const drawn = [...host.querySelectorAll('.table-row')];
    const last = drawn.at(-1);
    expect(last?.getAttribute('aria-rowindex')).toBe(`${rowCount + 1}`);
    expect([...(last?.querySelectorAll('[role=cell]') ?? [])].map((cell) => cell.textContent)).toEqual([
      `${rowCount - 1}`,
      '–',
    ]);
    const tableEnd = table?.getBoundingClientRect().bottom ?? 0;
    expect(last?.getBoundingClientRect().bottom).toBeLessThanOrEqual(tableEnd + 1);
    expect(drawn.length).toBeLessThan(60);
    expect(rows.asked.length).toBeLessThan(200);
  },
);

test('a name is taken with Enter and given up with Escape', async () => {
  const names: string[] = [];
  render(<EditableText value="ada" label="Name" maxLength={10} onChange={(name) => names.push(name)} />, host);
  const field = host.querySelector('input');
  const type = async (text: string, key: string): Promise<void> => {
    field?.focus();
    if (field !== null) field.value = text;
    field?.dispatchEvent(new InputEvent('input', { bubbles: true }));
    await frames(1);
    field?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    await frames(1);
    field?.blur();
    await frames(1);
  };

  await type('ben', 'Escape');
  await type('   ', 'Enter');
  await type('cleo', 'Enter');

  expect(names).toEqual(['cleo']);
});

test('a dialog takes the focus and tells when Escape closed it', async () => {
  let closed = 0;
  render(
    <Modal label="Ask" isOpen={true} onClose={() => (closed += 1)}>
      <button type="button">Yes</button>
    </Modal>,
    host,
  );
  await frames();
  expect(document.activeElement?.textContent).toBe('Yes');

  host.querySelector('dialog')?.close();
  await frames();

  expect(closed).toBe(1);
});
