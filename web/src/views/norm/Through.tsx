import { signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";
import type { NormInfo } from "../../wire/types";
import { SignedBar } from "../shared/SignedBar";
import { endsOf } from "../shared/sides";
import { type ThroughRow, throughRows } from "./rows";

/** How much of each upstream part's effect passes through a change of the scale. */
export function Through({ picture, info }: { picture: Picture; info: NormInfo }) {
  const board = useBoard();
  const side = board.ui.local<Side>("norm.side", "now").value;
  if (!info.metric) {
    return <p class="empty">Name a target to see what passes through the scale.</p>;
  }
  const rows = throughRows(info.parts, endsOf(picture, "live"), endsOf(picture, "frozen"), side);
  const known = rows.filter((row) => !Number.isNaN(row.through));
  const top = Math.max(1e-9, ...known.flatMap((row) => [row.live, row.frozen].map(Math.abs)));
  const moved = known.reduce((sum, row) => sum + Math.abs(row.through), 0);
  const whole = known.reduce((sum, row) => sum + Math.abs(row.live), 0);
  const share = whole > 0 ? `${((100 * moved) / whole).toFixed(0)}%` : "–";
  return (
    <section class="through" aria-label="What passes through the scale">
      <h3 title="Each part is ablated twice, exactly: with the scale recomputed, and with it held at its value without the ablation">
        Through the scale
      </h3>
      <div class="through-scroll">
        <table class="neuron-table" data-testid="through-table">
          <thead>
            <tr>
              <th scope="col">ablated</th>
              <th scope="col">
                <i class="through-live" /> live <i class="through-frozen" /> frozen
              </th>
              <th scope="col">live</th>
              <th scope="col">frozen</th>
              <th scope="col" title="live minus frozen">
                through
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.part} row={row} top={top} />
            ))}
          </tbody>
        </table>
      </div>
      <p class="faint">
        {known.length < rows.length && `${known.length} of ${rows.length} known so far. `}
        Sizes of what passes through the scale sum to {share} of those of the live effects. Effects
        of single ablations overlap: they need not sum to that of ablating all.
      </p>
    </section>
  );
}

function Row({ row, top }: { row: ThroughRow; top: number }) {
  const board = useBoard();
  const { part, live, frozen, through } = row;
  const show = (value: number) => (Number.isNaN(value) ? "…" : signed(value, 3));
  return (
    <tr
      data-testid="through-row"
      data-part={part}
      data-live={live}
      data-frozen={frozen}
      title={`live ${signed(live, 5)}, frozen ${signed(frozen, 5)}, through the scale ${signed(through, 5)}`}
      onPointerEnter={() => {
        board.ui.hoverPart.value = part;
      }}
      onPointerLeave={() => {
        board.ui.hoverPart.value = null;
      }}
    >
      <th scope="row">
        <button type="button" onClick={() => void board.select([part])}>
          {part}
        </button>
      </th>
      <td class="wide">
        <SignedBar values={[live, frozen]} top={top} />
      </td>
      <td class="number">{show(live)}</td>
      <td class="number">{show(frozen)}</td>
      <td class="number">
        <b>{show(through)}</b>
      </td>
    </tr>
  );
}
