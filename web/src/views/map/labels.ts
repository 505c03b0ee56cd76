const sets = new Map<string, Map<string, HTMLCanvasElement>>();
const MOST_SETS = 40;
const MOST_TEXTS = 3000;

export interface Type {
  size: number;
  weight: number;
  family: string;
  ink: string;
}

/** The pictures of one size and ink. */
function setOf({ size, weight, ink }: Type, ratio: number): Map<string, HTMLCanvasElement> {
  const key = `${size}|${weight}|${ink}|${ratio}`;
  let found = sets.get(key);
  if (!found) {
    if (sets.size >= MOST_SETS) sets.clear();
    found = new Map();
    sets.set(key, found);
  }
  return found;
}

/** A short text as a picture of its own: thousands of them are drawn faster than text is. */
function sprite(text: string, type: Type): HTMLCanvasElement {
  const { size, weight, family, ink } = type;
  const ratio = window.devicePixelRatio || 1;
  const set = setOf(type, ratio);
  const held = set.get(text);
  if (held) return held;
  if (set.size >= MOST_TEXTS) set.clear();
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const font = `${weight} ${size}px ${family}`;
  context.font = font;
  const width = context.measureText(text).width + 2;
  canvas.width = Math.ceil(width * ratio);
  canvas.height = Math.ceil(size * 1.4 * ratio);
  context.scale(ratio, ratio);
  context.font = font;
  context.fillStyle = ink;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, canvas.width / ratio / 2, size * 0.7 + 0.5);
  set.set(text, canvas);
  return canvas;
}

/** Draws a text with its centre at x, y. */
export function drawLabel(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  type: Type,
): void {
  const size = Math.max(6, Math.round(type.size * 2) / 2);
  const image = sprite(text, { ...type, size });
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [image.width / ratio, image.height / ratio];
  // On whole pixels, or letters would shimmer as the map moves.
  const left = Math.round((x - width / 2) * ratio) / ratio;
  const top = Math.round((y - height / 2) * ratio) / ratio;
  context.drawImage(image, left, top, width, height);
}
