import { largest, signedScale, unsignedScale } from "../../draw/colour";
import { format, signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { TokenGradientsInfo, TokenGradientsView } from "../../wire/types";
import { Legend as Colours } from "../shared/Legend";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { endsOf, onSide } from "../shared/sides";
import { TokenValues } from "../shared/TokenValues";
import { useHeld } from "../shared/useHeld";
import { AuditBox } from "./AuditBox";
import { Legend, SourceChoice, StepsChoice } from "./Controls";
import { Picked } from "./Picked";
import { gradientState, selectedPath, tokenView } from "./state";

const WHAT = [
  { value: "dot", label: "gradient × embedding" },
  { value: "norm", label: "gradient norm" },
  { value: "integrated", label: "integrated gradients" },
] as const;

/** One number for each token. */
export function TokensSection() {
  const board = useBoard();
  const view = tokenView(board);
  const { picture, stale } = useHeld(board.kernel.picture(view).value);
  const state = gradientState(board);
  const info = infoOf(picture, "token-gradients");
  const ends = endsOf(picture, "values");
  const side = view.what === "integrated" ? "now" : state.side.value;
  const values = onSide(ends, side);
  const palette = PALETTES[board.ui.theme.value];
  const isSigned = view.what !== "norm" || side === "difference";
  const most = side === "difference" ? largest(values) : largest(ends.now, ends.baseline);
  const scale = isSigned ? signedScale(palette, most) : unsignedScale(palette.norm, most);
  const show = (value: number) => (isSigned ? signed(value, 4) : format(value, 4));
  const focus = board.position.value;
  return (
    <>
      <div class="row">
        <Segmented label="Which number" name="gradients-tokens" options={WHAT} value={state.what} />
        {view.what === "integrated" && <PathControls />}
      </div>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {info && <Legend {...words(view)} python={info.python} />}
      {values.length > 0 && (
        <div class="gradient-tokens" data-stale={stale}>
          <div class="row">
            <Colours scale={scale} />
            <span class="grow" />
            <span class="pair" data-testid="gradients-value">
              {view.what === "integrated" ? (
                <b>{show(values[focus] ?? Number.NaN)}</b>
              ) : (
                <>
                  {show(ends.baseline[focus] ?? Number.NaN)} <span class="arrow">→</span>{" "}
                  <b>{show(ends.now[focus] ?? Number.NaN)}</b>
                </>
              )}
            </span>
          </div>
          <TokenValues
            name="gradients"
            what={`${WHAT.find(({ value }) => value === view.what)?.label} at each token`}
            ends={ends}
            side={side}
            scale={scale}
            show={show}
          />
          {view.what !== "norm" && (
            <Picked
              address={`${view.at.split("@")[0]}@${focus}`}
              estimate={(side === "baseline" ? ends.baseline : ends.now)[focus] ?? Number.NaN}
            />
          )}
          {info?.gap !== null && info && <Completeness info={info} />}
        </div>
      )}
      {info && values.length === 0 && !picture?.problem && <p class="empty">Being computed.</p>}
      <AuditBox exact="exact: one token's place changed alone" whole />
    </>
  );
}

function PathControls() {
  const board = useBoard();
  const { through, pathSteps } = gradientState(board);
  const chosen = selectedPath(board);
  const options = [
    { value: "embed", label: "inputs" },
    { value: "selected", label: chosen ?? "select a part" },
  ] as const;
  return (
    <>
      <Segmented
        label="What the path leads through"
        name="gradients-through"
        options={options}
        value={through}
      />
      <SourceChoice />
      <StepsChoice value={pathSteps} name="gradients-steps" />
    </>
  );
}

/** Whether the attributions add up to what they should. */
function Completeness({ info }: { info: TokenGradientsInfo }) {
  const moved = (info.end ?? 0) - (info.start ?? 0);
  const share = Math.abs(moved) > 1e-9 ? Math.abs((info.gap ?? 0) / moved) : Number.NaN;
  return (
    <dl class="completeness" data-testid="gradients-completeness" data-gap={info.gap}>
      <dt>metric at the ends of the path</dt>
      <dd>
        {signed(info.start, 4)} <span class="arrow">→</span> {signed(info.end, 4)}: difference{" "}
        <b>{signed(moved, 4)}</b>
      </dd>
      <dt>sum of the attributions</dt>
      <dd>
        <b>{signed(info.total, 4)}</b>
      </dd>
      <dt title="The error of taking the mean over so many points">completeness gap</dt>
      <dd>
        <b>{signed(info.gap, 5)}</b>
        {Number.isFinite(share) && <span class="faint"> {(100 * share).toFixed(2)}%</span>}
      </dd>
    </dl>
  );
}

function words(view: TokenGradientsView): { formula: string; words: string } {
  if (view.what === "norm") {
    return {
      formula: "‖∂m/∂x‖",
      words:
        "how steep the metric m is at the token's embedding x. It has no sign, and estimates nothing.",
    };
  }
  if (view.what === "dot") {
    return {
      formula: "x · ∂m/∂x",
      words:
        "an estimate of what the metric m loses when the token's embedding x is set to zero. The tokens need not add up to the metric.",
    };
  }
  const place = view.at === "embed" ? "the token's embedding" : view.at;
  const run = view.direction === "noising" ? "the prompt runs" : "the contrast prompt runs";
  const ends = view.contrast
    ? view.direction === "noising"
      ? "from the prompt to the contrast prompt"
      : "from the contrast prompt to the prompt"
    : "from zero to the prompt";
  return {
    formula: "(x − x′) · mean of ∂m/∂x on the way",
    words: `x is ${place}, taken ${ends} while ${view.contrast ? run : "the rest of the prompt stays"}; ${view.steps} midpoints. Exact in sum but for the gap; for one token an estimate.`,
  };
}
