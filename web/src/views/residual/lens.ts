import type { Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";
import { floats } from "../shared/sides";
import type { LensColour } from "./state";

/** One run's cells, r places by p positions, each with k top tokens; t tokens followed. */
export interface LensCells {
  places: number;
  positions: number;
  k: number;
  ids: Float32Array;
  probs: Float32Array;
  logits: Float32Array;
  logProbs: Float32Array;
  ranks: Float32Array;
}

export function lensCells(picture: Picture | null, end: "now" | "base"): LensCells {
  const [places = 0, positions = 0, k = 1] = picture?.grids[`ids_${end}`]?.shape ?? [];
  return {
    places,
    positions,
    k,
    ids: floats(picture, `ids_${end}`),
    probs: floats(picture, `probs_${end}`),
    logits: floats(picture, `logits_${end}`),
    logProbs: floats(picture, `log_probs_${end}`),
    ranks: floats(picture, `ranks_${end}`),
  };
}

/** The colour's value of each cell of one run; a rank as its logarithm. */
export function measured(cells: LensCells, colour: LensColour): Float32Array {
  const size = cells.places * cells.positions;
  const out = new Float32Array(size);
  for (let i = 0; i < size; i += 1) out[i] = one(cells, colour, i, size);
  return out;
}

function one(cells: LensCells, colour: LensColour, i: number, size: number): number {
  const { probs, logProbs, ranks, logits, k } = cells;
  if (colour === "top") return probs[i * k] ?? Number.NaN;
  if (colour === "target") return Math.exp(logProbs[i] ?? Number.NaN);
  if (colour === "rank") return Math.log10(ranks[i] ?? Number.NaN);
  return (logits[i] ?? Number.NaN) - (logits[size + i] ?? Number.NaN);
}

/** One side's values; of ranks, the difference is above zero where the target moved up. */
export function onSide(
  now: Float32Array,
  base: Float32Array,
  side: Side,
  colour: LensColour,
): Float32Array {
  if (side === "now") return now;
  if (side === "baseline") return base;
  const sign = colour === "rank" ? -1 : 1;
  return now.map((value, i) => sign * (value - (base[i] ?? Number.NaN)));
}

/** Turns rows round: the last place comes on top, as on the map. */
export function upsideDown(data: Float32Array, columns: number): Float32Array {
  const rows = columns ? data.length / columns : 0;
  const out = new Float32Array(data.length);
  for (let row = 0; row < rows; row += 1) {
    out.set(data.subarray(row * columns, (row + 1) * columns), (rows - 1 - row) * columns);
  }
  return out;
}
