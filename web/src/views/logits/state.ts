import type { Signal } from "@preact/signals";
import type { Board } from "../../state/board";
import type { Side } from "../../state/ui";
import type { LogitGridView, TrajectoryView, View, WaterfallView } from "../../wire/types";
import type { Order } from "../shared/sortTable";

export type Section = "here" | "positions" | "attribution" | "layers";

export const SECTIONS: readonly { value: Section; label: string }[] = [
  { value: "here", label: "Here" },
  { value: "positions", label: "Every position" },
  { value: "attribution", label: "Attribution" },
  { value: "layers", label: "Through layers" },
];

/** The settings of the logits view. */
export interface LogitsState {
  section: Signal<Section>;
  side: Signal<Side>;
  order: Signal<Order>;
  scale: Signal<"rank" | "probability">;
  /** Tokens that a person typed, one on a line. */
  typed: Signal<string>;
}

export function logitsState(board: Board): LogitsState {
  const { ui } = board;
  return {
    section: ui.local<Section>("logits.section", "here"),
    side: ui.local<Side>("logits.side", "now"),
    order: ui.local<Order>("logits.order", "model"),
    scale: ui.local<"rank" | "probability">("logits.scale", "rank"),
    typed: ui.local<string>("logits.typed", ""),
  };
}

export const gridView: LogitGridView = { kind: "logit_grid", k: 5 };
export const waterfallView: WaterfallView = { kind: "waterfall" };

export function typedTokens(board: Board): string[] {
  return logitsState(board).typed.value.split("\n").filter(Boolean);
}

export function trajectoryView(board: Board): TrajectoryView {
  const { position } = board.logitsView.value;
  return { kind: "trajectory", position, tokens: typedTokens(board) };
}

/** What the section that is open needs. */
export function logitsViews(board: Board): View[] {
  switch (logitsState(board).section.value) {
    case "here":
      return [board.logitsView.value];
    case "positions":
      return [gridView];
    case "attribution":
      return [waterfallView];
    default:
      return [trajectoryView(board)];
  }
}
