import type { Panel } from "../../state/panels";
import { LogitsView } from "./LogitsView";
import { logitsViews } from "./state";

export const logitsPanel: Panel = {
  id: "logits",
  title: "Next token",
  about: "The most likely next tokens, what adds up to the metric, tokens through the layers.",
  home: "side",
  applies: () => true,
  views: logitsViews,
  component: LogitsView,
};
