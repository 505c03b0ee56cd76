import { largest, type Scale, signedScale, unsignedScale } from "../../draw/colour";
import type { Palette } from "../../draw/theme";
import type { Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";
import type { Grid } from "../../wire/arrays";
import type { Measure } from "../../wire/types";
import type { Part } from "./geometry";
import { MEASURES } from "./measures";

type Family = "heads" | "mlp" | "attn" | "rest" | "embed" | "constant" | "resid" | "scales";

/** The numbers that colour the map. */
export interface MapValues {
  heads: Float32Array;
  mlp: Float32Array;
  embed: Float32Array;
  resid: Float32Array;
  scale: Scale;
  /** Value of a part on any side, NaN where there is none. */
  at(part: Part, side: Side): number;
  /** What attention of a layer writes beyond its heads. */
  rest(layer: number, side: Side): number;
  /** What biases after the last layer add. */
  constant(side: Side): number;
}

const EMPTY = new Float32Array(0);

function values(picture: Picture | null, family: Family, end: "now" | "base"): Float32Array {
  const grid: Grid | undefined = picture?.grids[`${family}_${end}`];
  return grid?.data instanceof Float32Array ? grid.data : EMPTY;
}

function onSide(picture: Picture | null, family: Family, side: Side): Float32Array {
  const now = values(picture, family, "now");
  if (side === "now") return now;
  const base = values(picture, family, "base");
  return side === "baseline" ? base : now.map((value, i) => value - (base[i] ?? Number.NaN));
}

/** One number of a family on a side. */
function pick(picture: Picture | null, family: Family, index: number, side: Side): number {
  const now = values(picture, family, "now")[index] ?? Number.NaN;
  if (side === "now") return now;
  const base = values(picture, family, "base")[index] ?? Number.NaN;
  return side === "baseline" ? base : now - base;
}

/** Where a part's number lies. */
export function place(part: Part, heads: number): [Family, number] | null {
  switch (part.kind) {
    case "head":
      return ["heads", part.layer * heads + part.index];
    case "mlp":
      return ["mlp", part.layer];
    case "attn":
      return ["attn", part.layer];
    case "embed":
      return ["embed", 0];
    case "pos":
      return ["embed", 1];
    case "resid":
      return ["resid", 2 * part.layer + 2];
    case "norm":
      return ["scales", 2 * part.layer + part.index];
    case "logits":
      return null;
  }
}

/** What a part's number is called: norms and the stream keep theirs whatever the map shows. */
export function unitOf(part: Part, measure: Measure): string {
  if (part.kind === "resid") return "stream norm";
  return part.kind === "norm" ? "divides by" : MEASURES[measure].unit;
}

/** Now and baseline share one scale, so that a colour means the same on both. */
export function mapValues(
  picture: Picture | null,
  heads: number,
  view: { side: Side; measure: Measure },
  palette: Palette,
): MapValues {
  const { side, measure } = view;
  const about = MEASURES[measure];
  const sides: Side[] = side === "difference" ? ["difference"] : ["now", "baseline"];
  const families = ["heads", "mlp", "embed"] as const;
  const found = largest(
    ...sides.flatMap((s) => families.map((family) => onSide(picture, family, s))),
  );
  const top = about.top && side !== "difference" ? about.top : found;
  const signed = about.signed || side === "difference";
  return {
    heads: onSide(picture, "heads", side),
    mlp: onSide(picture, "mlp", side),
    embed: onSide(picture, "embed", side),
    resid: onSide(picture, "resid", side === "difference" ? "now" : side),
    scale: signed ? signedScale(palette, top) : unsignedScale(palette.norm, top),
    at(part, which) {
      const [family, index] = place(part, heads) ?? ["heads", -1];
      return pick(picture, family, index, which);
    },
    rest: (layer, which) => pick(picture, "rest", layer, which),
    constant: (which) => pick(picture, "constant", 0, which),
  };
}
