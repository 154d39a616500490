// All slots of the mesh as a wrapped strip on one canvas: hue says whose, the form of a cell how safe. Moving
// over it or through it with the arrow keys tells about one slot in words.

import { useEffect, useRef, useState } from 'preact/hooks';
import { type CellForm, drawCells, type MapShape, shapeOf } from './slot-cells.ts';

export interface SlotCell {
  readonly hue: number;
  readonly form: CellForm;
}

export interface SlotMapProps {
  readonly cells: readonly SlotCell[];
  readonly label: string;
  /** What is at a cell, in words. */
  describe(index: number): string;
  /** Where the next run of equal cells begins in that direction. */
  nextRun(index: number, direction: 1 | -1): number;
}

export function SlotMap({ cells, label, describe, nextRun }: SlotMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shape = useRef<MapShape | undefined>(undefined);
  const [at, setAt] = useState<number | undefined>(undefined);
  const [isFocused, setFocused] = useState(false);
  const cursor = at === undefined ? undefined : Math.min(at, cells.length - 1);

  useEffect(() => {
    const target = canvas.current;
    if (target === null) return undefined;
    const draw = (): void => {
      shape.current = shapeOf(target.clientWidth, cells.length);
      drawCells(target, shape.current, cells, cursor);
    };
    draw();
    return watchLooks(target, draw);
  }, [cells, cursor]);

  const onPointer = (event: PointerEvent): void => setAt(shape.current?.cellAt(event.offsetX, event.offsetY));
  const onKey = (event: KeyboardEvent): void => {
    const next = moved(event.key, cursor ?? 0, { count: cells.length, columns: shape.current?.columns ?? 1, nextRun });
    if (next === undefined) return;
    event.preventDefault();
    setAt(next);
  };
  const text = cursor === undefined ? '' : describe(cursor);
  return (
    <div class="slot-map">
      <canvas
        ref={canvas}
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={Math.max(cells.length - 1, 0)}
        aria-valuenow={cursor ?? 0}
        aria-valuetext={text === '' ? undefined : text}
        onPointerMove={onPointer}
        onPointerDown={onPointer}
        onPointerLeave={() => setAt(isFocused ? cursor : undefined)}
        onKeyDown={onKey}
        onFocus={() => {
          setFocused(true);
          setAt(cursor ?? 0);
        }}
        onBlur={() => {
          setFocused(false);
          setAt(undefined);
        }}
      />
      <p class="small slot-told" aria-hidden="true">
        {text === '' ? <span class="soft">Point at a slot, or use the arrow keys.</span> : text}
      </p>
    </div>
  );
}

interface Field {
  readonly count: number;
  readonly columns: number;
  readonly nextRun: SlotMapProps['nextRun'];
}

function moved(key: string, from: number, { count, columns, nextRun }: Field): number | undefined {
  switch (key) {
    case 'ArrowRight':
      return nextRun(from, 1);
    case 'ArrowLeft':
      return nextRun(from, -1);
    case 'ArrowDown':
      return Math.min(from + columns, count - 1);
    case 'ArrowUp':
      return Math.max(from - columns, 0);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return undefined;
  }
}

/** Calls `changed` when the size or the colours of the page are others. */
function watchLooks(canvas: HTMLCanvasElement, changed: () => void): () => void {
  const sizes = new ResizeObserver(changed);
  sizes.observe(canvas);
  const theme = new MutationObserver(changed);
  theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  const dark = matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', changed);
  return () => {
    sizes.disconnect();
    theme.disconnect();
    dark.removeEventListener('change', changed);
  };
}
