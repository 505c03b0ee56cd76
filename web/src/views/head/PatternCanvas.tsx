import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Scale } from "../../draw/colour";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import type { HeadView } from "../../wire/types";
import { showToken } from "../shared/token";
import { useSize } from "../shared/useSize";
import { type Edit, editOf } from "./edit";
import { between, type Cell, cellAt, type Frame, frameOf, moved, paintPattern } from "./paint";
import { Readout } from "./Readout";
import { settings } from "./state";
import type { HeadPatterns, Pattern } from "./weights";

interface Props {
  view: HeadView;
  patterns: HeadPatterns;
  shown: Pattern;
  scale: Scale;
  /** Entropy of each destination, then what each source receives. */
  strips: ArrayLike<number> | null;
}

/** The matrix: a row looks at the columns. Painted on when the pattern is edited. */
export function PatternCanvas({ view, patterns, shown, scale, strips }: Props) {
  const board = useBoard();
  const { ui, kernel } = board;
  const { ref, size } = useSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const cell = useSignal<Cell | null>(null);
  const edit = editOf(board);
  const editing = settings(board).editing.value;
  const frame = frameOf(size.value.width, shown.size);
  const paint = () => {
    if (!canvas.current) return;
    paintPattern(canvas.current, {
      frame,
      pattern: shown,
      scale,
      strips,
      palette: PALETTES[ui.theme.value],
      tokens: kernel.tokens.value.map((token) => showToken(token.text)),
      cell: cell.value,
      focus: ui.focusToken.value ?? board.position.value,
      locked: ui.lockToken.value,
      as: ui.focusAs.value,
      painted: editing ? edit.cells.value : new Map(),
    });
  };
  useLayoutEffect(paint, [shown.data, scale, frame.side, strips, editing]);
  useSignalEffect(paint);
  const { point, drag, lock, onKey } = useCells({ cell, edit, editing, frame });
  return (
    <div class="pattern" ref={ref}>
      <div
        class="pattern-cells"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: moved in by arrow keys, as a grid is
        tabIndex={0}
        data-testid="pattern-cells"
        data-cell={cell.value ? `${cell.value.row},${cell.value.column}` : undefined}
        aria-label={
          "Cells of the head, destinations by sources. Arrows move, " +
          (editing ? "Enter sets the weight." : "Enter locks the token.")
        }
        onPointerDown={drag}
        onPointerMove={drag}
        onPointerLeave={() => point(null)}
        onBlur={() => point(null)}
        onClick={() => {
          if (!editing) lock();
        }}
        onKeyDown={onKey}
      >
        <canvas ref={canvas} data-testid="pattern-canvas" />
      </div>
      <Readout
        view={view}
        patterns={patterns}
        shown={shown}
        cell={cell.value}
        scale={scale}
        strips={strips}
      />
    </div>
  );
}

interface Cells {
  cell: Signal<Cell | null>;
  edit: Edit;
  editing: boolean;
  frame: Frame;
}

/** What pointer and keys do on the cells. */
function useCells({ cell, edit, editing, frame }: Cells) {
  const { ui } = useBoard();
  const point = (found: Cell | null) => {
    const { row, column } = cell.peek() ?? {};
    if (found?.row === row && found?.column === column) return;
    cell.value = found;
    ui.hoverToken.value = found && (ui.focusAs.peek() === "source" ? found.column : found.row);
  };
  const put = (at: Cell | null, back: boolean) => {
    if (at) edit.put(at.row * frame.size + at.column, back ? null : edit.weight.peek());
  };
  const drag = (event: PointerEvent) => {
    const found = cellAt(frame, event.offsetX, event.offsetY);
    const from = event.type === "pointermove" ? cell.peek() : null;
    point(found);
    if (!editing || event.buttons !== 1 || !found) return;
    for (const each of between(from ?? found, found)) put(each, event.shiftKey);
  };
  const lock = () => {
    const token = ui.hoverToken.peek();
    if (token !== null) ui.lockToken.value = ui.lockToken.peek() === token ? null : token;
  };
  const onKey = (event: KeyboardEvent) => {
    const last = frame.size - 1;
    const here = cell.peek() ?? { row: last, column: last };
    const next = moved(here, event.key, frame.size);
    if (next) point(cell.peek() ? next : here);
    else if (event.key === "Enter" || event.key === " ") editing ? put(here, false) : lock();
    else if (editing && /^(Delete|Backspace)$/.test(event.key)) put(here, true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return { point, drag, lock, onKey };
}
