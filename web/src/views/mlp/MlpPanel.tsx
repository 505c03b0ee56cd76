import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { Side } from "../../state/ui";
import { ProblemNote } from "../shared/Problem";
import { Sides } from "../shared/Segmented";
import { useHeld } from "../shared/useHeld";
import { LayerTotal } from "./LayerTotal";
import { NeuronDetail } from "./NeuronDetail";
import { NeuronTable } from "./NeuronTable";
import { everyOf, type MlpPlace, mlpPlace } from "./place";

/** One layer's MLP: its total, the neurons that matter, and the selected one in detail. */
export function MlpPanel() {
  const place = mlpPlace(useBoard().selection.value);
  return place && <OneMlp key={place.layer} place={place} />;
}

function OneMlp({ place }: { place: MlpPlace }) {
  const board = useBoard();
  const { layer, neurons } = place;
  const every = everyOf(board).value === layer;
  const arrived = board.kernel.picture({ kind: "mlp", layer, every }).value;
  const { picture, stale } = useHeld(arrived);
  const side = board.ui.local<Side>("mlp.side", "now");
  const info = infoOf(picture, "mlp");
  const neuron = neurons[neurons.length - 1];
  return (
    <section class="mlp" data-testid="mlp-view" aria-label={`MLP of layer ${layer}`}>
      <header class="section-head">
        <h2>MLP, layer {layer}</h2>
        {info && <span class="faint">{info.n_neurons} neurons</span>}
        <span class="grow" />
        <Sides name="mlp-side" value={side} />
      </header>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {!picture && <p class="empty">Waiting for the model.</p>}
      {picture && info && (
        <div class="mlp-body" data-stale={stale}>
          <LayerTotal picture={picture} info={info} />
          <NeuronTable picture={picture} info={info} chosen={neurons} />
        </div>
      )}
      {neuron !== undefined && !picture?.problem && (
        <NeuronDetail key={neuron} layer={layer} neuron={neuron} />
      )}
    </section>
  );
}
