import type { ModelInfo } from "../../wire/types";

export type Part = "resid_pre" | "resid_mid" | "resid_post" | "attn" | "mlp" | "head";

/** Where a direction is added: a part of a layer, at one position or at all. */
export interface Place {
  part: Part;
  layer: number;
  head: number;
  /** As it stands after the @; empty for every position. */
  position: string;
}

const PLACE = /^L(\d+)(?:H(\d+)|\.(resid_pre|resid_mid|resid_post|attn|mlp))(?:@([-\d:]+))?$/;

/** An address as a place that is as wide as the stream; null for any other. */
export function parsePlace(address: string): Place | null {
  const found = PLACE.exec(address);
  if (!found) return null;
  const [, layer, head, part, position = ""] = found;
  const own = head === undefined ? (part as Part) : "head";
  return { part: own, layer: Number(layer), head: Number(head ?? 0), position };
}

export function printPlace({ part, layer, head, position }: Place): string {
  const place = part === "head" ? `L${layer}H${head}` : `L${layer}.${part}`;
  return position ? `${place}@${position}` : place;
}

export const PARTS: readonly { value: Part; label: string }[] = [
  { value: "resid_pre", label: "stream before the layer" },
  { value: "resid_mid", label: "stream before the MLP" },
  { value: "resid_post", label: "stream after the layer" },
  { value: "attn", label: "attention's output" },
  { value: "mlp", label: "MLP's output" },
  { value: "head", label: "a head's output" },
];

/** The kinds of place that a model has. */
export function partsOf(model: ModelInfo): readonly { value: Part; label: string }[] {
  return PARTS.filter(({ value }) => {
    if (value === "resid_mid") return !model.parallel && !model.attn_only;
    return value !== "mlp" || !model.attn_only;
  });
}

/** Coefficients to this many places: a hundredth of the way to the end of the slider. */
export function stepOf(reach: number): number {
  return Number((reach / 100).toPrecision(1));
}

/** Values to mark on an axis from low to high: the ends, and round ones between. */
export function marksFor(low: number, high: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(span / 4) + 1e-9);
  const step = [1, 2, 5, 10].map((s) => s * power).find((s) => span / s <= 4.001) ?? span;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * span; i += 1) {
    found.push(Number((i * step).toPrecision(6)));
  }
  return found;
}
