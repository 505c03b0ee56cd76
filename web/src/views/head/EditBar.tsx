import { useEffect } from "preact/hooks";
import { type HeadPlace, headAddress } from "../../state/address";
import { useBoard } from "../../state/board";
import { editOf } from "./edit";
import { settings } from "./state";

/** The brush, and what becomes of what was painted. */
export function EditBar({ place, size }: { place: HeadPlace; size: number }) {
  const board = useBoard();
  const edit = editOf(board);
  const { editing } = settings(board);
  const address = headAddress(place);
  useEffect(() => edit.discard(), [edit, address, size]);
  useEffect(() => {
    if (!editing.value) edit.discard();
  }, [edit, editing.value]);
  if (!editing.value) return null;
  const count = edit.cells.value.size;
  const apply = async () => {
    const painted = [...edit.cells.peek()];
    const accepted = await board.paintPattern({
      head: address,
      cells: painted.map(([cell]) => [Math.floor(cell / size), cell % size]),
      weights: painted.map(([, weight]) => weight),
      normalise: edit.normalise.peek(),
    });
    if (accepted) edit.discard();
  };
  const setWeight = (text: string) => {
    const weight = Number(text);
    if (text !== "" && weight >= 0 && Number.isFinite(weight)) edit.weight.value = weight;
  };
  return (
    <div class="edit-bar" data-testid="edit-bar">
      <label>
        weight
        <input
          type="range"
          min={0}
          max={1}
          step={0.01}
          value={edit.weight.value}
          aria-label="Weight to paint"
          onInput={(event) => setWeight(event.currentTarget.value)}
        />
        <input
          type="text"
          inputMode="decimal"
          class="edit-weight"
          data-testid="edit-weight"
          aria-label="Weight to paint, typed"
          value={String(edit.weight.value)}
          onChange={(event) => setWeight(event.currentTarget.value)}
        />
      </label>
      <label title="The other cells of a painted row share what the painted ones leave">
        <input
          type="checkbox"
          data-testid="edit-normalise"
          checked={edit.normalise.value}
          onChange={(event) => {
            edit.normalise.value = event.currentTarget.checked;
          }}
        />
        rows sum to 1
      </label>
      <span class="grow" />
      <button
        type="button"
        class="action"
        data-testid="edit-discard"
        disabled={count === 0}
        onClick={() => edit.discard()}
      >
        Discard
      </button>
      <button
        type="button"
        class="action"
        data-testid="edit-apply"
        disabled={count === 0}
        onClick={() => void apply()}
      >
        Apply {count > 0 && `${count} ${count === 1 ? "cell" : "cells"}`}
      </button>
      <p class="faint edit-help">
        Click or drag to paint; with Shift, take back. Keys: arrows move, Enter sets, Delete takes
        back.
      </p>
    </div>
  );
}
