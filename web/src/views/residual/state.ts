import type { Signal } from "@preact/signals";
import type { Board } from "../../state/board";
import { streamPlace } from "../../state/stream";
import type { Side } from "../../state/ui";
import type {
  DecompositionView,
  EmbeddingView,
  LensView,
  ModelInfo,
  StreamView,
  View,
} from "../../wire/types";
import type { Order } from "../shared/sortTable";

export type Section = "lens" | "parts" | "geometry" | "embedding";
export type LensColour = "top" | "target" | "rank" | "difference";

export const SECTIONS: readonly { value: Section; label: string }[] = [
  { value: "lens", label: "Logit lens" },
  { value: "parts", label: "Parts" },
  { value: "geometry", label: "Geometry" },
  { value: "embedding", label: "Embeddings" },
];

/** The settings of the residual view. */
export interface ResidualState {
  section: Signal<Section>;
  side: Signal<Side>;
  colour: Signal<LensColour>;
  middle: Signal<boolean>;
  what: Signal<StreamView["what"]>;
  direction: Signal<string>;
  order: Signal<Order>;
}

export function residualState(board: Board): ResidualState {
  const { ui } = board;
  return {
    section: ui.local<Section>("residual.section", "lens"),
    side: ui.local<Side>("residual.side", "now"),
    colour: ui.local<LensColour>("residual.colour", "top"),
    middle: ui.local<boolean>("residual.middle", false),
    what: ui.local<StreamView["what"]>("residual.what", "norms"),
    direction: ui.local<string>("residual.direction", "metric"),
    order: ui.local<Order>("residual.order", "model"),
  };
}

/** The position looked at, as the kernel is asked for it. */
export function askedPosition(board: Board): number {
  return board.logitsView.value.position;
}

export function lensView(board: Board): LensView {
  return { kind: "lens", middle: residualState(board).middle.value };
}

export function partsView(board: Board, model: ModelInfo): DecompositionView {
  return {
    kind: "decomposition",
    place: streamPlace(board.selection.value, model),
    position: askedPosition(board),
    direction: residualState(board).direction.value,
  };
}

export function streamView(board: Board, model: ModelInfo): StreamView {
  const { what, direction } = residualState(board);
  return {
    kind: "stream",
    what: what.value,
    place: streamPlace(board.selection.value, model),
    position: askedPosition(board),
    direction: what.value === "projection" ? direction.value : "metric",
  };
}

export function embeddingView(board: Board): EmbeddingView {
  return { kind: "embedding", position: askedPosition(board), k: 10 };
}

/** What the section that is open needs. */
export function residualViews(board: Board): View[] {
  const model = board.kernel.model.value;
  if (!model) return [];
  switch (residualState(board).section.value) {
    case "lens":
      return [lensView(board)];
    case "parts":
      return [partsView(board, model)];
    case "geometry":
      return [streamView(board, model)];
    default:
      return [embeddingView(board)];
  }
}
