import { largest, signedScale } from "../../draw/colour";
import { compact, signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { ModelInfo } from "../../wire/types";
import { GridCanvas } from "../shared/GridCanvas";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { floats } from "../shared/sides";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";
import { Eigenvalues } from "./Eigenvalues";
import { PairLists } from "./PairLists";
import { type Circuit, matrixView, type Part, pairsView, weightsState } from "./place";

type Head = Extract<Part, { kind: "head" }>;

const CIRCUITS: readonly { value: Circuit; label: string }[] = [
  { value: "ov", label: "OV" },
  { value: "qk", label: "QK" },
];
const ABOUT = {
  ov: "What the head adds to the logit of each column's token where it attends to the row's token with weight 1: W_E W_V W_O W_U.",
  qk: "How strongly the row's token as the query attends to the column's token as the key, before the softmax: W_E W_Q W_Kᵀ W_Eᵀ.",
};

/** The two circuits of a head: over chosen tokens, and what stands out in the whole vocabulary. */
export function Circuits({ part, model }: { part: Head; model: ModelInfo }) {
  const board = useBoard();
  const { circuit } = weightsState(board);
  return (
    <>
      <div class="row">
        <Segmented
          label="Which circuit"
          name="weights-circuit"
          options={CIRCUITS}
          value={circuit}
        />
        {circuit.value === "qk" && model.positional === "rotary" && <Distance most={model.n_ctx} />}
        <TokensInput />
      </div>
      <p class="note">{ABOUT[circuit.value]}</p>
      <Matrix part={part} />
      <Vocabulary part={part} model={model} />
    </>
  );
}

/** Rotary scores depend on how far back the key lies. */
function Distance({ most }: { most: number }) {
  const { offset } = weightsState(useBoard());
  return (
    <label class="label" title="Positions are rotary: scores depend on how far back the key lies">
      key{" "}
      <input
        class="field is-number"
        type="number"
        min={0}
        max={most - 1}
        step={1}
        value={offset.value}
        data-testid="weights-offset"
        onChange={(event) => {
          const given = Math.round(Number(event.currentTarget.value));
          offset.value = Math.max(0, Math.min(most - 1, Number.isFinite(given) ? given : 0));
        }}
      />{" "}
      tokens back
    </label>
  );
}

function TokensInput() {
  const board = useBoard();
  const { text } = weightsState(board);
  return (
    <input
      class="field weights-text"
      type="text"
      placeholder="over the prompt's tokens; or type others"
      aria-label="Text whose tokens the matrix is over; the prompt's where empty"
      data-testid="weights-text"
      disabled={!board.kernel.live.value}
      value={text.value}
      onChange={(event) => {
        text.value = event.currentTarget.value;
      }}
    />
  );
}

function Matrix({ part }: { part: Head }) {
  const board = useBoard();
  const view = matrixView(board, part);
  const { picture, stale } = useHeld(board.kernel.picture(view).value);
  const info = infoOf(picture, "weight-matrix");
  if (picture?.problem) return <ProblemNote problem={picture.problem} />;
  if (!picture || !info) return <p class="empty">Waiting for the model.</p>;
  const cells = floats(picture, "cells");
  const names = info.tokens.map(showToken);
  const most = largest(cells);
  const at = (row: number, column: number) => cells[row * names.length + column];
  const [row, column] =
    weightsState(board).circuit.value === "ov" ? ["attends to", "logit of"] : ["query", "key"];
  return (
    <div data-stale={stale}>
      <GridCanvas
        name="weight-matrix"
        label={`${row} each row, ${column} each column`}
        rowNames={names}
        columnNames={names}
        data={cells}
        scale={signedScale(PALETTES[board.ui.theme.value], most)}
        legend={[compact(-most), compact(most), `rows: ${row}; columns: ${column}`]}
        describe={(r, c) => (
          <span data-testid="weight-cell" data-value={at(r, c)}>
            {row} <code>{names[r]}</code>, {column} <code>{names[c]}</code>:{" "}
            <b>{signed(at(r, c), 4)}</b>
          </span>
        )}
        left={72}
        maxHeight={410}
      />
      <p class="note" data-testid="weights-notes">
        {info.notes.join("; ")}.
        {info.group.length > 1 &&
          ` ${info.group.join(", ")} share their keys and values (grouped).`}
      </p>
    </div>
  );
}

function Vocabulary({ part, model }: { part: Head; model: ModelInfo }) {
  const board = useBoard();
  const { picture, stale } = useHeld(board.kernel.picture(pairsView(board, part)).value);
  const info = infoOf(picture, "weight-pairs");
  if (picture?.problem) return <ProblemNote problem={picture.problem} />;
  if (!picture || !info) return null;
  const ov = weightsState(board).circuit.value === "ov";
  const names = ov ? (["attends to", "logit"] as const) : (["query", "key"] as const);
  return (
    <div class="weights-vocabulary" data-stale={stale}>
      <PairLists
        title={`Over all ${model.d_vocab.toLocaleString("en")}² pairs of tokens`}
        axes={names}
        high={info.high}
        low={info.low}
        done={info.done}
        total={info.total}
      />
      {ov && (
        <Eigenvalues
          values={floats(picture, "eigenvalues")}
          copying={info.copying}
          loaded={
            info.copying_loaded === null
              ? null
              : { values: floats(picture, "eigenvalues_loaded"), copying: info.copying_loaded }
          }
        />
      )}
    </div>
  );
}
