import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import { EDITS } from "./place";

/** Takes what a neuron writes out of the model's weights, and gives it back. */
export function ZeroNeuron({ address }: { address: string }) {
  const board = useBoard();
  const edits = infoOf(board.kernel.picture(EDITS).value, "weight-edits");
  const zeroed = edits?.neurons.includes(address) ?? false;
  return (
    <button
      type="button"
      class="action"
      data-testid="zero-neuron"
      aria-pressed={zeroed}
      disabled={!board.kernel.live.value}
      title="Sets this neuron's row of W_out to zero in the model's weights; again gives it back"
      onClick={() => board.editWeights({ neuron: address, back: zeroed })}
    >
      Zero its row of W_out
    </button>
  );
}
