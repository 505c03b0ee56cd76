import { useEffect } from "preact/hooks";
import { type Board, useBoard } from "../../state/board";
import { viewKey } from "../../state/kernel";
import type { HeadView } from "../../wire/types";
import { lineView } from "./state";
import { type Line, lineOf } from "./weights";

const REST_MS = 30;

/** The exact cells of a token, if they are here and up to date. Reads signals. */
export function knownLine(board: Board, view: HeadView, token: number): Line | null {
  const picture = board.kernel.picture(lineView(view, token)).value;
  return picture?.revision === board.kernel.revision.value ? lineOf(picture, token) : null;
}

/** The exact cells of a token, asked for once the pointer rests on it. */
export function useLine(view: HeadView | null, token: number): Line | null {
  const board = useBoard();
  const asked = view && token >= 0 ? lineView(view, token) : null;
  const picture = asked && board.kernel.picture(asked).value;
  const revision = board.kernel.revision.value;
  const fresh = picture?.revision === revision;
  useEffect(() => {
    if (!asked || fresh) return undefined;
    const timer = setTimeout(() => board.look(asked), REST_MS);
    return () => clearTimeout(timer);
  }, [asked && viewKey(asked), revision, picture?.revision]);
  return fresh ? lineOf(picture, token) : null;
}
