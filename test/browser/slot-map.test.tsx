// The map of slots in a real browser: forms can be told apart without their colour, and keys and pointer tell
// about each cell.

import { render } from 'preact';
import { userEvent } from 'vitest/browser';
import { afterEach, expect, test } from 'vitest';
import { type SlotCell, SlotMap } from '../../web/src/widgets/slot-map.tsx';

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
host.style.width = '256px';
document.body.append(host);

afterEach(() => {
  render(null, host);
  delete document.documentElement.dataset['theme'];
});

const FORMS = ['full', 'half', 'holed', 'struck'] as const;

function show(cells: readonly SlotCell[]): HTMLCanvasElement {
  render(
    <SlotMap
      cells={cells}
      label="Slots"
      describe={(index) => `cell ${index}`}
      nextRun={(index, direction) => Math.max(0, Math.min(cells.length - 1, index + 10 * direction))}
    />,
    host,
  );
  const canvas = host.querySelector('canvas');
  if (canvas === null) throw new Error('no canvas');
  return canvas;
}

async function frames(count = 3): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
}

/** Opacity of each pixel of the cell: what is left without colour. */
function formAt(canvas: HTMLCanvasElement, column: number): string {
  const width = canvas.width / 64;
  const data = canvas.getContext('2d')?.getImageData(column * width, 0, width, 4 * (width / 4)).data ?? [];
  return [...data].filter((_, index) => index % 4 === 3).join();
}

test('cells of unlike health differ by form, those of unlike owner by hue, in light and dark', async () => {
  const cells = Array.from({ length: 4_096 }, (_, index): SlotCell => ({
    hue: index < 8 ? 0 : 1,
    form: FORMS[index % 4] ?? 'full',
  }));
  const canvas = show(cells);
  await frames();

  expect(new Set([0, 1, 2, 3].map((column) => formAt(canvas, column))).size).toBe(4);
  const colourAt = (column: number): string => String(canvas.getContext('2d')?.getImageData(column * 4, 1, 1, 1).data);
  expect(colourAt(0)).not.toBe(colourAt(8));
  expect(host.querySelectorAll('*').length).toBeLessThan(10);

  document.documentElement.dataset['theme'] = 'dark';
  await frames();
  const dark = colourAt(0);
  document.documentElement.dataset['theme'] = 'light';
  await frames();
  expect(colourAt(0)).not.toBe(dark);
});

test('arrow keys, Home and End go through it, and say where they are', async () => {
  const canvas = show(Array.from({ length: 4_096 }, (): SlotCell => ({ hue: 0, form: 'full' })));
  await frames();

  await userEvent.tab();
  expect(document.activeElement).toBe(canvas);
  const told: (string | null)[] = [];
  for (const key of ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp', 'End', 'Home']) {
    await userEvent.keyboard(`{${key}}`);
    told.push(canvas.getAttribute('aria-valuetext'));
  }

  expect(told).toEqual(['cell 10', 'cell 74', 'cell 64', 'cell 0', 'cell 4095', 'cell 0']);
  expect(host.querySelector('.slot-told')?.textContent).toBe('cell 0');
});

test('the pointer tells about the cell beneath it, and nothing when it has gone', async () => {
  const canvas = show(Array.from({ length: 4_096 }, (): SlotCell => ({ hue: 0, form: 'full' })));
  await frames();

  await userEvent.hover(canvas, { position: { x: 9, y: 5 } });
  expect(host.querySelector('.slot-told')?.textContent).toBe('cell 66');
  await userEvent.unhover(canvas);
  expect(host.querySelector('.slot-told')?.textContent).not.toContain('cell');
});
