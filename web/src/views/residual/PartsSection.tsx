import { format, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { DecompositionInfo, ModelInfo } from "../../wire/types";
import { ComponentBars, ORDERS } from "../shared/ComponentBars";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { floats } from "../shared/sides";
import { useHeld } from "../shared/useHeld";
import { DirectionSelect } from "./DirectionSelect";
import { partsView, residualState } from "./state";

/** A residual as the sum of what each part wrote. */
export function PartsSection({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const state = residualState(board);
  const { picture, stale } = useHeld(board.kernel.picture(partsView(board, model)).value);
  const info = infoOf(picture, "decomposition");
  return (
    <>
      <div class="row">
        <DirectionSelect model={model} />
        <Segmented
          label="Order of the parts"
          name="parts-order"
          options={ORDERS}
          value={state.order}
        />
      </div>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {info && info.components.length > 0 && (
        <div data-stale={stale || !info.ready}>
          <ComponentBars
            name="decomposition"
            label="What each part adds to the residual"
            components={info.components}
            now={floats(picture, "values_now")}
            base={floats(picture, "values_base")}
            side={state.side.value}
            order={state.order.value}
            running={false}
            columns={[
              {
                name: "‖·‖",
                now: floats(picture, "norms_now"),
                base: floats(picture, "norms_base"),
              },
              {
                name: "cos",
                now: floats(picture, "cosines_now"),
                base: floats(picture, "cosines_base"),
              },
            ]}
          />
          <Sum picture={picture} info={info} />
        </div>
      )}
      <p class="note">
        ‖·‖ is the length of what a part adds, cos its cosine with the residual.{" "}
        {about(state.direction.value, model)}
      </p>
    </>
  );
}

function about(direction: string, model: ModelInfo): string {
  if (direction === "metric") {
    const norm = { LN: "LayerNorm", RMS: "RMSNorm", none: "" }[model.norm];
    return norm
      ? `Bars are in logits: each part through the final ${norm} at its scale of this run at this position, on target minus foil.`
      : "Bars are in logits: each part on target minus foil; this model has no final norm.";
  }
  if (direction === "self") {
    return "Bars are shares of the residual's squared length; they sum to 1.";
  }
  return "Bars are lengths along the direction, which has length 1.";
}

/** The exact sum, and what it misses. */
function Sum({ picture, info }: { picture: Picture | null; info: DecompositionInfo }) {
  const { side } = residualState(useBoard());
  const end = side.value === "baseline" ? "base" : "now";
  const values = floats(picture, `values_${end}`);
  const [total = 0, constant = 0, missing = 0, length = 0] = floats(picture, `ends_${end}`);
  const sum = values.reduce((a, b) => a + b, 0);
  return (
    <p class="sum" data-testid="decomposition-sum" data-sum={sum} data-total={total}>
      {side.value === "difference" && "now: "}
      sum of {info.components.length} parts <b>{signed(sum, 4)}</b>, the residual itself{" "}
      <b>{signed(total, 4)}</b>
      {info.unit === "logits" && <> (biases add {signed(constant, 4)})</>}; length{" "}
      {format(length, 3)}, the sum misses a vector of length {missing.toExponential(1)}
    </p>
  );
}
