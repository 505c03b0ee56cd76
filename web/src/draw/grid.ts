import { fitText, MONO, prepare } from "./canvas";
import { colourOf, css, inkOn, parseHex, type Scale } from "./colour";
import type { Palette } from "./theme";

/** Where the cells of a labelled grid lie; more than fits is scrolled, the labels stay. */
export interface GridFrame {
  left: number;
  top: number;
  cellWidth: number;
  cellHeight: number;
  rows: number;
  columns: number;
  /** The whole grid, and the part of it that can be seen at once. */
  full: { width: number; height: number };
  seen: { width: number; height: number };
}

export interface GridShape {
  rows: number;
  columns: number;
  /** Room for the names of the rows. */
  left: number;
  /** Whether the cells hold text; else they are as high as wide where that fits. */
  texts: boolean;
  zoom: number;
  maxHeight: number;
}

export interface Cell {
  row: number;
  column: number;
}

export interface GridScene {
  frame: GridFrame;
  scroll: { x: number; y: number };
  /** Row-major values; NaN where there is none yet. */
  data: ArrayLike<number>;
  scale: Scale;
  palette: Palette;
  rowNames: readonly string[];
  columnNames: readonly string[];
  text: ((row: number, column: number) => string) | null;
  selected: { row: number | null; column: number | null };
  cell: Cell | null;
}

const TEXT_WIDTH = 54;
const TEXT_HEIGHT = 20;
const PLAIN = { least: 9, most: 26 };
const HEADER = 20;
const TILTED = 52;
const READABLE = 30;
const LEAN = 26;
const LEAST = 2;
const STEP = 11;

export function gridFrame(width: number, shape: GridShape): GridFrame {
  const { rows, columns, left, texts, zoom, maxHeight } = shape;
  // Names that lean to the right need room after the last column.
  const lean = texts ? 0 : LEAN;
  const fit = (width - left - lean) / Math.max(1, columns);
  const plain = Math.min(PLAIN.most, Math.max(PLAIN.least, fit));
  const wide = (texts ? Math.max(TEXT_WIDTH, fit) : plain) * zoom;
  const cellWidth = Math.max(LEAST, wide);
  const high = texts ? TEXT_HEIGHT * Math.min(1.4, zoom) : Math.min(cellWidth, PLAIN.most * zoom);
  const cellHeight = Math.max(texts && zoom < 0.7 ? 6 : LEAST, high);
  const top = cellWidth >= READABLE * 1.4 ? HEADER : TILTED;
  const full = { width: left + columns * cellWidth + lean, height: top + rows * cellHeight };
  const seen = { width: Math.min(width, full.width), height: Math.min(maxHeight, full.height) };
  return { left, top, cellWidth, cellHeight, rows, columns, full, seen };
}

/** The cell under a point of the canvas. */
export function gridCell(
  frame: GridFrame,
  scroll: { x: number; y: number },
  x: number,
  y: number,
): Cell | null {
  if (x < frame.left || y < frame.top) return null;
  const column = Math.floor((x - frame.left + scroll.x) / frame.cellWidth);
  const row = Math.floor((y - frame.top + scroll.y) / frame.cellHeight);
  return column < frame.columns && row < frame.rows ? { row, column } : null;
}

/** How far to scroll so that a cell can be seen. */
export function scrollTo(
  frame: GridFrame,
  scroll: { x: number; y: number },
  cell: Cell,
): { x: number; y: number } {
  const within = (at: number, size: number, from: number, room: number) =>
    at < from ? at : at + size > from + room ? at + size - room : from;
  const { cellWidth, cellHeight, left, top, seen } = frame;
  return {
    x: within(cell.column * cellWidth, cellWidth, scroll.x, seen.width - left),
    y: within(cell.row * cellHeight, cellHeight, scroll.y, seen.height - top),
  };
}

export function paintGrid(canvas: HTMLCanvasElement, scene: GridScene): void {
  const { frame, palette, data } = scene;
  const context = prepare(canvas, frame.seen.width, frame.seen.height);
  if (!context || data.length !== frame.rows * frame.columns) return;
  context.save();
  context.beginPath();
  context.rect(frame.left, frame.top, frame.seen.width, frame.seen.height);
  context.clip();
  paintCells(context, scene);
  paintMarks(context, scene);
  context.restore();
  context.fillStyle = palette.bg;
  paintColumnNames(context, scene);
  paintRowNames(context, scene);
}

/** The rows and columns that can be seen. */
function visible({ frame, scroll }: GridScene) {
  const { left, top, cellWidth, cellHeight, seen } = frame;
  return {
    firstRow: Math.max(0, Math.floor(scroll.y / cellHeight)),
    endRow: Math.min(frame.rows, Math.ceil((scroll.y + seen.height - top) / cellHeight)),
    firstColumn: Math.max(0, Math.floor(scroll.x / cellWidth)),
    endColumn: Math.min(frame.columns, Math.ceil((scroll.x + seen.width - left) / cellWidth)),
  };
}

