import { group, type Node, split } from "./tree";

/** How wide the board is; each width has a layout of its own. */
export type Size = "narrow" | "medium" | "wide";

export const MEDIUM_FROM = 720;
export const WIDE_FROM = 1160;
/** From this height a narrow board shows its map above the rest. */
const TALL_FROM = 860;
/** Below this width the list of interventions is folded at first. */
const SMALL_BELOW = 480;

/** How much room there is, as far as the default depends on it. */
export interface Room {
  size: Size;
  tall: boolean;
  small: boolean;
}

export function roomOf(width: number, height: number): Room {
  const size = width < MEDIUM_FROM ? "narrow" : width < WIDE_FROM ? "medium" : "wide";
  return { size, tall: height >= TALL_FROM, small: width < SMALL_BELOW };
}

/** The layout of a board that nobody has changed: docks without panels. */
export function skeleton({ size, tall, small }: Room): Node {
  const map = group("g1", "map");
  const foot = { ...group("g4", "foot"), folded: small };
  if (size === "wide") {
    const side = split("s2", false, [1, group("g3", "side")], [0, foot]);
    return split("s1", true, [0.4, map], [0.34, group("g2", "part")], [0.26, side]);
  }
  if (size === "medium") {
    const side = split("s2", false, [1, group("g2", "part", "side")], [0, foot]);
    return split("s1", true, [0.51, map], [0.49, side]);
  }
  if (tall) {
    return split("s1", false, [0.48, map], [0.52, group("g2", "part", "side")], [0, foot]);
  }
  return split("s1", false, [1, group("g2", "map", "part", "side")], [0, foot]);
}
