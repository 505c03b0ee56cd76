import { useBoard } from "../../state/board";
import { placeName, streamPlace } from "../../state/stream";
import type { ModelInfo } from "../../wire/types";
import { Segmented, Sides } from "../shared/Segmented";
import { showToken } from "../shared/token";
import { EmbeddingSection } from "./EmbeddingSection";
import { GeometrySection } from "./GeometrySection";
import { LensSection } from "./LensSection";
import { PartsSection } from "./PartsSection";
import { residualState, SECTIONS } from "./state";

/** The residual stream: what it would say, what it is made of, how it lies. */
export function ResidualView({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const { section, side } = residualState(board);
  const place = streamPlace(board.selection.value, model);
  const position = board.position.value;
  const token = board.kernel.tokens.value[position];
  return (
    <section class="residual" data-testid="residual-view" aria-label="Residual stream">
      <header class="section-head">
        <h2>Residual stream</h2>
        {token && (
          <span class="faint" data-testid="residual-place" data-place={place}>
            after <code>{placeName(place)}</code> at <code>{showToken(token.text)}</code>
            <sub>{position}</sub>
          </span>
        )}
      </header>
      <div class="row">
        <Segmented
          label="What to show of the residual stream"
          name="residual"
          options={SECTIONS}
          value={section}
        />
        {section.value !== "embedding" && <Sides name="residual-side" value={side} />}
      </div>
      {section.value === "lens" && <LensSection model={model} />}
      {section.value === "parts" && <PartsSection model={model} />}
      {section.value === "geometry" && <GeometrySection model={model} />}
      {section.value === "embedding" && <EmbeddingSection />}
    </section>
  );
}
