import { useBoard } from "../../state/board";
import type { ModelInfo } from "../../wire/types";
import { Segmented } from "../shared/Segmented";
import { showToken } from "../shared/token";
import { AllPositions } from "./AllPositions";
import { Attribution } from "./Attribution";
import { NextTokens } from "./NextTokens";
import { logitsState, SECTIONS } from "./state";
import { Trajectories } from "./Trajectories";

/** What the model says next, and how it comes to say it. */
export function LogitsView({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const { section } = logitsState(board);
  const position = board.position.value;
  const tokens = board.kernel.tokens.value;
  // What is about another position says so itself.
  const shown = section.value === "attribution" ? tokens.length - 1 : position;
  const token = tokens[shown];
  const current = section.value !== "here" || board.kernel.picture(board.logitsView.value).value;
  return (
    <section
      class="logits"
      data-testid="logits-view"
      data-position={current ? position : undefined}
      aria-label="Next tokens"
    >
      <header class="section-head">
        <h2>Next token</h2>
        {section.value === "positions" ? (
          <span class="faint">after each token</span>
        ) : (
          token && (
            <span class="faint">
              after <code>{showToken(token.text)}</code>
              <sub>{shown}</sub>
            </span>
          )
        )}
        <span class="grow" />
        <Segmented
          label="What to show of the logits"
          name="logits"
          options={SECTIONS}
          value={section}
        />
      </header>
      {section.value === "here" && <NextTokens />}
      {section.value === "positions" && <AllPositions />}
      {section.value === "attribution" && <Attribution model={model} />}
      {section.value === "layers" && <Trajectories />}
    </section>
  );
}
