import type { ModelInfo } from "../wire/types";

const STREAM = /^L(\d+)\.resid_(pre|mid|post)$/;

/** The place on the stream that a selection means: the last one in it, else the end. */
export function streamPlace(selection: readonly string[], model: ModelInfo): string {
  const places = selection.map((address) => address.split("@")[0] ?? "");
  for (const place of places.reverse()) {
    if (STREAM.test(place)) return place;
    if (place === "embed" || place === "pos_embed") return "L0.resid_pre";
  }
  return `L${model.n_layers - 1}.resid_post`;
}

/** The row of a place among places: what enters a block is what left the one before it. */
export function rowOf(place: string, places: readonly string[]): number {
  const own = places.indexOf(place);
  if (own >= 0) return own;
  const found = STREAM.exec(place);
  if (!found) return -1;
  const layer = Number(found[1]);
  const before = layer === 0 ? "L0.resid_pre" : `L${layer - 1}.resid_post`;
  return places.indexOf(found[2] === "pre" ? before : `L${layer}.resid_post`);
}

/** A short name for a row: what has been added so far. */
export function placeName(place: string): string {
  const found = STREAM.exec(place);
  if (!found) return place;
  if (found[2] === "post") return `L${found[1]}`;
  if (found[2] === "mid") return `L${found[1]} mid`;
  return found[1] === "0" ? "embed" : `L${found[1]} pre`;
}
