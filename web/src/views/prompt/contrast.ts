import type { Board } from "../../state/board";
import type { Problem } from "../../wire/types";
import { act, patchOf } from "../shared/actions";

/** Whether the contrast prompt is unfolded; unless somebody said so, where there is room. */
export function isOpen(board: Board): boolean {
  const said = folding(board).value;
  return said === "auto" ? board.ui.wide.value : said === "open";
}

export function folding(board: Board) {
  return board.ui.local<"auto" | "open" | "closed">("prompt.contrast", "auto");
}

const NOTHING: Problem = {
  kind: "intervention",
  message: "Nothing is selected to patch.",
  hint: "Select a part on the map, or drag the token onto one.",
};
const NO_PARTNER: Problem = {
  kind: "intervention",
  message: "This token has no counterpart that a patch could name.",
  hint: "The prompts differ in length: positions are counted from the first token or from the last.",
};

/** Patches what is selected at a token, or takes that back; says so where it cannot. */
export function patchSelected(board: Board, at: string): void {
  const { kernel } = board;
  if (!at) kernel.refused.value = NO_PARTNER;
  else if (board.selection.peek().length === 0) kernel.refused.value = NOTHING;
  else act(board, patchOf(board, at));
}

/** Patches a part at a token. */
export function patchPart(board: Board, part: string, at: string): void {
  if (at) board.act("patch", [`${part}@${at}`]);
  else board.kernel.refused.value = NO_PARTNER;
}
