import { largest, signedScale } from "../../draw/colour";
import { signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";
import type { NeuronInfo } from "../../wire/types";
import { Legend } from "../shared/Legend";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { endsOf, onSide } from "../shared/sides";
import { TokenValues } from "../shared/TokenValues";
import { useHeld } from "../shared/useHeld";
import { VocabLists } from "../shared/VocabLists";
import { ZeroNeuron } from "../weights/ZeroNeuron";
import { Curve } from "./Curve";
import { neuronAddress } from "./place";

type Shown = "post" | "pre" | "up";

const PLAIN: readonly { value: Shown; label: string }[] = [
  { value: "post", label: "activation" },
  { value: "pre", label: "before it" },
];
const GATED: readonly { value: Shown; label: string }[] = [
  { value: "post", label: "activation" },
  { value: "pre", label: "gate" },
  { value: "up", label: "up" },
];

/** One neuron: over the prompt, on the activation function, and in words. */
export function NeuronDetail({ layer, neuron }: { layer: number; neuron: number }) {
  const board = useBoard();
  const arrived = board.kernel.picture({ kind: "neuron", layer, neuron }).value;
  const { picture, stale } = useHeld(arrived);
  const info = infoOf(picture, "neuron");
  const address = neuronAddress(layer, neuron);
  return (
    <section class="neuron" data-testid="neuron-view" aria-label={`Neuron ${address}`}>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {picture && info && (
        <div class="neuron-body" data-stale={stale}>
          <header class="section-head">
            <h3>{address}</h3>
            <Effects info={info} />
            <span class="grow" />
            <ZeroNeuron address={address} />
          </header>
          <OverText picture={picture} info={info} />
          <div class="neuron-parts">
            <Curve picture={picture} gated={info.gated} />
            <Lists info={info} />
          </div>
        </div>
      )}
    </section>
  );
}

function Effects({ info }: { info: NeuronInfo }) {
  if (info.direct_base === null) return null;
  return (
    <span class="pair">
      direct {signed(info.direct_base, 3)} <span class="arrow">→</span>{" "}
      <b>{signed(info.direct_now, 3)}</b>, ablation {signed(info.ablation_base, 3)}{" "}
      <span class="arrow">→</span> <b>{signed(info.ablation_now, 3)}</b>
    </span>
  );
}

function OverText({ picture, info }: { picture: Picture; info: NeuronInfo }) {
  const board = useBoard();
  const { ui } = board;
  const chosen = ui.local<Shown>("mlp.shown", "post");
  const shown = !info.gated && chosen.value === "up" ? "post" : chosen.value;
  const side = ui.local<Side>("mlp.side", "now").value;
  const ends = endsOf(picture, shown);
  const values = onSide(ends, side);
  const both = side === "difference" ? largest(values) : largest(ends.now, ends.baseline);
  const scale = signedScale(PALETTES[ui.theme.value], both);
  const focus = board.position.value;
  const names = { post: "activation", pre: info.gated ? "gate" : "pre-activation", up: "up" };
  return (
    <>
      <div class="row">
        <Segmented
          label="What is shown over the prompt"
          name="neuron-shown"
          options={info.gated ? GATED : PLAIN}
          value={chosen}
        />
        <Legend scale={scale} />
        <span class="grow" />
        <span class="pair">
          {signed(ends.baseline[focus], 3)} <span class="arrow">→</span>{" "}
          <b>{signed(ends.now[focus], 3)}</b>
        </span>
      </div>
      <TokenValues
        name="neuron"
        what={`${names[shown]} over the prompt`}
        ends={ends}
        side={side}
        scale={scale}
        show={(value) => signed(value, 4)}
      />
    </>
  );
}

const FOLDED =
  "the gain of the norm before folded in; without positions, attention, bias and the norm's scale";

function Lists({ info }: { info: NeuronInfo }) {
  const { gated, writes, reads, multiplies } = info;
  return (
    <div class="neuron-words">
      <VocabLists
        title="writes"
        note="Its row of W_out · W_U, the final norm's gain folded in: logits for each unit of activation, before the division by the norm's scale"
        high="promotes"
        low="suppresses"
        words={writes}
        testid="neuron-writes"
      />
      <VocabLists
        title={gated ? "reads, gate" : "reads"}
        note={`Its column of ${gated ? "W_gate" : "W_in"} · W_E, ${FOLDED}`}
        high="excited by"
        low="inhibited by"
        words={reads}
        testid="neuron-reads"
      />
      {multiplies && (
        <VocabLists
          title="reads, up"
          note={`Its column of W_in · W_E, ${FOLDED}`}
          high="raised by"
          low="lowered by"
          words={multiplies}
          testid="neuron-multiplies"
        />
      )}
      <p class="faint">
        Weights alone: the norms' gains are folded in; reading leaves out positions, attention and
        earlier layers.
      </p>
    </div>
  );
}
