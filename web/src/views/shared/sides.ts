import type { Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";

/** The same numbers in both runs. */
export interface Ends {
  now: Float32Array;
  baseline: Float32Array;
}

const NOTHING = new Float32Array(0);

/** An array of a picture by its name; empty where there is none. */
export function floats(picture: Picture | null, name: string): Float32Array {
  const data = picture?.grids[name]?.data;
  return data instanceof Float32Array ? data : NOTHING;
}

/** An array that a picture holds for both runs. */
export function endsOf(picture: Picture | null, name: string): Ends {
  return { now: floats(picture, `${name}_now`), baseline: floats(picture, `${name}_base`) };
}

export function onSide({ now, baseline }: Ends, side: Side): Float32Array {
  if (side === "now") return now;
  if (side === "baseline") return baseline;
  return now.map((value, i) => value - (baseline[i] ?? Number.NaN));
}

/** One row of both runs' matrices. */
export function rowOf({ now, baseline }: Ends, row: number, width: number): Ends {
  const cut = (data: Float32Array) => data.subarray(row * width, (row + 1) * width);
  return { now: cut(now), baseline: cut(baseline) };
}

/** A number of both runs on one side. */
export function sideOf(now: number, baseline: number, side: Side): number {
  if (side === "now") return now;
  return side === "baseline" ? baseline : now - baseline;
}
