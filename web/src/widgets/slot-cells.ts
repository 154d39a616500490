// How the cells of the slot map lie and look. full: all of it · half: the left half, the rest faint · holed:
// with a hole · struck: nothing but a stroke through it, in the colour of what is bad.

export type CellForm = 'full' | 'half' | 'holed' | 'struck';

export interface MapShape {
  readonly columns: number;
  readonly rows: number;
  /** CSS pixels. */
  readonly cellWidth: number;
  readonly cellHeight: number;
  /** Undefined beside the cells. */
  cellAt(x: number, y: number): number | undefined;
}

const COLUMNS = 64;
const WIDE_COLUMNS = 128;
const WIDE_PX = 560;
const CELL_HEIGHT = 4;

export function shapeOf(width: number, count: number): MapShape {
  const columns = Math.max(1, Math.min(width >= WIDE_PX ? WIDE_COLUMNS : COLUMNS, count));
  const rows = Math.ceil(count / columns);
  const cellWidth = width / columns;
  return {
    ...{ columns, rows, cellWidth, cellHeight: CELL_HEIGHT },
    cellAt: (x, y) => {
      const column = Math.floor(x / cellWidth);
      const index = Math.floor(y / CELL_HEIGHT) * columns + column;
      return column >= 0 && column < columns && index >= 0 && index < count ? index : undefined;
    },
  };
}

interface Cell {
  readonly hue: number;
  readonly form: CellForm;
}

const FAINT = 0.25;
const HUES = 8;

export function drawCells(canvas: HTMLCanvasElement, shape: MapShape, cells: readonly Cell[], cursor?: number): void {
  const { columns, rows, cellWidth, cellHeight } = shape;
  const scale = window.devicePixelRatio || 1;
  canvas.style.height = `${rows * cellHeight}px`;
  // Setting the size clears it.
  canvas.width = Math.round(columns * cellWidth * scale);
  canvas.height = Math.round(rows * cellHeight * scale);
  const context = canvas.getContext('2d');
  if (context === null) return;
  const colours = readColours(canvas);
  const edge = (part: number, size: number): number => Math.round(part * size * scale);
  for (const [index, { hue, form }] of cells.entries()) {
    const column = index % columns;
    const row = Math.floor(index / columns);
    const [left, top] = [edge(column, cellWidth), edge(row, cellHeight)];
    const box = { left, top, width: edge(column + 1, cellWidth) - left, height: edge(row + 1, cellHeight) - top };
    drawCell(context, form, { ...box, colour: colours.hues[hue % HUES] ?? colours.ink, bad: colours.bad });
  }
  if (cursor === undefined || cells.length === 0) return;
  context.strokeStyle = colours.ink;
  context.lineWidth = 2 * scale;
  const [left, top] = [edge(cursor % columns, cellWidth), edge(Math.floor(cursor / columns), cellHeight)];
  context.strokeRect(left - scale, top - scale, (cellWidth + 2) * scale, (cellHeight + 2) * scale);
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly colour: string;
  readonly bad: string;
}

function drawCell(
  context: CanvasRenderingContext2D,
  form: CellForm,
  { left, top, width, height, colour, bad }: Box,
): void {
  context.fillStyle = form === 'struck' ? bad : colour;
  const line = Math.max(1, Math.round(width / 4));
  switch (form) {
    case 'full':
      return context.fillRect(left, top, width, height);
    case 'half':
      context.fillRect(left, top, Math.ceil(width / 2), height);
      context.globalAlpha = FAINT;
      context.fillRect(left + Math.ceil(width / 2), top, Math.floor(width / 2), height);
      context.globalAlpha = 1;
      return undefined;
    case 'holed':
      context.fillRect(left, top, width, height);
      return context.clearRect(left + line, top + line, width - 2 * line, height - 2 * line);
    case 'struck':
      for (let y = 0; y < height; y += 1) {
        const x = Math.round(((height - 1 - y) * (width - line)) / Math.max(1, height - 1));
        context.fillRect(left + x, top + y, line, 1);
      }
      return undefined;
  }
}

interface Colours {
  readonly hues: readonly string[];
  readonly ink: string;
  readonly bad: string;
}

/** As the page's theme has them: a custom property alone is not resolved. */
function readColours(canvas: HTMLCanvasElement): Colours {
  const before = canvas.style.color;
  const resolve = (name: string): string => {
    canvas.style.color = `var(--${name})`;
    return getComputedStyle(canvas).color;
  };
  const hues = Array.from({ length: HUES }, (_, hue) => resolve(`member-${hue}`));
  const colours = { hues, ink: resolve('ink'), bad: resolve('bad') };
  canvas.style.color = before;
  return colours;
}
