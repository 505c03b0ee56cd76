import { largest, type Scale, signedScale, unsignedScale } from "../../draw/colour";
import type { Palette } from "../../draw/theme";
import { infoOf, type Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";
import type { HeadInfo, HeadRange, HeadValue } from "../../wire/types";

export interface Pattern {
  /** [p, p], row by row: how much each destination takes from each source; NaN: hidden, masked. */
  data: Float32Array;
  size: number;
}

export interface HeadPatterns {
  now: Pattern;
  baseline: Pattern;
  info: HeadInfo | null;
}

/** The code of a cell that is hidden or masked, and that of the largest value. */
const NOTHING = 255;
const MOST = 254;

/** Codes of a packed lower triangle as a full matrix of values. */
export function decode(
  codes: ArrayLike<number>,
  size: number,
  { low, high }: Pick<HeadRange, "low" | "high">,
): Float32Array {
  const table = Float32Array.from({ length: 256 }, (_, code) =>
    code === NOTHING ? Number.NaN : low + (code / MOST) * (high - low),
  );
  const data = new Float32Array(size * size);
  let at = 0;
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column <= row; column += 1) {
      data[row * size + column] = table[codes[at++] ?? NOTHING] as number;
    }
  }
  return data;
}

/** Codes of one of several packed triangles, as a matrix of codes. */
export function unpackCodes(
  codes: ArrayLike<number>,
  index: number,
  size: number,
): Float32Array<ArrayBuffer> {
  const data = new Float32Array(size * size);
  let at = (index * size * (size + 1)) / 2;
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column <= row; column += 1) {
      const code = codes[at++] ?? NOTHING;
      data[row * size + column] = code === NOTHING ? Number.NaN : code;
    }
  }
  return data;
}

const NONE: Pattern = { data: new Float32Array(0), size: 0 };
const decoded = new WeakMap<Picture, HeadPatterns>();

/** Both runs' cells. Where the baseline was not asked for, or is the same run, it is the run now. */
export function headPatterns(picture: Picture | null): HeadPatterns {
  const info = infoOf(picture, "head");
  if (!picture || !info) return { now: NONE, baseline: NONE, info: null };
  const known = decoded.get(picture);
  if (known) return known;
  const end = (name: "now" | "base"): Pattern | null => {
    const codes = picture.grids[`cells_${name}`]?.data;
    const range = info[name];
    return codes && range ? { data: decode(codes, info.tokens, range), size: info.tokens } : null;
  };
  const now = end("now") ?? NONE;
  const found = { now, baseline: end("base") ?? now, info };
  decoded.set(picture, found);
  return found;
}

export function onSide({ now, baseline }: HeadPatterns, side: Side): Pattern {
  if (side === "now") return now;
  if (side === "baseline") return baseline;
  const data = now.data.map((value, i) => value - (baseline.data[i] ?? 0));
  return { size: now.size, data };
}

/** The colours for what is shown: signed ones symmetric round zero, attention from 0 to 1. */
export function scaleFor(
  palette: Palette,
  value: HeadValue,
  side: Side,
  patterns: HeadPatterns,
  shown: Pattern,
): Scale {
  if (side === "difference") return signedScale(palette, Math.max(0.01, largest(shown.data)));
  const high = Math.max(patterns.info?.now.high ?? 1, patterns.info?.base?.high ?? 0);
  if (value === "pattern") return unsignedScale(palette.attention, Math.max(1, high));
  if (value === "weighted") return unsignedScale(palette.attention, high);
  return signedScale(palette, largest(patterns.now.data, patterns.baseline.data));
}

/** Each token's weight, as seen from one token: where it looks, or who looks at it. */
export function seenFrom(
  pattern: Pattern,
  token: number,
  as: "destination" | "source",
): Float32Array {
  const { data, size } = pattern;
  const found = new Float32Array(size);
  for (let i = 0; i < size; i += 1) {
    found[i] = (as === "destination" ? data[token * size + i] : data[i * size + token]) ?? 0;
  }
  return found;
}

/** The exact cells of one token, as they were asked for. */
export interface Line {
  token: number;
  now: { row: ArrayLike<number>; column: ArrayLike<number> };
  baseline: { row: ArrayLike<number>; column: ArrayLike<number> };
}

export function lineOf(picture: Picture | null, token: number): Line | null {
  const get = (name: string) => picture?.grids[name]?.data;
  const [rowNow, columnNow] = [get("row_now"), get("column_now")];
  const [rowBase, columnBase] = [get("row_base"), get("column_base")];
  if (!rowNow || !columnNow || !rowBase || !columnBase) return null;
  return {
    token,
    now: { row: rowNow, column: columnNow },
    baseline: { row: rowBase, column: columnBase },
  };
}

/** The exact weights seen from a line's token, over all tokens; 0 where it cannot look. */
export function seenExactly(
  line: Line,
  side: Side,
  as: "destination" | "source",
  size: number,
): Float32Array {
  const pick = (end: "now" | "baseline", i: number) =>
    (as === "destination" ? line[end].row[i] : line[end].column[i - line.token]) ?? 0;
  return Float32Array.from({ length: size }, (_, i) =>
    side === "difference" ? pick("now", i) - pick("baseline", i) : pick(side, i),
  );
}

/** The exact value of one cell in both runs, if the line runs through it. */
export function cellOf(
  line: Line,
  row: number,
  column: number,
): { now: number; baseline: number } | null {
  const pick = (end: "now" | "baseline") =>
    line.token === row ? line[end].row[column] : line[end].column[row - column];
  if (line.token !== row && line.token !== column) return null;
  const [now, baseline] = [pick("now"), pick("baseline")];
  return now === undefined || baseline === undefined ? null : { now, baseline };
}
