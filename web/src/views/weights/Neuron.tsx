import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import { VocabLists } from "../shared/VocabLists";
import { ZeroNeuron } from "./ZeroNeuron";

/** The selected neuron's weights in words. */
export function Neuron({ address, layer }: { address: string; layer: number }) {
  const board = useBoard();
  const neuron = Number(address.split(".n")[1]);
  const picture = board.kernel.picture({ kind: "neuron", layer, neuron }).value;
  const info = infoOf(picture, "neuron");
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
      {info && (
        <div class="neuron-words">
          <VocabLists
            title="writes"
            note="Its row of W_out · W_U, the final norm's gain folded in"
            high="promotes"
            low="suppresses"
            words={info.writes}
            testid="weights-neuron-writes"
          />
          <VocabLists
            title={info.gated ? "reads, gate" : "reads"}
            note="Its column of the weights before the activation function · W_E, the gain of the norm before folded in"
            high="excited by"
            low="inhibited by"
            words={info.reads}
            testid="weights-neuron-reads"
          />
        </div>
      )}
    </section>
  );
}
