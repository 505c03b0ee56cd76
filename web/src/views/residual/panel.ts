import type { Panel } from "../../state/panels";
import { ResidualView } from "./ResidualView";
import { residualViews } from "./state";

export const residualPanel: Panel = {
  id: "residual",
  title: "Residual stream",
  about: "What the residual stream holds at each layer and position: logit lens, parts, geometry.",
  home: "side",
  applies: () => true,
  views: residualViews,
  component: ResidualView,
};
