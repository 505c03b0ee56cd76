import type { Panel } from "../../state/panels";
import { PatchingView } from "./PatchingView";
import { patchingViews } from "./state";

export const patchingPanel: Panel = {
  id: "patching",
  title: "Patching",
  about: "Activation patching: every place patched from the other prompt, one at a time.",
  home: "side",
  applies: () => true,
  views: patchingViews,
  component: PatchingView,
  keys: [
    ["← → ↑ ↓", "on the grid: move the cell; its exact values stand below"],
    ["Enter", "on the grid: select that part and position"],
    ["p", "on the grid: pin the cell, as an intervention on the board"],
  ],
};
