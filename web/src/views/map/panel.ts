import type { Panel } from "../../state/panels";
import { circuitViews } from "../circuit/state";
import { edgeViews } from "../paths/state";
import { MapView } from "./MapView";

export const mapPanel: Panel = {
  id: "map",
  title: "Map",
  about: "The whole model: every head, MLP and norm, coloured by one measure.",
  home: "map",
  applies: () => true,
  views: (board) => [
    board.mapView.value,
    board.logitsView.value,
    ...edgeViews(board),
    ...circuitViews(board),
    ...(board.ui.local<boolean>("map.classes", false).value ? [{ kind: "classes" } as const] : []),
  ],
  component: MapView,
  bare: true,
  keep: true,
  keys: [
    ["← → ↑ ↓", "move along the parts; with Shift, add to the selection"],
    ["Enter, double click", "open the part"],
    ["/", "find a part: by address, class (induction) or state (ablated)"],
    ["Shift + drag", "select all parts in a rectangle; with Ctrl, add them"],
    ["b", "brush: drag without Shift; Shift + arrows select a block"],
    ["t", "the map's numbers as a table"],
    ["drag from part to part", "an edge: patch it or take it out; see each effect first"],
    ["e", "an edge from the selected part: arrows or / choose where to, Enter opens"],
    ["i, o", "who feeds the selected part; whom it feeds"],
    ["a", "ablate what is selected"],
    ["c", "patch it from the contrast prompt at the token looked at; with Shift, at all tokens"],
    ["f", "freeze the output"],
    ["p", "freeze the pattern"],
    ["r", "release"],
    ["wheel, drag", "zoom and move; with Ctrl where the board is narrow"],
    ["Alt + drag, middle button", "move, from anywhere"],
    ["+ − 0", "zoom in, zoom out, fit"],
    ["Escape", "select nothing"],
  ],
};
