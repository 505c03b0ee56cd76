import { largest, type Scale, signedScale, unsignedScale } from "../../draw/colour";
import type { Palette } from "../../draw/theme";
import type { Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";
import type { Grid } from "../../wire/arrays";
import type { Measure } from "../../wire/types";
import type { Part } from "./geometry";

export const MEASURES: Readonly<Record<Measure, { label: string; about: string; unit: string }>> = {
  attribution: {
    label: "Direct logit attribution",
    about: "what each part writes straight to the metric",
    unit: "attribution",
  },
  norm: {
    label: "Output norm",
    about: "length of what each part adds to the stream",
    unit: "norm",
  },
  effect: {
    label: "Ablation effect",
    about: "change of the metric when the part is ablated",
    unit: "effect",
  },
};

type Family = "heads" | "mlp" | "embed" | "resid";

/** The numbers that colour the map. */
export interface MapValues {
  heads: Float32Array;
  mlp: Float32Array;
  embed: Float32Array;
  resid: Float32Array;
  scale: Scale;
  /** Value of a part on any side, NaN where there is none. */
  at(part: Part, side: Side): number;
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

export function place(part: Part, heads: number): [Family, number] | null {
  switch (part.kind) {
    case "head":
      return ["heads", part.layer * heads + part.index];
    case "mlp":
      return ["mlp", part.layer];
    case "embed":
      return ["embed", 0];
    case "resid":
      return ["resid", 2 * part.layer + 2];
    default:
      return null;
  }
}

/** Now and baseline share one scale, so that a colour means the same on both. */
export function mapValues(
  picture: Picture | null,
  heads: number,
  view: { side: Side; measure: Measure },
  palette: Palette,
): MapValues {
  const { side, measure } = view;
  const sides: Side[] = side === "difference" ? ["difference"] : ["now", "baseline"];
  const families = ["heads", "mlp", "embed"] as const;
  const top = largest(
    ...sides.flatMap((s) => families.map((family) => onSide(picture, family, s))),
  );
  const signed = measure !== "norm" || side === "difference";
  return {
    heads: onSide(picture, "heads", side),
    mlp: onSide(picture, "mlp", side),
    embed: onSide(picture, "embed", side),
    resid: onSide(picture, "resid", side === "difference" ? "now" : side),
    scale: signed ? signedScale(palette, top) : unsignedScale(palette.norm, top),
    at(part, which) {
      const found = place(part, heads);
      return found ? (onSide(picture, found[0], which)[found[1]] ?? Number.NaN) : Number.NaN;
    },
  };
}
