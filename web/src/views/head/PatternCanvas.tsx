import { useSignal, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { gradient, type Scale } from "../../draw/colour";
import { format, signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import { showToken } from "../shared/token";
import { useSize } from "../shared/useSize";
import { cellAt, frameOf, paintPattern } from "./paint";
import type { HeadPatterns, Pattern } from "./weights";

interface Props {
  patterns: HeadPatterns;
  shown: Pattern;
  scale: Scale;
}

interface Cell {
  row: number;
  column: number;
}

/** The attention pattern: a row looks at the columns. */
export function PatternCanvas({ patterns, shown, scale }: Props) {
  const board = useBoard();
  const { ui, kernel } = board;
  const { ref, size } = useSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const cell = useSignal<Cell | null>(null);
  const frame = frameOf(size.value.width, shown.size);
  const paint = () => {
    if (!canvas.current) return;
    paintPattern(canvas.current, {
      frame,
      pattern: shown,
      scale,
      palette: PALETTES[ui.theme.value],
      tokens: kernel.tokens.value.map((token) => showToken(token.text)),
      cell: cell.value,
      focus: ui.focusToken.value ?? board.position.value,
      locked: ui.lockToken.value,
      as: ui.focusAs.value,
    });
  };
  useLayoutEffect(paint, [shown.data, scale, frame.side]);
  useSignalEffect(paint);
  const pointAt = (event: PointerEvent) => {
    const found = cellAt(frame, event.offsetX, event.offsetY);
    const { row, column } = cell.peek() ?? {};
    if (found?.row === row && found?.column === column) return;
    cell.value = found;
    ui.hoverToken.value = found
      ? ui.focusAs.peek() === "source"
        ? found.column
        : found.row
      : null;
  };
  const leave = () => {
    cell.value = null;
    ui.hoverToken.value = null;
  };
  const lock = () => {
    const token = ui.hoverToken.peek();
    if (token !== null) ui.lockToken.value = ui.lockToken.peek() === token ? null : token;
  };
  return (
    <div class="pattern" ref={ref}>
      <canvas
        ref={canvas}
        data-testid="pattern-canvas"
        role="img"
        aria-label="Attention pattern; the text below it gives the same weights"
        onPointerMove={pointAt}
        onPointerLeave={leave}
        onClick={lock}
      />
      <Readout patterns={patterns} cell={cell.value} scale={scale} />
    </div>
  );
}

/** The exact weight of the cell pointed at; else the scale. */
function Readout({ patterns, cell, scale }: Omit<Props, "shown"> & { cell: Cell | null }) {
  const { ui, kernel } = useBoard();
  const { size } = patterns.now;
  const tokens = kernel.tokens.value;
  if (!cell) {
    const [low, high] = scale.domain;
    const name = ui.valueWeighted.value ? "share of the largest weight × ‖v‖" : "attention";
    return (
      <div class="readout" data-testid="pattern-readout">
        <span class="readout-scale">
          <i>{scale.signed ? signed(low) : "0"}</i>
          <span style={{ background: gradient(scale) }} />
          <i>{scale.signed ? signed(high) : "1"}</i>
        </span>
        <span class="faint">{scale.signed ? "now minus baseline" : name}; row looks at column</span>
      </div>
    );
  }
  const at = cell.row * size + cell.column;
  const [now, base] = [patterns.now.data[at] ?? 0, patterns.baseline.data[at] ?? 0];
  const name = (index: number) => showToken(tokens[index]?.text ?? "");
  return (
    <div class="readout" data-testid="pattern-readout">
      <span class="readout-pair">
        <code>{name(cell.row)}</code>
        <sub>{cell.row}</sub> looks at <code>{name(cell.column)}</code>
        <sub>{cell.column}</sub>
      </span>
      <span class="readout-value">
        {format(base, 4)} <span class="arrow">→</span> <b>{format(now, 4)}</b>
      </span>
    </div>
  );
}
