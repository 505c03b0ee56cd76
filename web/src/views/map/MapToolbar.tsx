import { useBoard } from "../../state/board";
import type { Side } from "../../state/ui";
import type { Measure } from "../../wire/types";
import { Segmented } from "../shared/Segmented";
import { MapFilter } from "./MapFilter";
import { MapSearch } from "./MapSearch";
import type { MapModel } from "./MapView";
import { grouped, MEASURES } from "./measures";
import type { Zoom } from "./useZoom";

export const SIDES: readonly { value: Side; label: string }[] = [
  { value: "now", label: "Now" },
  { value: "baseline", label: "Baseline" },
  { value: "difference", label: "Difference" },
];

export function MapToolbar({ map }: { map: MapModel }) {
  const { ui } = useBoard();
  const { brush, table } = map.tools;
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
        {grouped().map(([group, names]) => (
          <optgroup key={group} label={group}>
            {names.map((name) => (
              <option key={name} value={name} title={MEASURES[name].about}>
                {MEASURES[name].label}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
      <Segmented
        label="Which run the map shows"
        name="map-side"
        options={SIDES}
        value={ui.mapSide}
      />
      <MapSearch map={map} />
      <MapFilter map={map} />
      <span class="map-tools">
        <button
          type="button"
          class="toggle"
          data-testid="map-brush"
          aria-pressed={brush.value}
          title="Draw a rectangle to select all parts in it (b; or Shift and drag)"
          onClick={() => {
            brush.value = !brush.value;
          }}
        >
          Brush
        </button>
        <button
          type="button"
          class="toggle"
          data-testid="map-table-toggle"
          aria-pressed={table.value}
          title="Show the map's numbers as a table (t)"
          onClick={() => {
            table.value = !table.value;
          }}
        >
          Table
        </button>
      </span>
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
