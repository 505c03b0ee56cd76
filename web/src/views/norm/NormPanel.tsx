import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { Side } from "../../state/ui";
import type { ModelInfo } from "../../wire/types";
import { ProblemNote } from "../shared/Problem";
import { Sides } from "../shared/Segmented";
import { useHeld } from "../shared/useHeld";
import { Directions } from "./Directions";
import { Gain } from "./Gain";
import { Outliers } from "./Outliers";
import { PerToken } from "./PerToken";
import { normName, shownNorm } from "./place";
import { Through } from "./Through";

/** One norm: for each token, by dimension and direction, and what passes through its scale. */
export function NormPanel({ model }: { model: ModelInfo }) {
  const address = shownNorm(useBoard());
  return address && <OneNorm key={address} address={address} model={model} />;
}

function OneNorm({ address, model }: { address: string; model: ModelInfo }) {
  const board = useBoard();
  const { picture, stale } = useHeld(board.kernel.picture({ kind: "norm", address }).value);
  const side = board.ui.local<Side>("norm.side", "now");
  const info = infoOf(picture, "norm");
  return (
    <section class="norm" data-testid="norm-view" aria-label={`Norm ${address}`}>
      <header class="section-head">
        <h2>{model.norm === "RMS" ? "RMSNorm" : "LayerNorm"}</h2>
        <span class="faint">{normName(address, model).replace(/^\w+ /, "")}</span>
        <span class="grow" />
        <Sides name="norm-side" value={side} />
      </header>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {!picture && <p class="empty">Waiting for the model.</p>}
      {picture && info && (
        <div class="norm-body" data-stale={stale}>
          <PerToken picture={picture} model={model} />
          <Through picture={picture} info={info} />
          <Directions address={address} />
          <div class="norm-dims">
            <Outliers picture={picture} />
            <Gain picture={picture} />
          </div>
        </div>
      )}
    </section>
  );
}
