import type { Panel } from "../../state/panels";
import { LogitsView } from "./LogitsView";

export const logitsPanel: Panel = {
  id: "logits",
  title: "Next token",
  about: "The most likely next tokens, now and at the baseline.",
  home: "side",
  applies: () => true,
  views: (board) => [board.logitsView.value],
  component: LogitsView,
};
