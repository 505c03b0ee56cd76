import type { Panel } from "../../state/panels";
import { shownPart, weightsViews } from "./place";
import { WeightsView } from "./WeightsView";

export const weightsPanel: Panel = {
  id: "weights",
  title: "Weights",
  about: "What a part's weights say by themselves, and edits of them in the running model.",
  home: "side",
  applies: (board) => shownPart(board.selection.value) !== null,
  views: weightsViews,
  component: WeightsView,
  keys: [
    ["← → ↑ ↓", "on a grid: read the cells; Enter selects the heads"],
    ["Shift + click", "on the map: select several parts, for virtual weights along them"],
  ],
};