function paintCells(context: CanvasRenderingContext2D, scene: GridScene): void {
  const { frame, scroll, data, scale, palette, text } = scene;
  const { left, top, cellWidth, cellHeight, columns } = frame;
  const gap = Math.min(cellWidth, cellHeight) >= 7 ? 1 : 0;
  const write = text !== null && cellWidth >= READABLE && cellHeight >= 13;
  const { firstRow, endRow, firstColumn, endColumn } = visible(scene);
  context.font = `11px ${MONO}`;
  context.textBaseline = "middle";
  context.textAlign = "center";
  for (let row = firstRow; row < endRow; row += 1) {
    for (let column = firstColumn; column < endColumn; column += 1) {
      const colour = colourOf(scale, data[row * columns + column] as number);
      const ground = colour ?? parseHex(palette.blank);
      const x = left + column * cellWidth - scroll.x;
      const y = top + row * cellHeight - scroll.y;
      context.fillStyle = css(ground);
      context.fillRect(x, y, cellWidth - gap, cellHeight - gap);
      if (!write) continue;
      context.fillStyle = inkOn(ground);
      const shown = fitText(context, text(row, column), cellWidth - 5);
      context.fillText(shown, x + (cellWidth - gap) / 2, y + (cellHeight - gap) / 2 + 0.5);
    }
  }
}

function paintMarks(context: CanvasRenderingContext2D, scene: GridScene): void {
  const { frame, scroll, palette, selected, cell } = scene;
  const { left, top, cellWidth, cellHeight, rows, columns } = frame;
  const x = (column: number) => left + column * cellWidth - scroll.x;
  const y = (row: number) => top + row * cellHeight - scroll.y;
  context.strokeStyle = palette.accent;
  context.lineWidth = 1.5;
  const { row, column } = selected;
  if (row !== null) context.strokeRect(x(0), y(row), columns * cellWidth - 1, cellHeight - 1);
  if (column !== null) context.strokeRect(x(column), y(0), cellWidth - 1, rows * cellHeight - 1);
  if (!cell) return;
  context.strokeStyle = palette.text;
  context.lineWidth = 2;
  context.strokeRect(x(cell.column), y(cell.row), cellWidth - 1, cellHeight - 1);
}

function paintRowNames(context: CanvasRenderingContext2D, scene: GridScene): void {
  const { frame, scroll, palette, rowNames, selected, cell } = scene;
  const { left, top, cellHeight, seen } = frame;
  context.fillStyle = palette.bg;
  context.fillRect(0, top, left - 1, seen.height - top);
  context.save();
  context.beginPath();
  context.rect(0, top, left, seen.height - top);
  context.clip();
  context.textAlign = "right";
  context.textBaseline = "middle";
  const every = Math.max(1, Math.ceil(STEP / cellHeight));
  const { firstRow, endRow } = visible(scene);
  for (let row = firstRow; row < endRow; row += 1) {
    const marked = row === selected.row || row === cell?.row;
    if (!marked && row % every !== 0) continue;
    context.font = `${marked ? "600 " : ""}11px ${MONO}`;
    context.fillStyle = marked ? palette.accent : palette.muted;
    const name = fitText(context, rowNames[row] ?? "", left - 10);
    context.fillText(name, left - 6, top + (row + 0.5) * cellHeight - scroll.y);
  }
  context.restore();
}

function paintColumnNames(context: CanvasRenderingContext2D, scene: GridScene): void {
  const { frame, scroll, palette, columnNames, selected, cell } = scene;
  const { left, top, cellWidth, seen } = frame;
  context.fillStyle = palette.bg;
  context.fillRect(0, 0, seen.width, top - 1);
  context.save();
  context.beginPath();
  context.rect(left - 8, 0, seen.width, top);
  context.clip();
  const tilted = top === TILTED;
  const every = Math.max(1, Math.ceil(STEP / cellWidth));
  const { firstColumn, endColumn } = visible(scene);
  context.textBaseline = "middle";
  context.textAlign = tilted ? "left" : "center";
  for (let column = firstColumn; column < endColumn; column += 1) {
    const marked = column === selected.column || column === cell?.column;
    if (!marked && column % every !== 0) continue;
    context.font = `${marked ? "600 " : ""}11px ${MONO}`;
    context.fillStyle = marked ? palette.accent : palette.muted;
    const name = fitText(context, columnNames[column] ?? "", tilted ? 52 : cellWidth - 4);
    const x = left + (column + 0.5) * cellWidth - scroll.x;
    context.save();
    context.translate(x, tilted ? top - 5 : top / 2);
    if (tilted) context.rotate(-Math.PI / 3.2);
    context.fillText(name, 0, 0);
    context.restore();
  }
  context.restore();
}
