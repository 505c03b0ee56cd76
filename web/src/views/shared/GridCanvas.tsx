import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { gradient, type Scale } from "../../draw/colour";
import {
  type Cell,
  type GridFrame,
  gridCell,
  gridFrame,
  paintGrid,
  scrollTo,
} from "../../draw/grid";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import { useSize } from "./useSize";

export interface GridProps {
  /** Test id, and the name of what is kept about it. */
  name: string;
  label: string;
  rowNames: readonly string[];
  columnNames: readonly string[];
  data: ArrayLike<number>;
  scale: Scale;
  /** The ends of the legend, and what the colour means. */
  legend: readonly [string, string, string];
  text?: (row: number, column: number) => string;
  selected?: { row: number | null; column: number | null };
  pick?: (row: number, column: number) => void;
  /** What the key p does with a cell. */
  pin?: (row: number, column: number) => void;
  describe: (row: number, column: number) => ComponentChildren;
  left?: number;
  maxHeight?: number;
}

const ZOOM = { least: 0.2, most: 4, step: 1.25 };
const NONE = { row: null, column: null };

function moved(cell: Cell | null, key: string, frame: GridFrame): Cell | null {
  const by: Record<string, readonly [number, number]> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
  };
  const step = by[key];
  if (!step) return null;
  const from = cell ?? { row: 0, column: -1 };
  const clamp = (value: number, end: number) => Math.max(0, Math.min(end - 1, value));
  return {
    row: clamp(from.row + step[0], frame.rows),
    column: clamp(from.column + step[1], frame.columns),
  };
}

/** A labelled grid of coloured cells: pointer, wheel and keyboard; only what is seen is painted. */
export function GridCanvas(props: GridProps) {
  const board = useBoard();
  const { ref, size } = useSize();
  const cell = useSignal<Cell | null>(null);
  const zoom = board.ui.local<number>(`${props.name}.zoom`, 1);
  const { canvas, box, frame, scroll } = useGrid(props, size.value.width, zoom, cell);
  const { pick } = props;
  const zoomBy = (factor: number) => {
    zoom.value = Math.min(ZOOM.most, Math.max(ZOOM.least, zoom.peek() * factor));
  };
  const onKey = (event: KeyboardEvent) => {
    const next = moved(cell.peek(), event.key, frame);
    const at = cell.peek();
    if (next) {
      cell.value = next;
      const to = scrollTo(frame, scroll.peek(), next);
      box.current?.scrollTo(to.x, to.y);
    } else if ((event.key === "Enter" || event.key === " ") && at) pick?.(at.row, at.column);
    else if (event.key === "p" && at && props.pin) props.pin(at.row, at.column);
    else if (event.key === "+" || event.key === "=") zoomBy(ZOOM.step);
    else if (event.key === "-") zoomBy(1 / ZOOM.step);
    else if (event.key === "0") zoom.value = 1;
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const point = (event: PointerEvent) => {
    const found = gridCell(frame, scroll.peek(), event.offsetX, event.offsetY);
    const { row, column } = cell.peek() ?? {};
    if (found?.row !== row || found?.column !== column) cell.value = found;
  };
  const click = () => {
    if (cell.value) pick?.(cell.value.row, cell.value.column);
  };
  return (
    <div class="grid-view" ref={ref}>
      <GridBox props={props} frame={frame} box={box} scroll={scroll} zoomBy={zoomBy}>
        {/* biome-ignore lint/a11y/useSemanticElements: a table of that many cells would not scroll */}
        <canvas
          ref={canvas}
          data-testid={`${props.name}-canvas`}
          tabIndex={0}
          role="grid"
          aria-label={`${props.label}: arrow keys read the cells, ${pick ? "Enter selects, " : ""}${props.pin ? "p pins, " : ""}plus and minus zoom.`}
          data-pick={pick !== undefined}
          onPointerMove={point}
          onPointerLeave={() => {
            cell.value = null;
          }}
          onClick={click}
          onKeyDown={onKey}
        />
      </GridBox>
      <GridReadout props={props} cell={cell} />
    </div>
  );
}

/** The canvas's painting, and what it is scrolled to. */
function useGrid(props: GridProps, width: number, zoom: Signal<number>, cell: Signal<Cell | null>) {
  const { ui } = useBoard();
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const scroll = useSignal({ x: 0, y: 0 });
  const frame = gridFrame(width, {
    rows: props.rowNames.length,
    columns: props.columnNames.length,
    left: props.left ?? 46,
    texts: props.text !== undefined,
    zoom: zoom.value,
    maxHeight: props.maxHeight ?? 520,
  });
  const paint = () => {
    if (!canvas.current || width === 0) return;
    paintGrid(canvas.current, {
      frame,
      scroll: scroll.value,
      data: props.data,
      scale: props.scale,
      palette: PALETTES[ui.theme.value],
      rowNames: props.rowNames,
      columnNames: props.columnNames,
      text: props.text ?? null,
      selected: props.selected ?? NONE,
      cell: cell.value,
    });
  };
  const { row, column } = props.selected ?? NONE;
  useLayoutEffect(() => {
    const at = { row: row ?? 0, column: column ?? 0 };
    const to = scrollTo(frame, scroll.peek(), at);
    if (width > 0) box.current?.scrollTo(to.x, row === null ? scroll.peek().y : to.y);
  }, [row, column, width]);
  useLayoutEffect(paint);
  useSignalEffect(paint);
  return { canvas, box, frame, scroll };
}

interface BoxProps {
  props: GridProps;
  frame: GridFrame;
  box: { current: HTMLDivElement | null };
  scroll: Signal<{ x: number; y: number }>;
  zoomBy: (factor: number) => void;
  children: ComponentChildren;
}

/** Scrolls over a space as large as the grid; the canvas stays where it can be seen. */
function GridBox({ props, frame, box, scroll, zoomBy, children }: BoxProps) {
  return (
    <div
      ref={box}
      class="grid-box"
      data-testid={props.name}
      style={{ height: `${frame.seen.height + (frame.full.width > frame.seen.width ? 12 : 0)}px` }}
      onScroll={(event) => {
        const { scrollLeft: x, scrollTop: y } = event.currentTarget;
        scroll.value = { x, y };
      }}
      onWheel={(event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        zoomBy(event.deltaY < 0 ? ZOOM.step : 1 / ZOOM.step);
      }}
    >
      <div style={{ width: `${frame.full.width}px`, height: `${frame.full.height}px` }}>
        {children}
      </div>
    </div>
  );
}

/** The exact value of the cell pointed at; else the legend. */
function GridReadout({ props, cell }: { props: GridProps; cell: Signal<Cell | null> }) {
  const at = cell.value;
  const known = at && at.row < props.rowNames.length && at.column < props.columnNames.length;
  const [low, high, meaning] = props.legend;
  return (
    <div class="readout grid-readout" data-testid={`${props.name}-readout`} role="status">
      {known ? (
        props.describe(at.row, at.column)
      ) : (
        <>
          <span class="readout-scale">
            <i>{low}</i>
            <span style={{ background: gradient(props.scale) }} />
            <i>{high}</i>
          </span>
          <span class="faint">{meaning}</span>
        </>
      )}
    </div>
  );
}
