import { useComputed } from "@preact/signals";
import { format, signed } from "../../draw/number";
import { marksText, partName } from "../../state/address";
import { useBoard } from "../../state/board";
import { CLASSES, classesOf } from "./classes";
import type { Part } from "./geometry";
import type { MapModel } from "./MapView";
import { MEASURES } from "./measures";
import { unitOf } from "./values";

const WIDTH = 236;
const GAP = 9;

/** The exact numbers of the part pointed at. */
export function Tooltip({ map }: { map: MapModel }) {
  const board = useBoard();
  const part = useComputed(() => {
    const address = board.ui.hoverPart.value;
    return address ? (map.layout.value?.byAddress.get(address) ?? null) : null;
  });
  const layout = map.layout.value;
  if (!part.value || !layout) return null;
  const { k, x, y } = map.zoom.transform.value;
  const own = part.value;
  const middle = (own.x + own.width / 2) * k + x;
  const [top, bottom] = [own.y * k + y, (own.y + own.height) * k + y];
  const under = top < layout.height / 2;
  const style = {
    left: `${Math.max(4, Math.min(middle - WIDTH / 2, layout.width - WIDTH - 4))}px`,
    ...(under ? { top: `${bottom + GAP}px` } : { bottom: `${layout.height - top + GAP}px` }),
    width: `${WIDTH}px`,
  };
  const state = marksText(map.marks.value.get(own.address));
  return (
    <div class="tooltip" role="presentation" style={style}>
      <div class="tooltip-title">
        <code>{own.address}</code>
      </div>
      <div class="tooltip-name">{partName(own.address)}</div>
      <Numbers
        now={map.values.value.at(own, "now")}
        baseline={map.values.value.at(own, "baseline")}
        unit={unitOf(own, board.ui.measure.value)}
        plain={own.kind === "norm" || !MEASURES[board.ui.measure.value].signed}
      />
      <Bias map={map} part={own} />
      <Classes map={map} part={own} />
      {state && <div class="tooltip-state">{state}</div>}
    </div>
  );
}

/** What of a layer's attention is of no head, or what follows the last layer. */
function Bias({ map, part }: { map: MapModel; part: Part }) {
  const { rest, constant } = map.values.value;
  const last = part.address.startsWith("ln_final");
  if (part.kind !== "attn" && !last) return null;
  const now = last ? constant("now") : rest(part.layer, "now");
  const base = last ? constant("baseline") : rest(part.layer, "baseline");
  return (
    <Numbers now={now} baseline={base} unit={last ? "biases add" : "of it bias"} plain={false} />
  );
}

/** The classes that a head belongs to, where they are known. */
function Classes({ map, part }: { map: MapModel; part: Part }) {
  if (part.kind !== "head") return null;
  const index = part.layer * map.model.n_heads + part.index;
  const found = classesOf(map.classes.value, index);
  if (found.length === 0) return null;
  return (
    <div class="tooltip-classes">
      {found.map(([name, score]) => `${CLASSES[name]} ${score.toFixed(2)}`).join(", ")}
    </div>
  );
}

interface NumbersProps {
  now: number;
  baseline: number;
  unit: string;
  plain: boolean;
}

function Numbers({ now, baseline, unit, plain }: NumbersProps) {
  if (Number.isNaN(now) && Number.isNaN(baseline)) return null;
  const show = plain ? format : signed;
  return (
    <dl class="tooltip-numbers">
      <dt>{unit}</dt>
      <dd>
        {show(baseline, 4)} <span class="arrow">→</span> <b>{show(now, 4)}</b>
      </dd>
      {now !== baseline && (
        <>
          <dt>change</dt>
          <dd>{signed(now - baseline, 4)}</dd>
        </>
      )}
    </dl>
  );
}
