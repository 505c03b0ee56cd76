import { largest, signedScale } from "../../draw/colour";
import { signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { ModelInfo, PartGradientsView } from "../../wire/types";
import { GridCanvas } from "../shared/GridCanvas";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { endsOf, onSide } from "../shared/sides";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";
import { AuditBox } from "./AuditBox";
import { Legend, SourceChoice } from "./Controls";
import { Picked } from "./Picked";
import { upwards } from "./rows";
import { gradientState, partView } from "./state";

const OVER = [
  { value: "resid_pre", label: "Residual" },
  { value: "attn", label: "Attention" },
  { value: "mlp", label: "MLP" },
  { value: "head", label: "Heads" },
] as const;

/** Attribution patching of every layer and position, or of every head. */
export function PartsSection({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const state = gradientState(board);
  const view = partView(board);
  const { picture, stale } = useHeld(board.kernel.picture(view).value);
  const info = infoOf(picture, "part-gradients");
  const options = model.attn_only ? OVER.filter(({ value }) => value !== "mlp") : OVER;
  return (
    <>
      <div class="row">
        <Segmented label="Which parts" name="gradients-over" options={options} value={state.over} />
        <SourceChoice />
      </div>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {info && <Legend {...words(view)} python={info.python} />}
      {info && (
        <div data-stale={stale}>
          <PartsGrid picture={picture} />
          <p class="faint gradient-start">
            Metric of the run that is patched: {signed(info.start_base, 4)}{" "}
            <span class="arrow">→</span> {signed(info.start_now, 4)} now.
          </p>
        </div>
      )}
      <AuditBox exact="exact: the place patched alone" />
    </>
  );
}

function PartsGrid({ picture }: { picture: Picture | null }) {
  const board = useBoard();
  const { cell, ...state } = gradientState(board);
  const side = state.side.value;
  const ends = endsOf(picture, "scores");
  const { now, baseline } = ends;
  const data = onSide(ends, side);
  // The picture before this one may be of other parts.
  const what = picture?.view.kind === "part-gradients" ? picture.view.what : "resid_pre";
  const heads = what === "head";
  const [layers = 0, width = 0] = picture?.grids.scores_now?.shape ?? [];
  const tokens = board.kernel.tokens.value;
  const columns = Array.from({ length: width }, (_, i) =>
    heads ? `H${i}` : showToken(tokens[i]?.text ?? ""),
  );
  const rows = Array.from({ length: layers }, (_, i) => `L${layers - 1 - i}`);
  const scale = signedScale(PALETTES[board.ui.theme.value], largest(data));
  const at = (row: number, column: number) => (layers - 1 - row) * width + column;
  const place = (row: number) => `L${layers - 1 - row}`;
  const address = (row: number, column: number) =>
    heads ? `${place(row)}H${column}` : `${place(row)}.${what}@${column}`;
  const pick = (row: number, column: number) => {
    cell.value = address(row, column);
    if (heads) void board.select([`${place(row)}H${column}`]);
    else void board.select([`${place(row)}.${what}`], column);
  };
  const index = (text: string) => {
    const found = /^L(\d+)(?:H(\d+)|\.(\w+)@(\d+))$/.exec(text);
    if (!found || (heads ? !found[2] : found[3] !== what)) return -1;
    return Number(found[1]) * width + Number(found[2] ?? found[4]);
  };
  const meaning = `estimated change of the metric${side === "difference" ? ", now minus baseline" : ""}`;
  const picked = index(cell.value);
  return (
    <>
      <GridCanvas
        name="gradients-grid"
        label="Estimated effect of patching each place"
        rowNames={rows}
        columnNames={columns}
        data={upwards(data, width || 1)}
        scale={scale}
        legend={[signed(scale.domain[0]), signed(scale.domain[1]), meaning]}
        left={34}
        maxHeight={340}
        selected={{ row: null, column: heads ? null : board.position.value }}
        pick={pick}
        describe={(row, column) => (
          <>
            <code>{address(row, column)}</code>
            <span class="readout-value">
              {signed(baseline[at(row, column)], 4)} <span class="arrow">→</span>{" "}
              <b>{signed(now[at(row, column)], 4)}</b>
            </span>
          </>
        )}
      />
      {picked >= 0 && picked < now.length && (
        <Picked
          address={cell.value}
          estimate={(side === "baseline" ? baseline : now)[picked] ?? Number.NaN}
        />
      )}
    </>
  );
}

function words({ what, contrast, direction }: PartGradientsView) {
  const place = what === "head" ? "head" : "place";
  const across = what === "head" ? ", summed over positions" : "";
  if (!contrast) {
    return {
      formula: "−a · ∂m/∂a",
      words: `an estimate of the change of the metric m when the ${place}'s value a is set to zero${across}.`,
    };
  }
  if (direction === "noising") {
    return {
      formula: "(a′ − a) · ∂m/∂a",
      words: `an estimate of the change of the prompt's metric m when the ${place} is patched to its value a′ on the contrast prompt${across}. Gradient at the prompt.`,
    };
  }
  return {
    formula: "(a − a′) · ∂m/∂a′",
    words: `an estimate of the change of the contrast prompt's metric m when the ${place} is patched to its value a on the prompt${across}. Gradient at the contrast prompt.`,
  };
}
