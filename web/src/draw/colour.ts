import type { Palette } from "./theme";

type Rgb = readonly [number, number, number];

export interface Scale {
  /** The values at the two ends. */
  domain: readonly [number, number];
  /** Red, green and blue of 256 steps from end to end. */
  table: Uint8Array;
  signed: boolean;
}

const STEPS = 256;

export function parseHex(hex: string): Rgb {
  const number = Number.parseInt(hex.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

const toLinear = (c: number) => (c <= 10.31475 ? c / 3294.6 : ((c / 255 + 0.055) / 1.055) ** 2.4);
const fromLinear = (c: number) =>
  255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * Math.max(c, 0) ** (1 / 2.4) - 0.055);

/** Oklab, in which equal steps look equal. */
function toLab(rgb: Rgb): Rgb {
  const [r, g, b] = rgb.map(toLinear) as unknown as Rgb;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromLab([x, a, b]: Rgb): Rgb {
  const l = (x + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (x - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (x - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    fromLinear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    fromLinear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    fromLinear(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

const ramps = new Map<string, Uint8Array>();

/** A table of colours that passes through the given ones at equal distances. */
export function ramp(stops: readonly string[]): Uint8Array {
  const key = stops.join();
  let table = ramps.get(key);
  if (!table) {
    table = mixed(stops);
    ramps.set(key, table);
  }
  return table;
}

function mixed(stops: readonly string[]): Uint8Array {
  const labs = stops.map((stop) => toLab(parseHex(stop)));
  const table = new Uint8Array(STEPS * 3);
  for (let i = 0; i < STEPS; i += 1) {
    const at = (i / (STEPS - 1)) * (labs.length - 1);
    const from = Math.min(Math.floor(at), labs.length - 2);
    const [a, b] = [labs[from] as Rgb, labs[from + 1] as Rgb];
    const blend = a.map((value, k) => value + (at - from) * ((b[k] as number) - value));
    table.set(
      fromLab(blend as unknown as Rgb).map((c) => Math.round(Math.min(255, Math.max(0, c)))),
      i * 3,
    );
  }
  return table;
}

/** Signed values: symmetric round zero, so that zero is always the neutral colour. */
export function signedScale(palette: Palette, largest: number): Scale {
  const end = largest > 0 && Number.isFinite(largest) ? largest : 1;
  const { negative, zero, positive } = palette;
  return { domain: [-end, end], table: ramp([negative, zero, positive]), signed: true };
}

/** Values from nothing upwards. */
export function unsignedScale(stops: readonly string[], largest: number): Scale {
  const end = largest > 0 && Number.isFinite(largest) ? largest : 1;
  return { domain: [0, end], table: ramp(stops), signed: false };
}

function step(scale: Scale, value: number): number {
  const [low, high] = scale.domain;
  const part = (value - low) / (high - low);
  return Math.round(Math.min(1, Math.max(0, part)) * (STEPS - 1));
}

/** Colour of a value; null where there is none. */
export function colourOf(scale: Scale, value: number): Rgb | null {
  if (Number.isNaN(value)) return null;
  const at = step(scale, value) * 3;
  const { table } = scale;
  return [table[at] as number, table[at + 1] as number, table[at + 2] as number];
}

export function css(colour: Rgb): string {
  return `rgb(${colour[0]} ${colour[1]} ${colour[2]})`;
}

/** Black or white, whichever can be read on a colour. */
export function inkOn(colour: Rgb): string {
  const [r, g, b] = colour.map(toLinear) as unknown as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.27 ? "#1b1a18" : "#ffffff";
}

/** Paints values into RGBA pixels. */
export function paintPixels(
  values: ArrayLike<number>,
  scale: Scale,
  blank: Rgb,
  pixels: Uint8ClampedArray,
): void {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number;
    const at = i * 4;
    const known = !Number.isNaN(value);
    const from = known ? step(scale, value) * 3 : 0;
    const source: ArrayLike<number> = known ? scale.table : blank;
    pixels[at] = source[from] as number;
    pixels[at + 1] = source[from + 1] as number;
    pixels[at + 2] = source[from + 2] as number;
    pixels[at + 3] = 255;
  }
}

/** The largest absolute value of several arrays, passing over what is not known. */
export function largest(...arrays: ArrayLike<number>[]): number {
  let found = 0;
  for (const values of arrays) {
    for (let i = 0; i < values.length; i += 1) {
      const size = Math.abs(values[i] as number);
      if (size > found) found = size;
    }
  }
  return found;
}

const cssGradients = new WeakMap<Uint8Array, string>();

/** The scale as a CSS background, for a legend. */
export function gradient(scale: Scale, direction = "to right"): string {
  let stops = cssGradients.get(scale.table);
  if (!stops) {
    const parts: string[] = [];
    for (let i = 0; i <= 16; i += 1) {
      const at = Math.round((i / 16) * (STEPS - 1)) * 3;
      parts.push(`rgb(${[...scale.table.slice(at, at + 3)].join(" ")})`);
    }
    stops = parts.join(", ");
    cssGradients.set(scale.table, stops);
  }
  return `linear-gradient(${direction}, ${stops})`;
}
