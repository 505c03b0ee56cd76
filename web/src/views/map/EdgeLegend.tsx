import { DASHES } from "../../edges/wire";
import { WireScale } from "../paths/WireScale";
import type { MapModel } from "./MapView";

const KINDS: readonly { kind: string; text: string; sample: SampleProps }[] = [
  { kind: "q", text: "into q", sample: { dash: DASHES.q } },
  { kind: "k", text: "into k", sample: { dash: DASHES.k } },
  { kind: "v", text: "into v", sample: { dash: DASHES.v } },
  { kind: "mlps", text: "via MLPs", sample: { box: true } },
  { kind: "patch", text: "patched", sample: { cable: true } },
  { kind: "cut", text: "zeroed", sample: { mark: "cut" } },
  { kind: "changed", text: "changed", sample: { mark: "changed", cable: true } },
  { kind: "second", text: "second circuit only", sample: { cable: true } },
  { kind: "pruned", text: "pruned", sample: { off: true } },
  { kind: "off", text: "off", sample: { off: true } },
];

/** How edges are drawn, while there are any: those kinds alone that there are. */
export function EdgeLegend({ map }: { map: MapModel }) {
  const kinds = new Set(map.edges.kinds.value.split(" "));
  const drawn = map.edges.scaled.value;
  const shown = KINDS.filter(({ kind }) => kinds.has(kind));
  if (shown.length === 0 && !drawn) return null;
  return (
    <div class="edge-legend" data-testid="edge-legend">
      <span class="legend-name">Edges</span>
      {drawn && <WireScale rows={drawn.rows} top={drawn.top} />}
      <ul class="edge-kinds" aria-label="How edges are drawn">
        {shown.map(({ kind, text, sample }) => (
          <li key={kind}>
            <Sample {...sample} /> {text}
          </li>
        ))}
      </ul>
    </div>
  );
}

interface SampleProps {
  dash?: readonly number[];
  /** The box of what goes through MLPs. */
  box?: boolean;
  mark?: "cut" | "changed";
  cable?: boolean;
  off?: boolean;
}

/** A short piece of an edge. */
function Sample({ dash = [], box = false, mark, cable = false, off = false }: SampleProps) {
  return (
    <svg
      class="edge-sample"
      data-cable={cable}
      data-off={off}
      viewBox="0 0 26 12"
      width="26"
      height="12"
      aria-hidden="true"
    >
      <path d="M1.5 6H24.5" stroke-dasharray={dash.join(" ")} />
      {box && <rect x="8" y="2.5" width="10" height="7" rx="2" />}
      {mark && <circle cx="13" cy="6" r="5" />}
      {mark === "cut" && <path d="M10.8 3.8L15.2 8.2M10.8 8.2L15.2 3.8" />}
      {mark === "changed" && <path d="M10.8 8.2L15.2 3.8" />}
    </svg>
  );
}
