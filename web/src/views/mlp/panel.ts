import type { Panel } from "../../state/panels";
import { MlpPanel } from "./MlpPanel";
import { mlpPlace, mlpViews } from "./place";

export const mlpPanel: Panel = {
  id: "mlp",
  title: "MLP",
  about: "The neurons of a layer that matter for the metric, over the prompt and in words.",
  home: "side",
  applies: (board) => mlpPlace(board.selection.value) !== null,
  for: (address) => /^L\d+\.mlp/.test(address),
  views: mlpViews,
  component: MlpPanel,
  keys: [
    ["↑ ↓", "in the list of neurons: the next one"],
    ["Shift or Ctrl + click", "select several neurons, to act on them together"],
  ],
};
