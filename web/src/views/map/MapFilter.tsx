import { compact } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { MapModel } from "./MapView";
import { MEASURES } from "./measures";

/** A threshold under which parts are drawn faint, with how many remain. */
export function MapFilter({ map }: { map: MapModel }) {
  const board = useBoard();
  const { slider, threshold, passed } = map.tools;
  const { addresses, known } = passed.value;
  const on = slider.value > 0;
  const text = on
    ? `≥ ${compact(threshold.value)} · ${addresses.length.toLocaleString("en")} of ${known.toLocaleString("en")}`
    : "all";
  const { unit } = MEASURES[board.ui.measure.value];
  return (
    <span class="tools map-filter">
      <label title={`Draw parts faint whose ${unit}, whatever its sign, is under a threshold`}>
        <span>Filter</span>
        <input
          type="range"
          min={0}
          max={1}
          step={0.01}
          value={slider.value}
          data-testid="map-filter"
          aria-label={`Least ${unit} to draw in full`}
          aria-valuetext={text}
          onInput={(event) => {
            slider.value = Number(event.currentTarget.value);
          }}
          onDblClick={() => {
            slider.value = 0;
          }}
        />
        <output data-testid="map-filter-count">{text}</output>
      </label>
      {on && (
        <button
          type="button"
          class="plain"
          data-testid="map-filter-select"
          title="Select the parts that reach the threshold"
          disabled={addresses.length === 0}
          onClick={() => void board.select(addresses)}
        >
          Select
        </button>
      )}
    </span>
  );
}
