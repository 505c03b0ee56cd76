/** What of CSS a drawing needs, as SVG understands it. */

export interface Ink {
  colour: string;
  alpha: number;
}

const inks = new Map<string, Ink>();
const measured = new Map<string, { ascent: number; descent: number }>();
let canvas: CanvasRenderingContext2D | null = null;

function scratch(): CanvasRenderingContext2D | null {
  if (!canvas) {
    const element = document.createElement("canvas");
    element.width = 1;
    element.height = 1;
    canvas = element.getContext("2d", { willReadFrequently: true });
  }
  return canvas;
}

/** Any colour that CSS can write, as #rrggbb and how opaque it is. */
export function inkOf(css: string): Ink {
  const known = inks.get(css);
  if (known) return known;
  const context = scratch();
  if (!context) return { colour: "#000000", alpha: 0 };
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = "rgb(0 0 0 / 0)";
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  const [r = 0, g = 0, b = 0, a = 0] = context.getImageData(0, 0, 1, 1).data;
  const hex = [r, g, b].map((part) => part.toString(16).padStart(2, "0")).join("");
  const ink = { colour: `#${hex}`, alpha: Math.round((a / 255) * 1000) / 1000 };
  inks.set(css, ink);
  return ink;
}

/** How far a font reaches above and below its line. */
export function reach(font: string): { ascent: number; descent: number } {
  let found = measured.get(font);
  const context = scratch();
  if (!found && context) {
    context.font = font;
    const { fontBoundingBoxAscent: ascent, fontBoundingBoxDescent: descent } =
      context.measureText("x");
    found = { ascent, descent };
    measured.set(font, found);
  }
  return found ?? { ascent: 10, descent: 3 };
}

export interface Gradient {
  /** The direction, in parts of the box. */
  line: readonly [number, number, number, number];
  stops: readonly { at: number; ink: Ink }[];
}

const LINES: Readonly<Record<string, Gradient["line"]>> = {
  "to right": [0, 0, 1, 0],
  "90deg": [0, 0, 1, 0],
  "to left": [1, 0, 0, 0],
  "270deg": [1, 0, 0, 0],
  "to top": [0, 1, 0, 0],
  "0deg": [0, 1, 0, 0],
  "to bottom": [0, 0, 0, 1],
  "180deg": [0, 0, 0, 1],
  "to top right": [0, 1, 1, 0],
  "to bottom right": [0, 0, 1, 1],
};

/** A plain linear gradient; null for any other background. */
export function gradientOf(css: string): Gradient | null {
  const inner = /^linear-gradient\((.*)\)$/s.exec(css)?.[1];
  if (!inner) return null;
  const parts = topLevel(inner);
  const turned = LINES[parts[0] ?? ""];
  const colours = turned ? parts.slice(1) : parts;
  const stops: { at: number; ink: Ink }[] = [];
  for (const [i, part] of colours.entries()) {
    const [, colour, place] = /^(.*?)(?:\s+([\d.]+)%)?$/s.exec(part) ?? [];
    if (!colour || /calc|\d(px|em)\b/.test(part)) return null;
    const at = place === undefined ? i / Math.max(1, colours.length - 1) : Number(place) / 100;
    stops.push({ at, ink: inkOf(colour) });
  }
  return { line: turned ?? [0, 0, 0, 1], stops };
}

function topLevel(list: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const letter of list) {
    if (letter === "(") depth += 1;
    else if (letter === ")") depth -= 1;
    if (letter === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += letter;
  }
  return parts.map((part) => part.trim());
}
