import type { Panel } from "../../state/panels";
import { GradientsPanel } from "./GradientsPanel";
import { gradientViews } from "./state";

export const gradientsPanel: Panel = {
  id: "gradients",
  title: "Gradients",
  about: "Effects of tokens, parts and edges estimated by gradients, and measured beside them.",
  home: "side",
  applies: () => true,
  views: gradientViews,
  component: GradientsPanel,
  keys: [
    ["← → ↑ ↓", "on a grid: move the cell; its estimate stands below"],
    ["Enter", "on a grid: pick that place; it can then be measured"],
  ],
};
