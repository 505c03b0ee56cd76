import type { Panel } from "../../state/panels";
import { ResidualView } from "./ResidualView";
import { residualViews } from "./state";

export const residualPanel: Panel = {
  id: "residual",
  title: "Residual stream",
  about: "What the residual stream holds at each layer and position: logit lens, parts, geometry.",
  home: "side",
  applies: () => true,
  for: (address) => /resid_|embed$/.test(address),
  views: residualViews,
  component: ResidualView,
  keys: [
    ["← → ↑ ↓", "on a grid: move the cell; its values stand below"],
    ["Enter", "on a grid: look at that layer and position"],
  ],
};
