import { format, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { ModelInfo, WaterfallInfo } from "../../wire/types";
import { ComponentBars, ORDERS } from "../shared/ComponentBars";
import { ProblemNote } from "../shared/Problem";
import { Segmented, Sides } from "../shared/Segmented";
import { floats } from "../shared/sides";
import { useHeld } from "../shared/useHeld";
import { logitsState, waterfallView } from "./state";

/** From the embedding to the metric, part by part. */
export function Attribution({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const { side, order } = logitsState(board);
  const { picture, stale } = useHeld(board.kernel.picture(waterfallView).value);
  const info = infoOf(picture, "waterfall");
  const last = board.kernel.tokens.value.length - 1;
  return (
    <>
      <div class="row">
        <Sides name="logits-side" value={side} />
        <Segmented label="Order of the parts" name="logits-order" options={ORDERS} value={order} />
      </div>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {board.position.value !== last && (
        <p class="note" data-testid="waterfall-elsewhere">
          You look at position {board.position.value}; the metric is that of the last one, {last}.
        </p>
      )}
      {info && info.components.length > 0 && (
        <div data-stale={stale || !info.ready}>
          <ComponentBars
            name="waterfall"
            label="What each part adds to the metric"
            components={info.components}
            now={floats(picture, "values_now")}
            base={floats(picture, "values_base")}
            side={side.value}
            order={order.value}
            running
          />
          <Sum picture={picture} info={info} />
        </div>
      )}
      {info && <p class="note">{treatment(info, model, picture)}</p>}
    </>
  );
}

/** What was done about the norms, in words. */
function treatment(info: WaterfallInfo, model: ModelInfo, picture: Picture | null): string {
  const [now = 0, base = 0] = ["now", "base"].map((end) => floats(picture, `ends_${end}`)[2] ?? 0);
  const scale = `its scale of each run (baseline ${format(base, 3)}, now ${format(now, 3)})`;
  const norms = {
    LN: `Direct effects: each part's vector has its mean removed and is divided by the final LayerNorm's standard deviation, held at ${scale}; gain folded in.`,
    RMS: `Direct effects: each part's vector is divided by the final RMSNorm's root mean square, held at ${scale}; gain folded in.`,
    none: "Direct effects: this model has no final norm.",
  };
  const parts = [norms[model.norm]];
  if (info.post_norm) {
    parts.push("The norms after attention and MLP are held at their scales of this run too.");
  }
  if (info.softcap) {
    parts.push(
      `The parts add up before the logit soft-cap of ${info.softcap}; its effect is the step after them.`,
    );
  }
  if (info.reached === "log-probability") {
    parts.push("Without a foil the last step turns the target's logit into its log-probability.");
  }
  if (info.metric === "probability") {
    parts.push("The metric is the probability, exp of this sum.");
  }
  return parts.join(" ");
}

/** The exact sum, what the model gives, and what lies between. */
function Sum({ picture, info }: { picture: Picture | null; info: WaterfallInfo }) {
  const total = (end: string) => floats(picture, `values_${end}`).reduce((a, b) => a + b, 0);
  const [now, base] = [floats(picture, "ends_now"), floats(picture, "ends_base")];
  return (
    <p class="sum" data-testid="waterfall-sum" data-now={total("now")} data-base={total("base")}>
      sum {signed(total("base"), 4)} → <b>{signed(total("now"), 4)}</b>; the model's own{" "}
      {info.reached} {signed(base[0], 4)} → <b>{signed(now[0], 4)}</b>; missing{" "}
      {Math.abs(base[1] ?? 0).toExponential(1)} → {Math.abs(now[1] ?? 0).toExponential(1)}
    </p>
  );
}
