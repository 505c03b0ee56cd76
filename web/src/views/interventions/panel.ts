import type { Panel } from "../../state/panels";
import { Interventions } from "./Interventions";

export const interventionsPanel: Panel = {
  id: "interventions",
  title: "Interventions",
  about: "What is done to the model, in order; switch it, undo it, copy it as Python.",
  home: "foot",
  applies: () => true,
  views: () => [],
  component: Interventions,
};
