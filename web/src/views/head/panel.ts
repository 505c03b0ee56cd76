import type { Panel } from "../../state/panels";
import { HeadView } from "./HeadView";
import { headViews } from "./state";

export const headPanel: Panel = {
  id: "head",
  title: "Head",
  about: "Where an attention head looks, what it moves from there, and what it writes.",
  home: "side",
  applies: (board) => board.head.value !== null,
  views: headViews,
  component: HeadView,
};
