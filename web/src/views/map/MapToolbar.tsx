import { useBoard } from "../../state/board";
import type { Measure } from "../../wire/types";
import { pathsPart, pathsSettings, showPaths } from "../paths/state";
import { Sides } from "../shared/Segmented";
import { Toggle } from "../shared/Toggle";
import { MapFilter } from "./MapFilter";
import { MapSearch } from "./MapSearch";
import type { MapModel } from "./MapView";
import { grouped, MEASURES } from "./measures";
import type { Zoom } from "./useZoom";

export function MapToolbar({ map }: { map: MapModel }) {
  const { ui } = useBoard();
  const { brush, table } = map.tools;
  return (
    <div class="bar toolbar map-toolbar">
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
      <Sides name="map-side" value={ui.mapSide} label="Which run the map shows" />
      <MapSearch map={map} />
      <MapFilter map={map} />
      <PathTools />
      <span class="tools">
        <Toggle
          name="map-brush"
          label="Brush"
          title="Draw a rectangle to select all parts in it (b; or Shift and drag)"
          on={brush}
        />
        <Toggle
          name="map-table-toggle"
          label="Table"
          title="Show the map's numbers as a table (t)"
          on={table}
        />
      </span>
    </div>
  );
}

/** Who feeds the selected part, and whom it feeds, as wires on the map. */
function PathTools() {
  const board = useBoard();
  const { way, drawn } = pathsSettings(board);
  const button = (to: "into" | "from", label: string, title: string) => {
    const part = pathsPart(board, to);
    const on = drawn.value && way.value === to;
    return (
      <button
        type="button"
        class="toggle"
        data-testid={`map-paths-${to}`}
        aria-pressed={on}
        title={title.replace("_", part ?? "the selected part")}
        disabled={part === null && !on}
        onClick={() => showPaths(board, to)}
      >
        {label}
      </button>
    );
  };
  return (
    <span class="tools">
      {button("into", "Fed by", "Who feeds _? The strongest edges into it (i)")}
      {button("from", "Feeds", "Whom does _ feed? The strongest edges out of it (o)")}
    </span>
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
