import { largest, signedScale } from "../../draw/colour";
import { compact, format, percent, signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { headAddress } from "../../state/address";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { ModelInfo } from "../../wire/types";
import { GridCanvas } from "../shared/GridCanvas";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { floats } from "../shared/sides";
import { Toggle } from "../shared/Toggle";
import { useHeld } from "../shared/useHeld";
import {
  compositionView,
  type Mode,
  overviewView,
  type Part,
  shownSide,
  weightsState,
} from "./place";

type Head = Extract<Part, { kind: "head" }>;

const MODES: readonly { value: Mode; label: string }[] = [
  { value: "Q", label: "Q" },
  { value: "K", label: "K" },
  { value: "V", label: "V" },
];

/** How much of what heads read is what earlier heads write: of one head, or of all pairs. */
export function Composition({ part, model }: { part: Part; model: ModelInfo }) {
  const { mode, all } = weightsState(useBoard());
  const every = part.kind === "mlp" || all.value;
  return (
    <>
      <div class="row">
        <Segmented
          label="By what the later head reads"
          name="weights-mode"
          options={MODES}
          value={mode}
        />
        {part.kind === "head" && (
          <Toggle
            name="weights-all"
            label="All pairs"
            title="Every earlier head with every later one"
            on={all}
          />
        )}
      </div>
      {every ? <Overview model={model} /> : <OneHead part={part as Head} model={model} />}
    </>
  );
}

/** What is subtracted, and what is left out. */
function Note({ random, model }: { random: number | null; model: ModelInfo }) {
  const difference = shownSide(useBoard()) === "difference";
  const less =
    random === null || difference
      ? ""
      : `, less ${format(random, 4)}: what random heads of this shape score`;
  return (
    <p class="note">
      {difference && "Now minus as loaded. "}
      Frobenius norm of the product over the product of the norms
      {less}. Norms' scales are left out.
      {model.positional === "rotary" && " QK without rotation, as at distance 0."}
      {model.n_kv_heads < model.n_heads && " Heads of a group share keys and values."}
    </p>
  );
}

function OneHead({ part, model }: { part: Head; model: ModelInfo }) {
  const board = useBoard();
  const { mode } = weightsState(board);
  const { picture, stale } = useHeld(board.kernel.picture(compositionView(board, part)).value);
  const info = infoOf(picture, "weight-composition");
  if (picture?.problem) return <ProblemNote problem={picture.problem} />;
  if (!picture || !info) return <p class="empty">Waiting for the model.</p>;
  const count = model.n_layers * model.n_heads;
  const row = MODES.findIndex(({ value }) => value === mode.value);
  const scores = floats(picture, "scores");
  const cells = scores.subarray(row * count, (row + 1) * count);
  const most = largest(scores);
  const own = headAddress(part);
  return (
    <div data-stale={stale}>
      <GridCanvas
        name="weight-composition"
        label={`${mode.value}-composition of ${own} with every head, layer by head`}
        rowNames={Array.from({ length: model.n_layers }, (_, i) => `L${i}`)}
        columnNames={Array.from({ length: model.n_heads }, (_, i) => `H${i}`)}
        data={cells}
        scale={signedScale(PALETTES[board.ui.theme.value], most)}
        legend={[
          compact(-most),
          compact(most),
          `earlier layers: what ${own} reads of them; later ones: what they read of it`,
        ]}
        selected={{ row: part.layer, column: null }}
        pick={(layer, head) => {
          const found = headAddress({ layer, head });
          board.layout.from("weights", found);
          void board.select([found]);
        }}
        describe={(layer, head) => {
          const other = headAddress({ layer, head });
          const value = cells[layer * model.n_heads + head] as number;
          const [from, to] = layer < part.layer ? [other, own] : [own, other];
          if (layer === part.layer) return <span>the layer of {own} itself</span>;
          return (
            <span data-testid="composition-cell" data-value={value}>
              {from} → {to}, {mode.value}: <b>{signed(value, 4)}</b>
            </span>
          );
        }}
        maxHeight={360}
      />
      <Note random={info.random} model={model} />
    </div>
  );
}

function Overview({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const { mode } = weightsState(board);
  const { picture, stale } = useHeld(board.kernel.picture(overviewView(board)).value);
  const info = infoOf(picture, "weight-overview");
  if (picture?.problem) return <ProblemNote problem={picture.problem} />;
  if (!picture || !info) return <p class="empty">Waiting for the model.</p>;
  const count = model.n_layers * model.n_heads;
  const names = Array.from({ length: count }, (_, i) =>
    headAddress({ layer: Math.floor(i / model.n_heads), head: i % model.n_heads }),
  );
  const scores = floats(picture, "scores");
  const most = largest(scores);
  const both = (from: string, to: string) => {
    board.layout.from("weights", to);
    void board.select([from, to]);
  };
  return (
    <div data-stale={stale}>
      {info.done < info.total && (
        <p class="faint">Pairs of layers done: {percent(info.done / Math.max(1, info.total))}</p>
      )}
      {scores.length > 0 && (
        <GridCanvas
          name="weight-overview"
          label={`${mode.value}-composition, earlier head by later head`}
          rowNames={names}
          columnNames={names}
          data={scores}
          scale={signedScale(PALETTES[board.ui.theme.value], most)}
          legend={[compact(-most), compact(most), "rows: earlier head; columns: later head"]}
          pick={(row, column) => both(names[row] as string, names[column] as string)}
          describe={(row, column) => (
            <span>
              {names[row]} → {names[column]}, {mode.value}:{" "}
              <b>{signed(scores[row * count + column], 4)}</b>
            </span>
          )}
          maxHeight={360}
        />
      )}
      <h3>{shownSide(board) === "difference" ? "Largest changes" : "Highest"}</h3>
      {info.edges.length === 0 && info.done >= info.total && (
        <p class="faint">No pair scores other than as loaded.</p>
      )}
      <ol class="edges-list" data-testid="weight-edges">
        {info.edges.map(({ earlier, later, score }) => (
          <li key={`${earlier} ${later}`}>
            <button type="button" class="plain" onClick={() => both(earlier, later)}>
              {earlier} → {later} <b>{signed(score, 3)}</b>
            </button>
          </li>
        ))}
      </ol>
      <Note random={info.random} model={model} />
    </div>
  );
}
