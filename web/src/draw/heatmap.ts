import { prepare, texels } from "./canvas";
import { paintPixels, parseHex, type Scale } from "./colour";
import type { Palette } from "./theme";

export interface Matrix {
  data: ArrayLike<number>;
  rows: number;
  columns: number;
}

/** The pixels of a matrix, one for each entry. */
export function matrixImage(
  context: CanvasRenderingContext2D,
  matrix: Matrix,
  scale: Scale,
  palette: Palette,
): ImageData {
  const image = context.createImageData(matrix.columns, matrix.rows);
  paintPixels(matrix.data, scale, parseHex(palette.blank), image.data);
  return image;
}

/** Blanks what a causal head cannot see: sources after the destination. */
export function hideUpper(image: ImageData): void {
  const { data, width, height } = image;
  for (let row = 0; row < height; row += 1) {
    for (let column = row + 1; column < width; column += 1)
      data[(row * width + column) * 4 + 3] = 0;
  }
}

export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What the texels hold: a pointer that moves over a large matrix paints it once. */
let drawn: { data: ArrayLike<number>; scale: Scale; blank: string } | null = null;

/** Draws a causal matrix into a place, scaled up without smoothing. */
export function drawMatrix(
  context: CanvasRenderingContext2D,
  matrix: Matrix,
  scale: Scale,
  palette: Palette,
  place: Place,
): void {
  const small = texels("matrix", matrix.columns, matrix.rows);
  const inner = small.getContext("2d");
  if (!inner) return;
  if (drawn?.data !== matrix.data || drawn.scale !== scale || drawn.blank !== palette.blank) {
    const image = matrixImage(inner, matrix, scale, palette);
    hideUpper(image);
    inner.putImageData(image, 0, 0);
    drawn = { data: matrix.data, scale, blank: palette.blank };
  }
  context.imageSmoothingEnabled =
    matrix.columns > place.width * devicePixelRatio ||
    matrix.rows > place.height * devicePixelRatio;
  context.drawImage(small, place.x, place.y, place.width, place.height);
}

/** A small picture of a causal matrix that fills its canvas. */
export function drawThumbnail(
  canvas: HTMLCanvasElement,
  matrix: Matrix,
  scale: Scale,
  palette: Palette,
  size: number,
): void {
  const context = prepare(canvas, size, size);
  if (!context) return;
  context.fillStyle = palette.sunken;
  context.fillRect(0, 0, size, size);
  drawMatrix(context, matrix, scale, palette, { x: 0, y: 0, width: size, height: size });
}
