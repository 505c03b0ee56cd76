import { useEffect } from "preact/hooks";
import { headAddress } from "../../state/address";
import { useBoard } from "../../state/board";
import type { ModelInfo, WeightSide } from "../../wire/types";
import { Segmented } from "../shared/Segmented";
import { Toggle } from "../shared/Toggle";
import { Circuits } from "./Circuits";
import { Composition } from "./Composition";
import { Directions } from "./Directions";
import { Edits } from "./Edits";
import { PathSection } from "./PathSection";
import { hasSides, type Part, shownPart, shownTab, type Tab, weightsState } from "./place";

const TABS: readonly { value: Tab; label: string }[] = [
  { value: "circuits", label: "Circuits" },
  { value: "directions", label: "Directions" },
  { value: "composition", label: "Composition" },
  { value: "path", label: "Path" },
];
const SIDES: readonly { value: WeightSide; label: string }[] = [
  { value: "now", label: "Now" },
  { value: "loaded", label: "As loaded" },
  { value: "difference", label: "Difference" },
];

/** What the weights of the selected part say by themselves, and edits of them. */
export function WeightsView({ model }: { model: ModelInfo }) {
  const part = shownPart(useBoard().selection.value);
  return part && <OnePart part={part} model={model} />;
}

function OnePart({ part, model }: { part: Part; model: ModelInfo }) {
  const board = useBoard();
  const state = weightsState(board);
  const tab = shownTab(board, part);
  const sides = hasSides(board);
  useEffect(() => {
    // The next edit begins with the weights as they are.
    if (!sides) state.side.value = "now";
  }, [sides, state.side]);
  const tabs = part.kind === "mlp" ? TABS.slice(1) : TABS;
  const name = part.kind === "head" ? headAddress(part) : `L${part.layer}.mlp`;
  return (
    <section class="weights" data-testid="weights-view" aria-label={`Weights of ${name}`}>
      <header class="section-head weights-head">
        <h2>Weights, {name}</h2>
        <span class="grow" />
        {sides && (
          <Segmented
            label="Which weights are shown"
            name="weights-side"
            options={SIDES}
            value={state.side}
          />
        )}
      </header>
      <div class="row weights-tabs">
        <Segmented
          label="What is shown of the weights"
          name="weights-tab"
          options={tabs}
          value={state.tab}
          shown={tab}
        />
        <span class="grow" />
        {model.norm !== "none" && (
          <Toggle
            name="weights-fold"
            label="Norms folded in"
            title={
              model.norm === "LN"
                ? "Weights times the gains of the norms around them, centred as LayerNorm centres: as they act when the model runs, but for the norms' scales"
                : "Weights times the gains of the norms around them: as they act when the model runs, but for the norms' scales"
            }
            on={state.fold}
          />
        )}
      </div>
      {tab === "circuits" && part.kind === "head" && <Circuits part={part} model={model} />}
      {tab === "directions" && <Directions part={part} model={model} />}
      {tab === "composition" && <Composition part={part} model={model} />}
      {tab === "path" && <PathSection />}
      <Edits />
    </section>
  );
}
