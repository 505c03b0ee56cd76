import { useBoard } from "../../state/board";
import type { ModelInfo } from "../../wire/types";
import { Segmented, Sides } from "../shared/Segmented";
import { EdgesSection } from "./EdgesSection";
import { PartsSection } from "./PartsSection";
import { PatternSection } from "./PatternSection";
import { gradientState, SECTIONS, tokenView } from "./state";
import { TokensSection } from "./TokensSection";

/** What gradients say of tokens, parts, edges and a head's pattern; and how true it is. */
export function GradientsPanel({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const { section, side } = gradientState(board);
  const { kernel } = board;
  const now = section.value;
  const untouched = now === "edges" || (now === "tokens" && tokenView(board).what === "integrated");
  const on = kernel.entries.value.filter((entry) => entry.on).length;
  return (
    <section class="gradients" data-testid="gradients-view" aria-label="Gradients">
      <header class="section-head">
        <h2>Gradients</h2>
        <span class="faint">of the {kernel.metric.value?.name || "metric"}</span>
      </header>
      <div class="row">
        <Segmented
          label="What the gradient is taken at"
          name="gradients"
          options={SECTIONS}
          value={section}
        />
        {!untouched && <Sides name="gradients-side" value={side} />}
      </div>
      {untouched && on > 0 && (
        <p class="note" data-testid="gradients-untouched">
          Of the untouched model: what is done to it on the board is not in these numbers.
        </p>
      )}
      {kernel.metric.value?.target ? (
        <>
          {now === "tokens" && <TokensSection />}
          {now === "parts" && <PartsSection model={model} />}
          {now === "edges" && <EdgesSection />}
          {now === "pattern" && <PatternSection />}
        </>
      ) : (
        <p class="empty">Name a target: a gradient is that of the metric.</p>
      )}
    </section>
  );
}
