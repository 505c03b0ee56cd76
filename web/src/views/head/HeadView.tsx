import { useComputed } from "@preact/signals";
import { largest, signedScale, unsignedScale } from "../../draw/colour";
import { PALETTES } from "../../draw/theme";
import { type HeadPlace, headAddress } from "../../state/address";
import { useBoard } from "../../state/board";
import type { ModelInfo } from "../../wire/types";
import { SIDES } from "../map/MapToolbar";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { useHeld } from "../shared/useHeld";
import { HeadText } from "./HeadText";
import { PatternCanvas } from "./PatternCanvas";
import { Thumbnails } from "./Thumbnails";
import { headPatterns, onSide } from "./weights";

const FOCUS = [
  { value: "destination", label: "looks at" },
  { value: "source", label: "is seen by" },
] as const;

/** One head: where it looks, over the text and as a matrix, and its neighbours. */
export function HeadView({ model }: { model: ModelInfo }) {
  const place = useBoard().head.value;
  return place && <OneHead place={place} model={model} />;
}

function OneHead({ place, model }: { place: HeadPlace; model: ModelInfo }) {
  const board = useBoard();
  const { ui, kernel } = board;
  const { layer, head } = place;
  const { picture, stale } = useHeld(kernel.picture({ kind: "head", layer, head }).value);
  const own = picture?.view.kind === "head" ? picture.view.head : head;
  const patterns = headPatterns(picture, own, ui.valueWeighted.value);
  const side = ui.headSide.value;
  const palette = PALETTES[ui.theme.value];
  const shown = onSide(patterns, side);
  const scale =
    side === "difference"
      ? signedScale(palette, Math.max(0.01, largest(shown.data)))
      : unsignedScale(palette.attention, 1);
  const problem = picture?.problem;
  return (
    <section class="head" data-testid="head-view" aria-label={`Head ${headAddress(place)}`}>
      <Thumbnails place={place} model={model} />
      {problem ? (
        <ProblemNote problem={problem} />
      ) : (
        <>
          <HeadOptions />
          <div class="head-body" data-stale={stale}>
            <div class="head-words">
              <HeadText pattern={shown} scale={scale} />
              <div class="row text-options">
                <span class="label">the framed token</span>
                <Segmented
                  label="What the colours over the text mean"
                  name="focus"
                  options={FOCUS}
                  value={ui.focusAs}
                />
                {ui.lockToken.value !== null && <span class="locked">locked</span>}
              </div>
            </div>
            <PatternCanvas patterns={patterns} shown={shown} scale={scale} />
          </div>
        </>
      )}
    </section>
  );
}

function HeadOptions() {
  const { ui } = useBoard();
  const pressed = useComputed(() => ui.valueWeighted.value);
  return (
    <div class="row">
      <Segmented
        label="Which run the pattern shows"
        name="head-side"
        options={SIDES}
        value={ui.headSide}
      />
      <button
        type="button"
        class="toggle"
        data-testid="value-weighted"
        aria-pressed={pressed.value}
        title="Attention times the length of the value vector at the source"
        onClick={() => {
          ui.valueWeighted.value = !pressed.value;
        }}
      >
        value-weighted
      </button>
    </div>
  );
}
