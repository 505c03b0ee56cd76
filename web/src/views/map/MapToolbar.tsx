import { useBoard } from "../../state/board";
import type { Side } from "../../state/ui";
import type { Measure } from "../../wire/types";
import { Segmented } from "../shared/Segmented";
import type { Zoom } from "./useZoom";
import { MEASURES } from "./values";

export const SIDES: readonly { value: Side; label: string }[] = [
  { value: "now", label: "Now" },
  { value: "baseline", label: "Baseline" },
  { value: "difference", label: "Difference" },
];

export function MapToolbar() {
  const { ui } = useBoard();
  return (
    <div class="bar map-toolbar">
      <select
        class="select"
        data-testid="measure-select"
        aria-label="Measure that colours the map"
        title={MEASURES[ui.measure.value].about}
        value={ui.measure.value}
        onChange={(event) => {
          ui.measure.value = event.currentTarget.value as Measure;
        }}
      >
        {Object.entries(MEASURES).map(([value, { label }]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <Segmented
        label="Which run the map shows"
        name="map-side"
        options={SIDES}
        value={ui.mapSide}
      />
    </div>
  );
}

/** Over the map's empty corner. */
export function ZoomButtons({ zoom }: { zoom: Zoom }) {
  const { ui } = useBoard();
  return (
    <span class="buttons zoom-buttons">
      <button type="button" class="icon" aria-label="Zoom out" onClick={() => zoom.by(1 / 1.5)}>
        −
      </button>
      <button type="button" class="icon" aria-label="Zoom in" onClick={() => zoom.by(1.5)}>
        +
      </button>
      <button
        type="button"
        class="icon"
        aria-label="Keyboard help"
        title="Keyboard help (?)"
        onClick={() => {
          ui.help.value = true;
        }}
      >
        ?
      </button>
    </span>
  );
}
