import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import { ProblemNote } from "../shared/Problem";
import { useHeld } from "../shared/useHeld";
import { VocabLists } from "../shared/VocabLists";
import { neuronView } from "./place";
import { ZeroNeuron } from "./ZeroNeuron";

/** The selected neuron's weights in words. */
export function Neuron({ address }: { address: string }) {
  const board = useBoard();
  const { picture, stale } = useHeld(board.kernel.picture(neuronView(board, address)).value);
  const info = infoOf(picture, "weight-neuron");
  return (
    <section
      class="weights-neuron"
      data-testid="weights-neuron"
      aria-label={`Weights of ${address}`}
    >
      <header class="section-head">
        <h3>{address}</h3>
        <span class="grow" />
        <ZeroNeuron address={address} />
      </header>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {info && (
        <div class="neuron-words" data-stale={stale}>
          <VocabLists
            title="writes"
            note="Its row of W_out · W_U, the final norm's gain folded in"
            high="promotes"
            low="suppresses"
            words={info.writes}
            testid="weights-neuron-writes"
          />
          <VocabLists
            title={info.multiplies ? "reads, gate" : "reads"}
            note="Its column of the weights before the activation function · W_E, the gain of the norm before folded in"
            high="excited by"
            low="inhibited by"
            words={info.reads}
            testid="weights-neuron-reads"
          />
          {info.multiplies && (
            <VocabLists
              title="reads, up"
              note="Its column of W_in, which the activation is multiplied by, · W_E, the gain of the norm before folded in"
              high="raised by"
              low="lowered by"
              words={info.multiplies}
              testid="weights-neuron-multiplies"
            />
          )}
        </div>
      )}
    </section>
  );
}
