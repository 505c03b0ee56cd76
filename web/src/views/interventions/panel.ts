import type { Panel } from "../../state/panels";
import { EDITS } from "../weights/place";
import { Interventions, Tools } from "./Interventions";

export const interventionsPanel: Panel = {
  id: "interventions",
  title: "Interventions",
  about: "What is done to the model, in order; switch it, undo it, copy it as Python.",
  home: "foot",
  applies: () => true,
  views: () => [EDITS],
  component: Interventions,
  tools: Tools,
  keys: [["Ctrl or Cmd + Z", "undo, from anywhere; with Shift, redo"]],
};
