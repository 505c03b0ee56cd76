import { type Board, useBoard } from "../../state/board";
import type { Aligned, Token } from "../../wire/types";
import { patchOf } from "../shared/actions";
import { isSpecial, showToken } from "../shared/token";
import { patchPart, patchSelected } from "./contrast";
import { TokenText } from "./Tokens";

/** Pixels that the pointer may move and still have clicked. */
const SLACK = 4;

interface Props {
  token: Token;
  pair: Aligned;
  tabbed: boolean;
}

/** A token of the contrast prompt: click patches what is selected, dragging patches a part. */
export function ContrastToken({ token, pair, tabbed }: Props) {
  const board = useBoard();
  const { ui, kernel } = board;
  const live = kernel.live.value;
  const action = patchOf(board, pair.at);
  const on = pair.at !== "" && action.on;
  const selected = board.selection.value.join(", ");
  const does = on ? "takes the patch back" : `patches ${selected || "what is selected"} here`;
  const text = pair.at
    ? `${pair.same ? "same token" : "another token"}; a click ${does}, dragging it onto a part patches that part`
    : "no position of the prompt corresponds: it cannot be patched";
  return (
    <button
      type="button"
      class={`token contrast-token${isSpecial(token.text) ? " special" : ""}`}
      data-testid={`contrast-token-${token.index}`}
      data-row="contrast"
      data-index={token.index}
      data-hover={pair.mine >= 0 && ui.focusToken.value === pair.mine}
      data-fixed={pair.at === ""}
      aria-pressed={on}
      aria-label={`${showToken(token.text)}, token ${token.index} of the contrast prompt: ${text}`}
      disabled={!live}
      tabIndex={tabbed ? 0 : -1}
      title={`token ${token.index}, id ${token.id}: ${text}`}
      onPointerDown={(event) => startDrag(board, event, pair.at, showToken(token.text))}
      onClick={() => patchSelected(board, pair.at)}
      onPointerEnter={() => {
        if (pair.mine >= 0) ui.hoverToken.value = pair.mine;
      }}
      onPointerLeave={() => {
        ui.hoverToken.value = null;
      }}
    >
      <TokenText text={token.text} />
    </button>
  );
}

/** A token is pressed: once the pointer has gone far enough, it goes along, onto a part. */
function startDrag(board: Board, start: PointerEvent, at: string, text: string): void {
  const { ui } = board;
  if (start.button || !start.isPrimary || !at || !board.kernel.live.peek()) return;
  const handle = start.currentTarget as HTMLElement;
  const stop = new AbortController();
  const { signal } = stop;
  const end = () => {
    stop.abort();
    ui.drag.value = null;
  };
  const onMove = ({ clientX: x, clientY: y }: PointerEvent) => {
    const far = Math.hypot(x - start.clientX, y - start.clientY);
    if (!ui.drag.peek()) {
      if (far < SLACK) return;
      handle.setPointerCapture(start.pointerId);
      ui.hoverToken.value = null;
    }
    ui.drag.value = { text, at, x, y, over: ui.partUnder(x, y) };
  };
  const onUp = () => {
    const found = ui.drag.peek();
    end();
    if (!found) return;
    // The click that follows belongs to the drag.
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, { capture: true }));
    if (found.over) patchPart(board, found.over.address, at);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !ui.drag.peek()) return;
    event.stopPropagation();
    end();
  };
  addEventListener("pointermove", onMove, { signal });
  addEventListener("pointerup", onUp, { signal });
  addEventListener("pointercancel", end, { signal });
  addEventListener("keydown", onKey, { signal, capture: true });
}

function swallow(event: MouseEvent): void {
  event.stopPropagation();
  event.preventDefault();
}
