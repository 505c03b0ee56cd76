import { gradient, type Scale } from "../../draw/colour";
import { format, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { HeadValue, HeadView } from "../../wire/types";
import { showToken } from "../shared/token";
import type { Cell } from "./paint";
import { settings } from "./state";
import { knownLine } from "./useLine";
import { cellOf, type HeadPatterns, type Pattern } from "./weights";

const NAMES: Readonly<Record<HeadValue, string>> = {
  pattern: "attention",
  weighted: "attention × ‖v‖",
  scores: "score before the softmax",
  attribution: "logits that a source adds",
};

interface Props {
  view: HeadView;
  patterns: HeadPatterns;
  shown: Pattern;
  cell: Cell | null;
  scale: Scale;
  strips: ArrayLike<number> | null;
}

/** The exact values of the cell pointed at; else what the colours mean. */
export function Readout(props: Props) {
  const { cell } = props;
  return (
    <div class="readout" data-testid="pattern-readout" aria-live="polite">
      {cell ? <CellValues {...props} cell={cell} /> : <Legend {...props} />}
    </div>
  );
}

function Legend({ view, patterns, scale }: Props) {
  const { ui } = useBoard();
  const [low, high] = scale.domain;
  const show = scale.signed ? signed : format;
  const range = ui.headSide.value === "baseline" ? patterns.info?.base : patterns.info?.now;
  const total = view.value === "attribution" ? range?.total : null;
  const difference = ui.headSide.value === "difference";
  return (
    <>
      <span class="readout-scale">
        <i>{low === 0 ? "0" : show(low)}</i>
        <span style={{ background: gradient(scale) }} />
        <i>{show(high)}</i>
      </span>
      <span class="faint">
        {NAMES[view.value]}
        {difference && ", now minus baseline"}
        {view.skip_first && ", without the first source"}; row looks at column
      </span>
      {typeof total === "number" && !difference && (
        <span class="faint" data-testid="attribution-total">
          last row sums to {signed(total, 4)}
          {Math.abs(range?.rest ?? 0) > 1e-6 && `, ${signed(range?.rest, 4)} of it from no source`}
        </span>
      )}
    </>
  );
}

function CellValues({ view, patterns, shown, cell, strips }: Props & { cell: Cell }) {
  const board = useBoard();
  const { ui, kernel } = board;
  const { size } = shown;
  const editing = settings(board).editing.value;
  const tokens = kernel.tokens.value;
  const name = (index: number) => showToken(tokens[index]?.text ?? "");
  const at = cell.row * size + cell.column;
  const token = ui.focusAs.value === "source" ? cell.column : cell.row;
  const line = editing ? null : knownLine(board, view, token);
  const exact = line && cellOf(line, cell.row, cell.column);
  const near = { now: patterns.now.data[at], baseline: patterns.baseline.data[at] };
  const { now, baseline } = exact ?? near;
  const digits = exact ? 4 : 2;
  return (
    <>
      <span class="readout-pair">
        <code>{name(cell.row)}</code>
        <sub>{cell.row}</sub> looks at <code>{name(cell.column)}</code>
        <sub>{cell.column}</sub>
      </span>
      <span class="readout-value" data-exact={exact !== null}>
        {!exact && "≈ "}
        {format(baseline, digits)} <span class="arrow">→</span> <b>{format(now, digits)}</b>
        {editing && ` ⇒ ${format(shown.data[at], 2)}`}
      </span>
      {strips && (
        <span class="faint readout-more">
          now: <code>{name(cell.row)}</code> looks with entropy {format(strips[cell.row])} nats;{" "}
          <code>{name(cell.column)}</code> receives {format(strips[size + cell.column])} in all
        </span>
      )}
    </>
  );
}
