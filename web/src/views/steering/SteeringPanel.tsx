import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { ModelInfo, SteeringInfo } from "../../wire/types";
import { NextTokens } from "../logits/NextTokens";
import { ProblemNote } from "../shared/Problem";
import { endsOf } from "../shared/sides";
import { TokenBars } from "../shared/TokenBars";
import { useHeld } from "../shared/useHeld";
import { Coefficient } from "./Coefficient";
import { Curve } from "./Curve";
import { Directions } from "./Directions";
import { Lines } from "./Lines";
import { PlaceRow } from "./PlaceRow";
import { steeringState, steeringView } from "./state";

/** Adds a direction to the stream, times a coefficient; several may be added side by side. */
export function SteeringPanel({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const { picture, stale } = useHeld(board.kernel.picture(steeringView(board)).value);
  const info = infoOf(picture, "steering");
  return (
    <section
      class="steering"
      data-testid="steering-view"
      aria-label="Steering"
      data-at={info?.at}
      data-direction={info?.direction}
      data-coefficient={info?.coefficient}
    >
      {picture?.problem && <Refused problem={picture.problem} />}
      {info && (
        <>
          <Directions info={info} />
          {info.direction && (
            <>
              <PlaceRow model={model} info={info} />
              <Coefficient key={`${info.at} ${info.direction}`} info={info} />
              <div class="steering-results" data-stale={stale}>
                <Curve picture={picture} info={info} />
                <Projection info={info} ends={endsOf(picture, "projection")} />
              </div>
              <section class="steering-next" aria-label="Next tokens">
                <h3>Next token</h3>
                <NextTokens most={6} />
              </section>
            </>
          )}
          <Lines info={info} />
        </>
      )}
      {!info && !picture?.problem && <p class="empty">Waiting for the model.</p>}
    </section>
  );
}

/** What cannot be shown, with the way back to what can. */
function Refused({ problem }: { problem: Parameters<typeof ProblemNote>[0]["problem"] }) {
  const { at, direction, reach } = steeringState(useBoard());
  const reset = () => {
    at.value = "";
    direction.value = "";
    reach.value = 0;
  };
  return (
    <>
      <ProblemNote problem={problem} />
      <button type="button" class="action" data-testid="steering-reset" onClick={reset}>
        Back to where it was
      </button>
    </>
  );
}

interface ProjectionProps {
  info: SteeringInfo;
  ends: ReturnType<typeof endsOf>;
}

/** How far the stream points along the direction at each token, before and after. */
function Projection({ info, ends }: ProjectionProps) {
  const board = useBoard();
  const place = info.at.split("@")[0];
  if (ends.now.length === 0) return null;
  return (
    <section aria-label="Projection">
      <h3>
        <code>{place}</code> along the direction
        <span class="key">
          <i class="key-now" /> now <i class="key-base" /> baseline
        </span>
      </h3>
      <TokenBars
        tokens={board.kernel.tokens.value}
        ends={ends}
        label={`Projection of ${place} on the direction, at each token`}
        testid="steering-projection"
        focus={board.position.value}
        pick={(index) => void board.select([...board.selection.peek()], index)}
      />
    </section>
  );
}
