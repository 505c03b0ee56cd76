import type { Panel } from "../../state/panels";
import { PathsPanel } from "./PathsPanel";
import { pathsView } from "./state";

export const pathsPanel: Panel = {
  id: "paths",
  title: "Paths",
  about: "Every edge into the selected part or out of it, with its exact effect.",
  home: "side",
  applies: () => true,
  views: (board) => {
    const view = pathsView(board);
    return view ? [view] : [];
  },
  component: PathsPanel,
  keys: [
    ["i, o", "on the map: who feeds the selected part; whom it feeds"],
    ["↑ ↓", "in the list: the next edge"],
  ],
};
