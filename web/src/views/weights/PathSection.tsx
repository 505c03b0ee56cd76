import { format } from "../../draw/number";
import { isHead } from "../../state/address";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { View, WeightPathInfo } from "../../wire/types";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { useHeld } from "../shared/useHeld";
import { Ends } from "./Directions";
import { PairLists } from "./PairLists";
import { pathParts, pathView, type Slot, weightsState } from "./place";

const SLOTS: readonly { value: Slot; label: string }[] = [
  { value: "q", label: "by its queries" },
  { value: "k", label: "by its keys" },
  { value: "v", label: "by its values" },
];
const AXES: Readonly<Record<string, string>> = {
  reads: "token moved",
  writes: "logit",
  query: "query token",
  key: "key token",
  neurons: "neuron",
};

/** Virtual weights along the selected parts. */
export function PathSection() {
  const board = useBoard();
  const view = pathView(board);
  if (!view) {
    return (
      <p class="empty">
        Shift-click a second part on the map: the product of what one writes with what the other
        reads is shown here.
      </p>
    );
  }
  return <OnePath view={view} parts={pathParts(board.selection.value)} />;
}

function OnePath({ view, parts }: { view: View; parts: readonly string[] }) {
  const board = useBoard();
  const { slot } = weightsState(board);
  const { picture, stale } = useHeld(board.kernel.picture(view).value);
  const info = infoOf(picture, "weight-path");
  return (
    <>
      <div class="row">
        <b class="mono">{parts.join(" → ")}</b>
        {isHead(parts[parts.length - 1] ?? "") && (
          <Segmented
            label="How the last head reads"
            name="weights-slot"
            options={SLOTS}
            value={slot}
          />
        )}
      </div>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {!picture && <p class="empty">Waiting for the model.</p>}
      {info && (
        <div data-stale={stale}>
          <Found info={info} />
        </div>
      )}
    </>
  );
}

function Found({ info }: { info: WeightPathInfo }) {
  const [first = "", last = ""] = info.axes;
  return (
    <>
      <p class="note" data-testid="path-relative">
        The product's norm is <b>{format(info.relative, 3)}</b> × that of parts turned at random
        against each other
        {info.relative_loaded === null
          ? ` (Frobenius norm ${format(info.norm, 3)})`
          : ` now, ${format(info.relative_loaded, 3)} × as loaded; the Frobenius norm of the difference, of which all below is, is ${format(info.norm, 3)}`}
        . Attention's weights, norms' scales and biases are left out.
      </p>
      {info.total > 0 && (
        <PairLists
          title="Tokens at the two ends"
          axes={[AXES[first] ?? first, AXES[last] ?? last]}
          high={info.high}
          low={info.low}
          done={info.done}
          total={info.total}
        />
      )}
      <h3>Directions</h3>
      <ol class="directions-list" data-testid="path-directions">
        {info.directions.map(({ value, start, end }, i) => (
          <li key={i}>
            <div class="direction-line">
              <b>{i}</b>
              <span class="pair">σ {format(value, 3)}</span>
            </div>
            {start && <Ends name={AXES[first] ?? first} words={start} />}
            {end && <Ends name={AXES[last] ?? last} words={end} />}
          </li>
        ))}
      </ol>
    </>
  );
}
