import { fitText, MONO, prepare, SANS } from "../../draw/canvas";
import type { Scale } from "../../draw/colour";
import { drawMatrix } from "../../draw/heatmap";
import type { Palette } from "../../draw/theme";
import type { Pattern } from "./weights";

/** Where the matrix lies in its canvas, beside the names of the tokens. */
export interface Frame {
  left: number;
  top: number;
  side: number;
  step: number;
  size: number;
}

export interface Cell {
  row: number;
  column: number;
}

export interface PatternScene {
  frame: Frame;
  pattern: Pattern;
  scale: Scale;
  palette: Palette;
  tokens: readonly string[];
  cell: Cell | null;
  focus: number;
  locked: number | null;
  as: "destination" | "source";
  /** Entropy of each destination, then what each source receives. */
  strips: ArrayLike<number> | null;
  /** Cells that are being edited, by row * size + column. */
  painted: ReadonlyMap<number, number>;
}

const MARGIN = 66;
const STRIP = 18;
const RIGHT = STRIP + 10;
const BELOW = 54;
const MOST = 440;
const LABEL_STEP = 11;

export function frameOf(width: number, size: number): Frame {
  const side = Math.max(40, Math.min(MOST, width - MARGIN - RIGHT));
  return { left: MARGIN, top: STRIP + 6, side, step: side / Math.max(1, size), size };
}

/** The cell under a point, if a head can look there. */
export function cellAt(frame: Frame, x: number, y: number): Cell | null {
  const column = Math.floor((x - frame.left) / frame.step);
  const row = Math.floor((y - frame.top) / frame.step);
  const inside = column >= 0 && row < frame.size && column <= row;
  return inside ? { row, column } : null;
}

/** The cells on the way from one to another, both ends included: a quick stroke leaves no gaps. */
export function between(from: Cell, to: Cell): Cell[] {
  const [down, across] = [to.row - from.row, to.column - from.column];
  const steps = Math.max(Math.abs(down), Math.abs(across), 1);
  return Array.from({ length: steps + 1 }, (_, i) => ({
    row: Math.round(from.row + (down * i) / steps),
    column: Math.round(from.column + (across * i) / steps),
  }));
}

const WAYS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** The cell that a key goes to, within what a causal head can see; null for other keys. */
export function moved({ row, column }: Cell, key: string, size: number): Cell | null {
  const way = WAYS[key];
  if (key === "Home") return { row, column: 0 };
  if (key === "End") return { row, column: row };
  if (!way) return null;
  const to = Math.max(0, Math.min(size - 1, row + way[0]));
  return { row: to, column: Math.max(0, Math.min(to, column + way[1])) };
}

export function paintPattern(canvas: HTMLCanvasElement, scene: PatternScene): void {
  const { frame, pattern, palette, scale } = scene;
  const { left, top, side, size } = frame;
  const context = prepare(canvas, left + side + RIGHT, top + side + BELOW);
  if (!context || size === 0 || pattern.data.length !== size * size) return;
  drawBed(context, scene);
  const place = { x: left, y: top, width: side, height: side };
  drawMatrix(context, { data: pattern.data, rows: size, columns: size }, scale, palette, place);
  if (frame.step >= 9) drawGrid(context, scene);
  drawStrips(context, scene);
  drawPainted(context, scene);
  drawFocus(context, scene);
  drawNames(context, scene);
}

/** Beside the rows how spread out each destination looks; above the columns what each is given. */
function drawStrips(context: CanvasRenderingContext2D, scene: PatternScene): void {
  const { frame, strips, palette, focus } = scene;
  const { left, top, side, step, size } = frame;
  if (!strips || strips.length !== 2 * size) return;
  const width = Math.max(0.5, step > 3 ? step - 1 : step);
  const part = (value: number, most: number) => (value > 0 ? (value / most) * STRIP : 0);
  let most = 0;
  for (let i = 0; i < size; i += 1) most = Math.max(most, strips[size + i] || 0);
  for (let i = 0; i < size; i += 1) {
    context.fillStyle = i === focus ? palette.accent : palette.line;
    const long = part(strips[i] as number, Math.log(Math.max(2, size)));
    context.fillRect(left + side + 4, top + i * step, long, width);
    const high = part(strips[size + i] as number, most);
    context.fillRect(left + i * step, top - 3 - high, width, high);
  }
  context.font = `9.5px ${SANS}`;
  context.fillStyle = palette.faint;
  context.textBaseline = "alphabetic";
  context.textAlign = "right";
  context.fillText("received", left - 6, top - 5);
  context.save();
  context.translate(left + side + 6, top + side + 6);
  context.rotate(-Math.PI / 3);
  context.textBaseline = "middle";
  context.fillText("entropy", 0, 0);
  context.restore();
}

