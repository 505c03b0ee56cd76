import { isHead } from "../../state/address";
import type { Panel } from "../../state/panels";
import { HeadView } from "./HeadView";

export const headPanel: Panel = {
  id: "head",
  title: "Head",
  about: "Where an attention head looks, over the text and as a matrix.",
  home: "side",
  applies: (board) => board.head.value !== null,
  views: (board) => (board.head.value ? [{ kind: "head", ...board.head.value }] : []),
  for: isHead,
  component: HeadView,
  keys: [["click a token", "lock it; again, or Escape: unlock it"]],
};
