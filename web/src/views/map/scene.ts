import type { Palette } from "../../draw/theme";
import type { Marks } from "../../state/address";
import type { ModelInfo } from "../../wire/types";
import { drawAllMarks, drawCells, drawRings } from "./cells";
import type { Layout } from "./geometry";
import type { MapValues } from "./values";
import { drawEnds, drawLayerNames, drawWires } from "./wires";

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
  drawRings(scene);
  drawAllMarks(scene);
}
