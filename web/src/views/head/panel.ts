import { isHead } from "../../state/address";
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
  for: isHead,
  component: HeadView,
  keys: [
    ["click a token", "lock it; again, or Escape: unlock it"],
    ["← → ↑ ↓", "on the heat map: move the cell, whose exact value stands below"],
    ["Enter", "on the heat map: lock the token; while editing, set the cell"],
  ],
};
