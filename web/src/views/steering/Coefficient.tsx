import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { compact, format, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { SteeringInfo } from "../../wire/types";
import { stepOf } from "./place";
import { Steerer, steeringState } from "./state";

/** How much of the direction is added: the model follows while the slider moves. */
export function Coefficient({ info }: { info: SteeringInfo }) {
  const board = useBoard();
  const live = board.kernel.live.value;
  const steerer = useMemo(() => new Steerer(board), [board]);
  /** Where the slider is, until the kernel says the same. */
  const moved = useSignal<number | null>(null);
  /** What is being typed: news from the kernel does not write over it. */
  const typed = useSignal<string | null>(null);
  const known = info.coefficient;
  const value = moved.value ?? known;
  useEffect(() => {
    if (moved.peek() === known) moved.value = null;
  }, [known, moved]);
  const { at, direction, reach } = info;
  const move = (coefficient: number, alone: boolean) => {
    if (!Number.isFinite(coefficient)) return;
    moved.value = coefficient;
    if (alone) steerer.set({ at, direction, coefficient });
    else steerer.move({ at, direction, coefficient });
  };
  return (
    <div class="steering-slider" data-on={value !== 0}>
      <div class="row">
        <label class="label">
          coefficient{" "}
          <input
            class="field is-number"
            type="number"
            step={stepOf(reach)}
            data-testid="steering-number"
            disabled={!live}
            value={typed.value ?? Number(value.toPrecision(6))}
            onInput={(event) => {
              typed.value = event.currentTarget.value;
            }}
            onChange={(event) => {
              const number = event.currentTarget.valueAsNumber;
              typed.value = null;
              move(number, true);
            }}
            onBlur={() => {
              typed.value = null;
            }}
          />
        </label>
        <MetricNow />
        <span class="grow" />
        <Reach info={info} />
      </div>
      <input
        type="range"
        min={-reach}
        max={reach}
        step={stepOf(reach)}
        disabled={!live}
        value={value}
        data-testid="steering-slider"
        aria-label={`Coefficient of ${direction} at ${at}`}
        aria-valuetext={`${compact(value)} times ${direction}`}
        title="Double click for 0"
        onPointerDown={() => steerer.begin()}
        onInput={(event) => move(event.currentTarget.valueAsNumber, false)}
        onDblClick={() => move(0, true)}
      />
      <div class="steering-ends" aria-hidden="true">
        <span>{signed(-reach, 0 + decimals(reach))}</span>
        <span>0</span>
        <span>{signed(reach, decimals(reach))}</span>
      </div>
    </div>
  );
}

function decimals(reach: number): number {
  return reach >= 1 ? 0 : Math.ceil(-Math.log10(reach));
}

function MetricNow() {
  const metric = useBoard().kernel.metric.value;
  if (!metric || metric.now === null) return null;
  return (
    <span class="steering-metric" data-testid="steering-metric" data-now={metric.now}>
      {metric.name} <span class="faint">{format(metric.baseline)}</span>{" "}
      <span class="arrow">→</span> <b>{format(metric.now)}</b>
    </span>
  );
}

/** How far the slider and the curve go. */
function Reach({ info }: { info: SteeringInfo }) {
  const board = useBoard();
  const state = steeringState(board);
  const go = (factor: number) => {
    state.at.value = info.at;
    state.direction.value = info.direction;
    state.reach.value = Number((info.reach * factor).toPrecision(6));
  };
  const off = !board.kernel.live.value;
  return (
    <span class="buttons">
      <button
        type="button"
        class="plain"
        data-testid="steering-narrower"
        title="Half the range"
        disabled={off}
        onClick={() => go(0.5)}
      >
        range ÷ 2
      </button>
      <button
        type="button"
        class="plain"
        data-testid="steering-wider"
        title="Twice the range"
        disabled={off}
        onClick={() => go(2)}
      >
        × 2
      </button>
    </span>
  );
}