function drawPainted(context: CanvasRenderingContext2D, scene: PatternScene): void {
  const { frame, painted, palette } = scene;
  context.strokeStyle = palette.target;
  context.lineWidth = Math.min(2, frame.step / 4);
  for (const cell of painted.keys()) {
    const [row, column] = [Math.floor(cell / frame.size), cell % frame.size];
    const [x, y] = [frame.left + column * frame.step, frame.top + row * frame.step];
    context.strokeRect(x + 0.5, y + 0.5, frame.step - 1, frame.step - 1);
  }
}

/** The triangle that a causal head can fill. */
function drawBed(context: CanvasRenderingContext2D, { frame, palette }: PatternScene): void {
  const { left, top, step, size } = frame;
  context.beginPath();
  context.moveTo(left, top);
  for (let i = 0; i < size; i += 1) {
    context.lineTo(left + (i + 1) * step, top + i * step);
    context.lineTo(left + (i + 1) * step, top + (i + 1) * step);
  }
  context.lineTo(left, top + size * step);
  context.closePath();
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.stroke();
}

function drawGrid(context: CanvasRenderingContext2D, { frame, palette }: PatternScene): void {
  const { left, top, step, size } = frame;
  context.beginPath();
  for (let i = 1; i < size; i += 1) {
    context.moveTo(left, top + i * step);
    context.lineTo(left + Math.min(size, i + 1) * step, top + i * step);
    context.moveTo(left + i * step, top + Math.max(0, i - 1) * step);
    context.lineTo(left + i * step, top + size * step);
  }
  context.globalAlpha = 0.5;
  context.strokeStyle = palette.rule;
  context.lineWidth = 0.5;
  context.stroke();
  context.globalAlpha = 1;
}

function drawFocus(context: CanvasRenderingContext2D, scene: PatternScene): void {
  const { frame, palette, focus, as, cell, locked } = scene;
  const { left, top, step, size } = frame;
  context.strokeStyle = palette.accent;
  context.lineWidth = locked === focus ? 2 : 1.25;
  if (as === "destination") {
    context.strokeRect(left, top + focus * step, (focus + 1) * step, step);
  } else {
    context.strokeRect(left + focus * step, top + focus * step, step, (size - focus) * step);
  }
  if (!cell) return;
  context.strokeStyle = palette.text;
  context.lineWidth = 1.5;
  context.strokeRect(left + cell.column * step, top + cell.row * step, step, step);
}

function drawNames(context: CanvasRenderingContext2D, scene: PatternScene): void {
  const { frame, tokens, palette, cell, focus, as } = scene;
  const { left, top, step, side, size } = frame;
  const every = Math.max(1, Math.ceil(LABEL_STEP / step));
  const row = cell?.row ?? (as === "destination" ? focus : -1);
  const column = cell?.column ?? (as === "source" ? focus : -1);
  const far = (i: number, other: number) =>
    i % every === 0 && (other < 0 || every === 1 || Math.abs(i - other) >= every);
  context.font = `${Math.min(11, Math.max(8.5, step * 0.68))}px ${MONO}`;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (let i = 0; i < size; i += 1) {
    const text = fitText(context, tokens[i] ?? "", MARGIN - 10);
    if (i === row || far(i, row)) {
      context.fillStyle = i === row ? palette.accent : palette.muted;
      context.fillText(text, left - 6, top + (i + 0.5) * step);
    }
    if (i !== column && !far(i, column)) continue;
    context.save();
    context.translate(left + (i + 0.5) * step, top + side + 6);
    context.rotate(-Math.PI / 3);
    context.fillStyle = i === column ? palette.accent : palette.muted;
    context.fillText(text, 0, 0);
    context.restore();
  }
}
