import { format } from "../../draw/number";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { ModelInfo, PatchingInfo } from "../../wire/types";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { floats } from "../shared/sides";
import { Toggle } from "../shared/Toggle";
import { useHeld } from "../shared/useHeld";
import { CellTable } from "./CellTable";
import { PatchGrid } from "./PatchGrid";
import { PinBar } from "./PinBar";
import {
  measured,
  type PatchingState,
  type PatchOver,
  patchingState,
  patchingView,
  selectedLayer,
} from "./state";

const OVER: readonly { value: PatchOver; label: string }[] = [
  { value: "resid_pre", label: "Residual stream × token" },
  { value: "attn", label: "Attention × token" },
  { value: "mlp", label: "MLP × token" },
  { value: "head", label: "Heads, all tokens" },
  { value: "head position", label: "Heads × token" },
  { value: "q", label: "Queries, all tokens" },
  { value: "k", label: "Keys, all tokens" },
  { value: "v", label: "Values, all tokens" },
  { value: "pattern", label: "Patterns" },
  { value: "neuron", label: "Neurons of a layer" },
];
const DIRECTIONS = [
  { value: "noising", label: "Noising" },
  { value: "denoising", label: "Denoising" },
] as const;
const SHOWN = [
  { value: "share", label: "Share" },
  { value: "change", label: "Change" },
] as const;

/** Activation patching between the prompt and the contrast prompt. */
export function PatchingView({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const state = patchingState(board);
  const view = patchingView(board);
  const { picture, stale } = useHeld(board.kernel.picture(view).value);
  const info = infoOf(picture, "patching");
  if (!board.kernel.contrast.value) return <NoContrast />;
  const values = info ? measured(floats(picture, "patched"), info, state.shown.value) : null;
  return (
    <section class="patching" data-testid="patching-view" aria-label="Activation patching">
      <Options state={state} model={model} />
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {info && values && (
        <div class="patching-body" data-stale={stale}>
          <Runs info={info} />
          {info.columns === "neuron" ? (
            <CellTable info={info} values={values} most={64} />
          ) : (
            <>
              <PatchGrid info={info} values={values} />
              <PinBar info={info} values={values} />
              <div class="row">
                <Toggle
                  name="patching-table"
                  label="Table"
                  title="The cells of the largest change, in numbers"
                  on={state.table}
                />
              </div>
              {state.table.value && <CellTable info={info} values={values} most={40} />}
            </>
          )}
        </div>
      )}
    </section>
  );
}

function NoContrast() {
  return (
    <section class="patching" data-testid="patching-view" aria-label="Activation patching">
      <p class="empty">
        Patching takes values from a second prompt: give a contrast prompt below the prompt, best
        one of the same length that differs in a token.
      </p>
    </section>
  );
}

function Options({ state, model }: { state: PatchingState; model: ModelInfo }) {
  const board = useBoard();
  const { over, direction, shown, every } = state;
  const options = OVER.filter(
    ({ value }) => !model.attn_only || (value !== "mlp" && value !== "neuron"),
  );
  return (
    <div class="row patching-options">
      <select
        class="select"
        data-testid="patching-over"
        aria-label="What is patched"
        value={over.value}
        onChange={(event) => {
          over.value = event.currentTarget.value as PatchOver;
        }}
      >
        {options.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      {over.value === "head position" && (
        <Toggle
          name="patching-every"
          label="All layers"
          title={`All layers, not layer ${selectedLayer(board)} alone`}
          on={every}
        />
      )}
      <Segmented
        label="Which run is patched"
        name="patching"
        options={DIRECTIONS}
        value={direction}
      />
      <Segmented label="What the numbers are" name="patching" options={SHOWN} value={shown} />
    </div>
  );
}

/** Which run is patched from which, and how far the grid has got. */
function Runs({ info }: { info: PatchingInfo }) {
  const noising = info.direction === "noising";
  const [run, source] = noising ? ["prompt", "contrast prompt"] : ["contrast prompt", "prompt"];
  const total = info.places.length;
  const left = info.done < total;
  return (
    <p class="note" data-testid="patching-runs">
      Runs the {run} (<b>{format(info.run)}</b>), each place patched from the {source} (
      <b>{format(info.source)}</b>); your interventions are left out.{" "}
      {info.columns === "neuron" && info.whole > 0 && (
        <>
          The {total} of {info.whole} neurons in {info.rows[0]} with the largest estimate by
          gradient, each patched.{" "}
        </>
      )}
      {left && (
        <span class="faint" data-testid="patching-progress">
          {info.done} of {total} done.
        </span>
      )}
    </p>
  );
}
