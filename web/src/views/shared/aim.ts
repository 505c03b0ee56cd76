import type { Board, Deed } from "../../state/board";

/** A pointer that only passes over a control asks for nothing. */
const DWELL_MS = 25;

/** The control that the pointer is over: what was foreseen there, and what is about to be. */
interface Aim {
  timer?: ReturnType<typeof setTimeout>;
  last?: string;
}

const aims = new WeakMap<Board, Aim>();

/**
 * Handlers for a control: the kernel makes the run that it would need while the pointer is on its
 * way, or the finger still down. `deed` says what the control would do now, null for nothing. A
 * saved board has nobody to ask.
 */
export function aimed(board: Board, deed: () => Deed | null) {
  const aim = aims.get(board) ?? {};
  aims.set(board, aim);
  const foresee = () => {
    clearTimeout(aim.timer);
    const next = board.kernel.live.peek() ? deed() : null;
    const key = JSON.stringify(next);
    if (!next || key === aim.last) return;
    aim.last = key;
    board.foresee(next);
  };
  const leave = () => {
    clearTimeout(aim.timer);
    aim.last = undefined;
  };
  return {
    onPointerEnter: () => {
      leave();
      aim.timer = setTimeout(foresee, DWELL_MS);
    },
    onPointerLeave: leave,
    onPointerDown: foresee,
    onFocus: foresee,
  };
}
