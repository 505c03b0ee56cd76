import { scaleLinear } from "d3-scale";
import { gradient, type Scale } from "../../draw/colour";
import { compact, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import { Glyph } from "../shared/Glyph";
import { EdgeLegend } from "./EdgeLegend";
import type { MapModel } from "./MapView";
import { MEASURES, ofWeights } from "./measures";

/** A few round numbers for the scale; for signed values zero and one on each side. */
export function legendTicks(scale: Scale): number[] {
  const [low, high] = scale.domain;
  const ticks = scaleLinear()
    .domain([low, high])
    .ticks(scale.signed ? 4 : 3);
  const top = ticks[ticks.length - 1] ?? high;
  return scale.signed ? [-top, 0, top] : ticks;
}

export function Legend({ map }: { map: MapModel }) {
  const { ui, kernel } = useBoard();
  const { scale } = map.values.value;
  const [low, high] = scale.domain;
  const ticks = legendTicks(scale);
  const metric = kernel.metric.value;
  const measure = ui.measure.value;
  const ends = MEASURES[measure].signed && ui.mapSide.value !== "difference";
  const open = ui.local<boolean>("map.legend", false);
  return (
    <div class="legend" data-open={open.value}>
      <div class="legend-scale">
        <div class="legend-name">
          {MEASURES[measure].label}
          {ui.mapSide.value === "difference" && ", change"}
        </div>
        <div class="legend-strip" style={{ background: gradient(scale) }} />
        <div class="legend-ticks">
          {ticks.map((tick) => (
            <span key={tick} style={{ left: `${(100 * (tick - low)) / (high - low)}%` }}>
              {scale.signed ? (tick === 0 ? "0" : signed(tick, digits(high))) : compact(tick)}
            </span>
          ))}
        </div>
        {ofWeights(measure) && <div class="legend-note">the same now and at baseline</div>}
        {ends && measure === "attribution" && metric?.foil && (
          <div class="legend-ends">
            <span class="is-foil">← {metric.foil.trim()}</span>
            <span class="is-target">{metric.target.trim()} →</span>
          </div>
        )}
      </div>
      <button
        type="button"
        class="plain legend-more"
        data-testid="map-legend"
        aria-expanded={open.value}
        onClick={() => {
          open.value = !open.peek();
        }}
      >
        Legend {open.value ? "▾" : "▴"}
      </button>
      <Marks />
      <EdgeLegend map={map} />
    </div>
  );
}

function digits(high: number): number {
  return high >= 10 ? 0 : high >= 1 ? 1 : high >= 0.1 ? 2 : 3;
}

function Marks() {
  return (
    <ul class="legend-marks" aria-label="Marks on the parts">
      <li>
        <Glyph name="ablated" /> ablated
      </li>
      <li>
        <Glyph name="frozen" /> output frozen
      </li>
      <li>
        <Glyph name="pattern" /> pattern frozen
      </li>
      <li>
        <span class="legend-factor">×0.5</span> scaled
      </li>
      <li>
        <Glyph name="patched" /> patched
      </li>
      <li>
        <Glyph name="added" /> added to
      </li>
      <li>
        <Glyph name="set" /> set
      </li>
      <li>
        <Glyph name="other" /> changed inside
      </li>
      <li>
        <span class="legend-band" /> stream norm
      </li>
    </ul>
  );
}
