// The marks of what is done to a part, as paths in a box of 16 by 16, for canvas and markup alike.

export const GLYPHS = {
  frozen:
    "M8 1.5V14.5M2.4 4.75L13.6 11.25M13.6 4.75L2.4 11.25M6 2.6L8 4.4L10 2.6M6 13.4L8 11.6L10 13.4M2.5 7L4.9 6.2L4.3 3.7M13.5 9L11.1 9.8L11.7 12.3M13.5 7L11.1 6.2L11.7 3.7M2.5 9L4.9 9.8L4.3 12.3",
  pattern: "M2.5 2.5V13.5H13.5ZM2.5 6.2L6.2 9.9M2.5 9.9L6.2 13.5M6.2 6.2V13.5M2.5 9.9H9.9",
  set: "M3 13L3.7 10L10.6 3.1A1.2 1.2 0 0 1 12.3 3.1L12.9 3.7A1.2 1.2 0 0 1 12.9 5.4L6 12.3ZM9.3 4.4L11.6 6.7",
  patched: "M2 11.5H5C8 11.5 8 4.5 11 4.5H14M11.5 2V7M4.5 9V14",
  added: "M8 14V5.5M4.5 8.5L8 5L11.5 8.5M3 2.5H13",
  ablated: "M2.5 13.5L13.5 2.5",
  other: "M8 3V13M3 8H13",
} as const;

export type GlyphName = keyof typeof GLYPHS;

const paths = new Map<GlyphName, Path2D>();

function pathOf(name: GlyphName): Path2D {
  let path = paths.get(name);
  if (!path) {
    path = new Path2D(GLYPHS[name]);
    paths.set(name, path);
  }
  return path;
}

/** Draws a mark with its centre at x, y, on a round ground. */
export function drawGlyph(
  context: CanvasRenderingContext2D,
  name: GlyphName,
  at: { x: number; y: number; size: number },
  colours: { ink: string; ground: string },
): void {
  const { x, y, size } = at;
  context.save();
  context.beginPath();
  context.arc(x, y, size * 0.68, 0, Math.PI * 2);
  context.fillStyle = colours.ground;
  context.fill();
  context.strokeStyle = colours.ink;
  context.lineWidth = 0.75;
  context.stroke();
  context.translate(x - size / 2, y - size / 2);
  context.scale(size / 16, size / 16);
  context.lineWidth = 1.5;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.stroke(pathOf(name));
  context.restore();
}
