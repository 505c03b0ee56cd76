import type { Palette } from "../../draw/theme";
import type { Marks } from "../../state/address";
import type { ModelInfo } from "../../wire/types";
import { drawHeadNames, drawLayerNames } from "./axes";
import { drawCells } from "./cells";
import type { Faint } from "./filter";
import type { Layout } from "./geometry";
import { drawAllMarks, drawRings } from "./marks";
import type { MapValues } from "./values";
import { drawEnds, drawWires } from "./wires";

/** All that one picture of the map is made from. */
export interface Scene {
  context: CanvasRenderingContext2D;
  model: ModelInfo;
  heads: number;
  layout: Layout;
  values: MapValues;
  palette: Palette;
  zoom: { k: number; x: number; y: number };
  marks: ReadonlyMap<string, Marks>;
  /** Parts drawn faint, by search and filter; null for none. */
  faint: Faint | null;
  /** Parts that a search found. */
  matches: readonly string[];
  /** A head's class in a few letters, by its place in the model; empty where it has none. */
  facts: (index: number) => string;
  selection: readonly string[];
  hover: string | null;
  /** The prompt up to the position looked at, and the most likely tokens there. */
  tokens: { text: string; here: boolean }[];
  answers: { text: string; share: string }[];
}

/** Paints the map, from the back to the front. */
export function paintMap(scene: Scene): void {
  drawWires(scene);
  drawEnds(scene);
  drawCells(scene);
  drawLayerNames(scene);
  drawHeadNames(scene);
  drawRings(scene);
  drawAllMarks(scene);
}
