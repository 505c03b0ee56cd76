import { colourOf, css, type Scale } from "../draw/colour";
import type { Palette } from "../draw/theme";
import type { Entry } from "../wire/types";
import type { Curve } from "./curve";
import type { Edge } from "./edge";

/** How one edge is drawn. */
export interface Look {
  colour: string;
  width: number;
  alpha: number;
  /** Something is done to it: what, as a mark halfway. */
  mark: "cut" | "changed" | "";
}

export interface Wire {
  edge: Edge;
  curve: Curve;
  look: Look;
  /** How wide its receiver is on screen: labels need room. */
  room: number;
  /** Its line in the list of interventions; null for what is only shown. */
  entry: number | null;
  /** What it does to the metric; NaN where that is not known. */
  effect: number;
}

/** The inputs told apart without colour. */
export const DASHES = { q: [9, 5], k: [4, 4], v: [0.5, 4.5], "": [] } as const;

const THIN = 1.25;
const THICK = 6;

/** A line of the list of interventions: what is off is faint. */
export function cableLook({ kind, on }: Pick<Entry, "kind" | "on">, palette: Palette): Look {
  return {
    colour: kind === "zero" ? palette.text : palette.accent,
    width: 2.25,
    alpha: on ? 1 : 0.32,
    mark: kind === "zero" ? "cut" : kind === "patch" ? "" : "changed",
  };
}

/** Each way in which some of the edges are drawn, for a legend. */
export function kindsOf(wires: readonly Wire[]): string {
  const kinds = new Set<string>();
  for (const { edge, look, entry } of wires) {
    if (edge.input) kinds.add(edge.input);
    if (edge.mlps) kinds.add("mlps");
    if (entry === null) continue;
    kinds.add(look.mark || "patch");
    if (look.alpha < 1) kinds.add("off");
  }
  return [...kinds].sort().join(" ");
}

/** The part of the scale's end that the smallest effects keep, so that they can be seen. */
const FLOOR = 0.4;

/** The colour of an effect: its own on the scale, never so near to zero that it is lost. */
export function effectColour(scale: Scale, effect: number): string | null {
  const top = scale.domain[1];
  const part = FLOOR + (1 - FLOOR) * Math.min(1, Math.abs(effect) / top);
  const colour = colourOf(scale, Math.sign(effect) * part * top);
  return colour ? css(colour) : null;
}

export function effectWidth(scale: Scale, effect: number): number {
  return THIN + (THICK - THIN) * Math.min(1, Math.abs(effect) / scale.domain[1]);
}

/** An edge weighted by its effect. */
export function weightedLook(scale: Scale, effect: number, palette: Palette): Look {
  return {
    colour: effectColour(scale, effect) ?? palette.line,
    width: effectWidth(scale, effect),
    alpha: 0.88,
    mark: "",
  };
}

/** Something as large as its effect. */
export interface Weighted {
  effect: number;
}

/** The strongest of many, the weakest of them first, so that the strongest is drawn on top. */
export function strongest<T extends Weighted>(items: readonly T[], count: number): T[] {
  return items
    .filter(({ effect }) => Number.isFinite(effect) && effect !== 0)
    .sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect))
    .slice(0, count)
    .reverse();
}
