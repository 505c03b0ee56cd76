import { format } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { CircuitInfo } from "../../wire/types";
import { Segmented } from "../shared/Segmented";
import { Matches, Roles } from "./Roles";
import { circuitSettings, type Share } from "./state";

const BY: Record<string, string> = {
  parts: "parts matched by hand",
  behaviour: "parts matched by what was measured of them",
};

/** How the circuit and a second one overlap, and which of their edges are shown. */
export function Comparison({ info }: { info: CircuitInfo }) {
  const board = useBoard();
  const { share } = circuitSettings(board);
  if (!info.other) return null;
  const foreign = info.by !== "address";
  const alone = foreign ? info.elsewhere.length : info.other_size - info.both;
  const options: { value: Share; label: string }[] = [
    { value: "all", label: "All" },
    { value: "both", label: `Both ${info.both}` },
    { value: "first", label: `First only ${info.kept - info.both}` },
    { value: "second", label: `Second only ${alone}` },
  ];
  return (
    <section class="circuit-compare" data-testid="circuit-compare" aria-label="Second circuit">
      <p>
        <b>{info.other}</b>
        {info.other_task && <span class="faint"> · {info.other_task}</span>}
        <span
          class="circuit-jaccard"
          data-testid="circuit-jaccard"
          data-value={info.jaccard}
          title="Edges of both over edges of either, without what is pruned"
        >
          Jaccard <b>{format(info.jaccard, 3)}</b>
        </span>
        <button
          type="button"
          class="icon"
          data-testid="circuit-separate"
          aria-label="Take the second circuit away"
          title="Take the second circuit away"
          disabled={!board.kernel.live.value}
          onClick={() => void board.editCircuit("separate")}
        >
          ×
        </button>
      </p>
      {info.other_model && (
        <p class="faint" data-testid="circuit-other-model">
          In {info.other_model}
          {BY[info.by] && `: ${BY[info.by]}`}
        </p>
      )}
      <Parts info={info} />
      <Roles info={info} />
      {foreign && <Matches info={info} />}
      <Segmented
        label="Which edges are shown"
        name="circuit-share"
        options={options}
        value={share}
      />
    </section>
  );
}

function Parts({ info }: { info: CircuitInfo }) {
  const [both, first, second] = info.parts;
  return (
    <p data-testid="circuit-parts" class="faint">
      Heads and MLPs: {both} of both, {first} of the first alone, {second} of the second alone
    </p>
  );
}
