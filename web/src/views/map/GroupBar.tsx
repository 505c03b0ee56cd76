import { isHead } from "../../state/address";
import { useBoard } from "../../state/board";
import { type ActionName, act, actions, deedOf } from "../shared/actions";
import { aimed } from "../shared/aim";
import { Glyph } from "../shared/Glyph";
import type { MapModel } from "./MapView";

/** What can be done to several selected parts at once. */
export function GroupBar({ map }: { map: MapModel }) {
  const board = useBoard();
  const parts = board.selection.value;
  if (parts.length < 2 || map.edges.draft.value) return null;
  const all = actions(board);
  const button = (name: ActionName, label: string, glyph?: "ablated" | "frozen" | "pattern") => (
    <button
      type="button"
      class="action"
      data-testid={`group-${name}`}
      aria-pressed={name === "release" ? undefined : all[name].on}
      onClick={() => act(board, all[name])}
      {...aimed(board, () => deedOf(board, all[name]))}
    >
      {glyph && <Glyph name={glyph} />}
      {label}
    </button>
  );
  return (
    <section class="group-bar" aria-label="Selected parts" data-table={map.tools.table.value}>
      <b data-testid="group-count">{parts.length.toLocaleString("en")} selected</b>
      {button("ablate", "Ablate", "ablated")}
      {button("freeze-output", "Freeze", "frozen")}
      {parts.some(isHead) && button("freeze-pattern", "Freeze patterns", "pattern")}
      <label class="tools">
        ×
        <input
          type="text"
          inputMode="decimal"
          size={4}
          class="field is-short"
          placeholder="0.5"
          aria-label="Factor to scale the selected outputs by; Enter applies it"
          data-testid="group-scale"
          onKeyDown={(event) => {
            event.stopPropagation();
            const factor = Number(event.currentTarget.value);
            if (event.key !== "Enter" || !event.currentTarget.value.trim()) return;
            if (Number.isFinite(factor)) board.act("scale", parts, factor);
          }}
        />
      </label>
      {button("release", "Release")}
      <button
        type="button"
        class="icon"
        aria-label="Select nothing"
        onClick={() => void board.select([])}
      >
        ×
      </button>
    </section>
  );
}
