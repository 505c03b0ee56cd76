import type { Side } from "../../state/ui";
import { type Ends, sideOf } from "../shared/sides";

/** The effect of one upstream part: with the scale live, with it held, and what passes through it. */
export interface ThroughRow {
  part: string;
  live: number;
  frozen: number;
  through: number;
}

/** One side of the effects, what passes through the scale largest first; unknown parts last. */
export function throughRows(
  parts: readonly string[],
  live: Ends,
  frozen: Ends,
  side: Side,
): ThroughRow[] {
  const at = (ends: Ends, i: number) =>
    sideOf(ends.now[i] ?? Number.NaN, ends.baseline[i] ?? Number.NaN, side);
  const rows = parts.map((part, i) => {
    const [whole, held] = [at(live, i), at(frozen, i)];
    return { part, live: whole, frozen: held, through: whole - held };
  });
  const key = (row: ThroughRow) =>
    Number.isNaN(row.through) ? Number.POSITIVE_INFINITY : -Math.abs(row.through);
  return rows.sort((a, b) => key(a) - key(b) || parts.indexOf(a.part) - parts.indexOf(b.part));
}

/** Indices by the size of a value, the largest first, what is not known left out. */
export function bySize(values: ArrayLike<number>): number[] {
  const known = Array.from({ length: values.length }, (_, i) => i).filter(
    (i) => !Number.isNaN(values[i] as number),
  );
  return known.sort((a, b) => Math.abs(values[b] as number) - Math.abs(values[a] as number));
}
