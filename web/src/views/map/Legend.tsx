import { scaleLinear } from "d3-scale";
import { gradient, type Scale } from "../../draw/colour";
import type { GlyphName } from "../../draw/glyphs";
import { compact, signed } from "../../draw/number";
import type { Marks as MarksOfPart } from "../../state/address";
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
  return (
    <div class="legend">
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
      <Marks map={map} />
      <EdgeLegend map={map} />
    </div>
  );
}

function digits(high: number): number {
  return high >= 10 ? 0 : high >= 1 ? 1 : high >= 0.1 ? 2 : 3;
}

const MARKS: readonly { name: GlyphName; text: string; has: (marks: MarksOfPart) => boolean }[] = [
  { name: "ablated", text: "ablated", has: (marks) => marks.ablated },
  { name: "frozen", text: "output frozen", has: (marks) => marks.frozen },
  { name: "pattern", text: "pattern frozen", has: (marks) => marks.pattern },
  { name: "patched", text: "patched", has: (marks) => marks.patched },
  { name: "added", text: "added to", has: (marks) => marks.added },
  { name: "set", text: "set", has: (marks) => marks.set },
  { name: "other", text: "changed inside", has: (marks) => marks.other },
];

/** Where there is little room, those that no part has are left out. */
function Marks({ map }: { map: MapModel }) {
  const parts = [...map.marks.value.values()];
  return (
    <ul class="legend-marks" aria-label="Marks on the parts">
      {MARKS.slice(0, 3).map((mark) => (
        <Mark key={mark.name} {...mark} parts={parts} />
      ))}
      <li data-used={parts.some(({ factor }) => factor !== null)}>
        <span class="legend-factor">×0.5</span> scaled
      </li>
      {MARKS.slice(3).map((mark) => (
        <Mark key={mark.name} {...mark} parts={parts} />
      ))}
      <li>
        <span class="legend-band" /> stream norm
      </li>
    </ul>
  );
}

type MarkProps = (typeof MARKS)[number] & { parts: readonly MarksOfPart[] };

function Mark({ name, text, has, parts }: MarkProps) {
  return (
    <li data-used={parts.some(has)}>
      <Glyph name={name} /> {text}
    </li>
  );
}
