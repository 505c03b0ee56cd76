import type { Panel, PanelKinds } from "../state/panels";
import { circuitPanel } from "./circuit/panel";
import { gradientsPanel } from "./gradients/panel";
import { headPanel } from "./head/panel";
import { interventionsPanel } from "./interventions/panel";
import { logitsPanel } from "./logits/panel";
import { mapPanel } from "./map/panel";
import { mlpPanel } from "./mlp/panel";
import { normPanel } from "./norm/panel";
import { ownPanel } from "./own/panel";
import { patchingPanel } from "./patching/panel";
import { pathsPanel } from "./paths/panel";
import { residualPanel } from "./residual/panel";
import { steeringPanel } from "./steering/panel";
import { weightsPanel } from "./weights/panel";

/** Every panel of the board, in the order in which they are offered. */
export const PANELS: readonly Panel[] = [
  mapPanel,
  headPanel,
  mlpPanel,
  normPanel,
  logitsPanel,
  residualPanel,
  patchingPanel,
  steeringPanel,
  gradientsPanel,
  weightsPanel,
  pathsPanel,
  circuitPanel,
  interventionsPanel,
];

export const PANEL_KINDS: PanelKinds = { fixed: PANELS, own: ownPanel };
