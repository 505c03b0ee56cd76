import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useBoard } from "../../state/board";
import type { CircuitInfo } from "../../wire/types";
import { Latest } from "../steering/latest";
import { partOf, sizeAt } from "./state";

const count = (n: number) => n.toLocaleString("en");

/** How many edges the circuit has: by score, where all edges have one, and without those pruned. */
export function SizeBar({ info }: { info: CircuitInfo }) {
  const board = useBoard();
  const live = board.kernel.live.value;
  const { cut, kept, total, whole } = info;
  return (
    <div class="circuit-size">
      {info.scored && <Slider info={info} />}
      <p class="circuit-counts">
        <b data-testid="circuit-kept-count">{count(kept)}</b>
        {cut > kept && ` of ${count(cut)}`} edges
        {info.scored && <span class="faint"> of {count(total)} in the model</span>}
        {cut > kept && (
          <button
            type="button"
            class="plain"
            data-testid="circuit-restore"
            disabled={!live}
            onClick={() => void board.editCircuit("restore")}
          >
            Bring back {count(cut - kept)} pruned
          </button>
        )}
        {cut !== whole && (
          <button
            type="button"
            class="plain"
            data-testid="circuit-whole"
            title="The edges that the circuit had when it was opened"
            disabled={!live}
            onClick={() => void board.editCircuit("cut")}
          >
            As opened: {count(whole)}
          </button>
        )}
      </p>
    </div>
  );
}

/** Drags of any slider so far: each has a name of its own. */
let drags = 0;

function Slider({ info }: { info: CircuitInfo }) {
  const board = useBoard();
  const live = board.kernel.live.value;
  const { cut, total } = info;
  const drag = useRef("");
  const cuts = useMemo(
    () => new Latest((size: number) => board.editCircuit("cut", [], size, drag.current)),
    [board],
  );
  /** From here on cuts are a step of undo of their own. */
  const begin = () => {
    drags += 1;
    drag.current = `cut ${drags}`;
  };
  /** The size asked for, until the kernel says the same. */
  const moved = useSignal<number | null>(null);
  useEffect(() => {
    if (moved.peek() === cut) moved.value = null;
  }, [cut, moved]);
  const size = moved.value ?? cut;
  const move = (to: number) => {
    if (!Number.isFinite(to)) return;
    moved.value = Math.max(1, Math.min(total, Math.round(to)));
    cuts.push(moved.value);
  };
  return (
    <div class="row">
      <input
        type="range"
        min={0}
        max={1}
        step={0.002}
        value={partOf(size, total)}
        disabled={!live}
        data-testid="circuit-slider"
        aria-label="How many edges, those with the largest scores"
        aria-valuetext={`${count(size)} of ${count(total)} edges`}
        onPointerDown={begin}
        onFocus={begin}
        onInput={(event) => move(sizeAt(event.currentTarget.valueAsNumber, total))}
      />
      <label class="label">
        largest{" "}
        <input
          class="field is-number"
          type="number"
          min={1}
          max={total}
          value={size}
          disabled={!live}
          data-testid="circuit-number"
          aria-label="How many edges, those with the largest scores"
          onChange={(event) => {
            begin();
            move(event.currentTarget.valueAsNumber);
          }}
        />
      </label>
    </div>
  );
}
