import { useRef } from "preact/hooks";
import { useBoard } from "../../state/board";
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
  const drag = useTokenDrag(pair.at, showToken(token.text));
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
      {...drag}
      onClick={(event) => {
        if (!drag.dropped(event)) patchSelected(board, pair.at);
      }}
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

/** Follows the pointer with the token, and patches the part on which it is let go. */
function useTokenDrag(at: string, text: string) {
  const board = useBoard();
  const { ui } = board;
  const held = useRef<{ x: number; y: number } | null>(null);
  const swallow = useRef(false);
  const end = () => {
    held.current = null;
    ui.drag.value = null;
    removeEventListener("keydown", leave, true);
  };
  const leave = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !ui.drag.peek()) return;
    end();
    event.preventDefault();
    event.stopPropagation();
  };
  return {
    onPointerDown(event: PointerEvent) {
      swallow.current = false;
      if (event.button !== 0 || !event.isPrimary || !at) return;
      held.current = { x: event.clientX, y: event.clientY };
    },
    onPointerMove(event: PointerEvent) {
      const { clientX: x, clientY: y } = event;
      if (!held.current) return;
      if (!ui.drag.peek()) {
        if (Math.hypot(x - held.current.x, y - held.current.y) < SLACK) return;
        (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
        addEventListener("keydown", leave, true);
        swallow.current = true;
      }
      ui.drag.value = { text, at, x, y, over: ui.partUnder(x, y) };
    },
    onPointerUp() {
      const over = ui.drag.peek()?.over;
      end();
      if (over) patchPart(board, over.address, at);
    },
    onPointerCancel: end,
    /** Whether the click that comes now ended a drag, and is none. */
    dropped(event: MouseEvent) {
      return event.detail > 0 && swallow.current;
    },
  };
}
