import { format } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { CircuitInfo } from "../../wire/types";
import { Segmented } from "../shared/Segmented";
import { circuitSettings, type Share } from "./state";

/** How the circuit and a second one overlap, and which of their edges are shown. */
export function Comparison({ info }: { info: CircuitInfo }) {
  const board = useBoard();
  const { share } = circuitSettings(board);
  if (!info.other) return null;
  const options: { value: Share; label: string }[] = [
    { value: "all", label: "All" },
    { value: "both", label: `Both ${info.both}` },
    { value: "first", label: `First only ${info.kept - info.both}` },
    { value: "second", label: `Second only ${info.other_size - info.both}` },
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
      <Segmented
        label="Which edges are shown"
        name="circuit-share"
        options={options}
        value={share}
      />
    </section>
  );
}
