import type { Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";

export interface Pattern {
  /** [p, p], row by row: how much each destination takes from each source. */
  data: Float32Array;
  size: number;
}

export interface HeadPatterns {
  now: Pattern;
  baseline: Pattern;
}

const NOTHING = new Float32Array(0);

function floats(picture: Picture | null, name: string): Float32Array {
  const data = picture?.grids[name]?.data;
  return data instanceof Float32Array ? data : NOTHING;
}

/** Attention times the length of what is moved: what a head takes, not only where it looks. */
export function valueWeighted(pattern: Float32Array, norms: ArrayLike<number>): Float32Array {
  const size = norms.length;
  return pattern.map((weight, i) => weight * (norms[i % size] as number));
}

function ownNorms(all: Float32Array, head: number, size: number): Float32Array {
  return all.subarray(head * size, (head + 1) * size);
}

function highest(values: ArrayLike<number>): number {
  let found = 0;
  for (let i = 0; i < values.length; i += 1) found = Math.max(found, values[i] as number);
  return found;
}

/** Both runs' patterns; value-weighted, they are measured by the largest of both. */
export function headPatterns(
  picture: Picture | null,
  head: number,
  weighted: boolean,
): HeadPatterns {
  const size = picture?.grids.pattern_now?.shape[0] ?? 0;
  const [now, base] = (["now", "base"] as const).map((end) => {
    const plain = floats(picture, `pattern_${end}`);
    const norms = ownNorms(floats(picture, `value_norm_${end}`), head, size);
    return weighted && norms.length === size ? valueWeighted(plain, norms) : plain;
  }) as [Float32Array, Float32Array];
  if (weighted) {
    const top = Math.max(highest(now), highest(base)) || 1;
    return {
      now: { size, data: now.map((value) => value / top) },
      baseline: { size, data: base.map((value) => value / top) },
    };
  }
  return { now: { size, data: now }, baseline: { size, data: base } };
}

export function onSide({ now, baseline }: HeadPatterns, side: Side): Pattern {
  if (side === "now") return now;
  if (side === "baseline") return baseline;
  const data = now.data.map((value, i) => value - (baseline.data[i] ?? 0));
  return { size: now.size, data };
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
