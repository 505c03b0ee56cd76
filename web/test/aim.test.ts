import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Board, Deed } from "../src/state/board";
import { aimed } from "../src/views/shared/aim";

/** A board that keeps what it is asked to foresee. */
function made(live = true) {
  const asked: Deed[] = [];
  const board = {
    kernel: { live: { peek: () => live } },
    foresee: (deed: Deed) => asked.push(deed),
  } as unknown as Board;
  return { asked, board };
}

const ablate: Deed = { verb: "ablate", at: ["L2H1"] };

test("a pointer that rests is foreseen once, one that passes is not", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { asked, board } = made();
    const control = aimed(board, () => ablate);
    control.onPointerEnter();
    control.onPointerLeave();
    mock.timers.tick(1000);
    assert.deepEqual(asked, []);
    control.onPointerEnter();
    mock.timers.tick(1000);
    control.onPointerDown();
    control.onFocus();
    assert.deepEqual(asked, [ablate]);
    control.onPointerLeave();
    control.onPointerDown();
    assert.equal(asked.length, 2);
  } finally {
    mock.timers.reset();
  }
});

test("a press is foreseen at once, and what the control does next anew", () => {
  const { asked, board } = made();
  let next: Deed | null = ablate;
  const control = aimed(board, () => next);
  control.onPointerDown();
  next = { verb: "remove", entries: [7] };
  control.onPointerDown();
  next = null;
  control.onPointerDown();
  assert.deepEqual(asked, [ablate, { verb: "remove", entries: [7] }]);
});

test("only one control at a time is aimed at", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { asked, board } = made();
    const freeze: Deed = { verb: "freeze", at: ["L2H1"] };
    aimed(board, () => ablate).onPointerEnter();
    aimed(board, () => freeze).onPointerEnter();
    mock.timers.tick(1000);
    assert.deepEqual(asked, [freeze]);
  } finally {
    mock.timers.reset();
  }
});

test("a saved board foresees nothing", () => {
  const { asked, board } = made(false);
  aimed(board, () => ablate).onPointerDown();
  assert.deepEqual(asked, []);
});
