import { fitText, MONO, prepare, texels } from "../../draw/canvas";
import type { Scale } from "../../draw/colour";
import { matrixImage } from "../../draw/heatmap";
import type { Palette } from "../../draw/theme";
import type { Names, Numbers } from "./ArrayDrawing";

/** Where a matrix lies in its canvas, beside the names of its rows and above those of its columns. */
export interface GridFrame {
  left: number;
  width: number;
  height: number;
  stepX: number;
  stepY: number;
}

interface GridScene {
  frame: GridFrame;
  numbers: Numbers;
  scale: Scale;
  names: Names;
  palette: Palette;
  at: { row: number; column: number } | null;
}

const NAMES = 66;
const BELOW = 54;
const [LARGEST, TALLEST] = [28, 440];
const READABLE = 11;

export function frameOf(width: number, { rows, columns }: Numbers): GridFrame {
  const room = Math.max(40, width - NAMES - 14);
  const stepX = Math.min(LARGEST, room / Math.max(1, columns));
  const stepY = Math.min(LARGEST, Math.max(stepX, 2), TALLEST / Math.max(1, rows));
  return { left: NAMES, width: stepX * columns, height: stepY * rows, stepX, stepY };
}

export function cellUnder(frame: GridFrame, { rows, columns }: Numbers, x: number, y: number) {
  const column = Math.floor((x - frame.left) / frame.stepX);
  const row = Math.floor(y / frame.stepY);
  return column >= 0 && column < columns && row >= 0 && row < rows ? { row, column } : null;
}

export function paintGrid(canvas: HTMLCanvasElement, scene: GridScene): void {
  const { frame, numbers, scale, palette, at } = scene;
  const context = prepare(canvas, frame.left + frame.width + 14, frame.height + BELOW);
  const small = texels("own", numbers.columns, numbers.rows).getContext("2d");
  if (!context || !small) return;
  small.putImageData(matrixImage(small, numbers, scale, palette), 0, 0);
  context.imageSmoothingEnabled = numbers.columns > frame.width * devicePixelRatio;
  context.drawImage(small.canvas, frame.left, 0, frame.width, frame.height);
  context.strokeStyle = palette.line;
  context.strokeRect(frame.left, 0, frame.width, frame.height);
  drawNames(context, scene);
  if (!at) return;
  context.strokeStyle = palette.text;
  context.lineWidth = 1.5;
  const [x, y] = [frame.left + at.column * frame.stepX, at.row * frame.stepY];
  context.strokeRect(x, y, frame.stepX, frame.stepY);
}

function drawNames(context: CanvasRenderingContext2D, scene: GridScene): void {
  const { frame, numbers, names, palette } = scene;
  context.font = `10px ${MONO}`;
  context.fillStyle = palette.muted;
  context.textBaseline = "middle";
  context.textAlign = "right";
  const everyRow = Math.max(1, Math.ceil(READABLE / frame.stepY));
  for (let row = 0; row < numbers.rows; row += everyRow) {
    const text = fitText(context, names.row(row), NAMES - 10);
    context.fillText(text, frame.left - 6, (row + 0.5) * frame.stepY);
  }
  const everyColumn = Math.max(1, Math.ceil(READABLE / frame.stepX));
  for (let column = 0; column < numbers.columns; column += everyColumn) {
    context.save();
    context.translate(frame.left + (column + 0.5) * frame.stepX, frame.height + 6);
    context.rotate(-Math.PI / 3);
    context.fillText(fitText(context, names.column(column), NAMES - 10), 0, 0);
    context.restore();
  }
}
