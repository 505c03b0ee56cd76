import { DASHES } from "../../edges/wire";
import { WireScale } from "../paths/WireScale";
import type { MapModel } from "./MapView";

/** How edges are drawn, while there are any. */
export function EdgeLegend({ map }: { map: MapModel }) {
  const wires = map.edges.wires.value;
  if (wires.length === 0) return null;
  const drawn = map.edges.drawn.value;
  const cables = wires.filter(({ entry }) => entry !== null);
  const has = (test: (wire: (typeof wires)[number]) => boolean) => wires.some(test);
  return (
    <div class="edge-legend" data-testid="edge-legend">
      {drawn && (
        <div>
          <div class="legend-name">effect of each edge</div>
          <WireScale rows={drawn.rows} top={drawn.top} />
        </div>
      )}
      <ul class="edge-kinds" aria-label="How edges are drawn">
        {(["q", "k", "v"] as const).map((input) => (
          <li key={input}>
            <Sample dash={DASHES[input]} /> into {input}
          </li>
        ))}
        {has(({ edge }) => edge.mlps) && (
          <li>
            <Sample box /> via MLPs
          </li>
        )}
        {cables.length > 0 && (
          <li class="is-cable">
            <Sample /> patched edge
          </li>
        )}
        {has(({ look }) => look.mark === "cut") && (
          <li>
            <Sample cut /> zeroed edge
          </li>
        )}
        {has(({ look }) => look.mark === "changed") && (
          <li class="is-cable">
            <Sample changed /> changed edge
          </li>
        )}
        {has(({ look }) => look.alpha < 1) && (
          <li class="is-off">
            <Sample /> switched off
          </li>
        )}
      </ul>
    </div>
  );
}

interface SampleProps {
  dash?: readonly number[];
  box?: boolean;
  cut?: boolean;
  changed?: boolean;
}

/** A short piece of an edge. */
function Sample({ dash = [], box = false, cut = false, changed = false }: SampleProps) {
  return (
    <svg class="edge-sample" viewBox="0 0 30 12" width="30" height="12" aria-hidden="true">
      <path d="M1.5 6H28.5" stroke-dasharray={dash.join(" ")} />
      {box && <rect x="10" y="2.5" width="10" height="7" rx="2" />}
      {(cut || changed) && <circle cx="15" cy="6" r="5" />}
      {cut && <path d="M12.8 3.8L17.2 8.2M12.8 8.2L17.2 3.8" />}
      {changed && <path d="M12.8 8.2L17.2 3.8" />}
    </svg>
  );
}
