import type { Panel } from "../../state/panels";
import { CircuitPanel } from "./CircuitPanel";
import { CIRCUIT } from "./state";

export const circuitPanel: Panel = {
  id: "circuit",
  title: "Circuit",
  about: "A circuit's edges: cut to size, pruned by hand and measured again, beside another one.",
  home: "side",
  applies: () => true,
  views: (board) => (board.kernel.circuit.value ? [CIRCUIT] : []),
  component: CircuitPanel,
  keys: [
    ["↑ ↓", "in the list: the next edge"],
    ["Space", "prune the edge, or bring it back"],
  ],
};
