const sprites = new Map<string, HTMLCanvasElement>();
const MOST = 2000;

export interface Type {
  size: number;
  weight: number;
  family: string;
  ink: string;
}

/** A short text as a picture of its own: thousands of them are drawn faster than text is. */
function sprite(text: string, { size, weight, family, ink }: Type): HTMLCanvasElement {
  const ratio = window.devicePixelRatio || 1;
  const key = `${text}|${size}|${weight}|${ink}|${ratio}`;
  const held = sprites.get(key);
  if (held) return held;
  if (sprites.size > MOST) sprites.clear();
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
  sprites.set(key, canvas);
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
