import { useComputed } from "@preact/signals";
import { format, signed } from "../../draw/number";
import { marksText, partName } from "../../state/address";
import { useBoard } from "../../state/board";
import type { MapModel } from "./MapView";
import { MEASURES } from "./values";

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
        unit={own.kind === "resid" ? "norm" : MEASURES[board.ui.measure.value].unit}
      />
      {state && <div class="tooltip-state">{state}</div>}
    </div>
  );
}

function Numbers({ now, baseline, unit }: { now: number; baseline: number; unit: string }) {
  if (Number.isNaN(now) && Number.isNaN(baseline)) return null;
  const show = unit === "norm" ? format : signed;
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
