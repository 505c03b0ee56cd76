import { format, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { GradientAuditInfo } from "../../wire/types";
import { ProblemNote } from "../shared/Problem";
import { floats } from "../shared/sides";
import { Toggle } from "../shared/Toggle";
import { useHeld } from "../shared/useHeld";
import { type AuditRow, auditRows, cellOf, isMeasured, missOf, spread, worst } from "./rows";
import { auditView, gradientState, TOP } from "./state";

const SIZE = 168;
const WORST = 6;

interface Props {
  /** What the exact number is. */
  exact: string;
  /** Whether all rows are listed, not the worst alone. */
  whole?: boolean;
}

/** The largest estimates beside what patching gives. */
export function AuditBox({ exact, whole = false }: Props) {
  const board = useBoard();
  const { audit } = gradientState(board);
  const view = auditView(board);
  const arrived = view ? board.kernel.picture(view).value : null;
  const { picture, stale } = useHeld(arrived);
  if (!view && gradientState(board).what.value === "norm" && whole) return null;
  const info = view && infoOf(picture, "gradient-audit");
  const numbers = [floats(picture, "estimate"), floats(picture, "exact")] as const;
  const rows = info ? auditRows(info.addresses, ...numbers) : [];
  return (
    <section class="audit" aria-label="Audit" data-testid="gradients-audit">
      <div class="row">
        <h3>Audit</h3>
        <span class="faint">{exact}</span>
        <span class="grow" />
        <Toggle
          name="gradients-audit-on"
          label={`measure the largest ${TOP}`}
          title="Patch the largest estimates, one run each, in the background"
          on={audit}
        />
      </div>
      {picture?.problem && view && <ProblemNote problem={picture.problem} />}
      {info && rows.length > 0 && (
        <div class="audit-body" data-stale={stale}>
          <Scatter rows={rows} info={info} both={floats(picture, "correlation")} stale={stale} />
          <AuditTable rows={whole ? rows : worst(rows, WORST)} whole={whole} />
        </div>
      )}
    </section>
  );
}

interface ScatterProps {
  rows: readonly AuditRow[];
  info: GradientAuditInfo;
  /** Pearson's and Spearman's correlation. */
  both: ArrayLike<number>;
  /** It is of what was shown before. */
  stale: boolean;
}

/** Estimate against exact value, one scale for both. */
function Scatter({ rows, info, both, stale }: ScatterProps) {
  const board = useBoard();
  const known = rows.filter(isMeasured);
  const { low, high, x, y } = spread(known, SIZE);
  const largest = rows.slice(0, info.top);
  const done = largest.filter(isMeasured).length;
  const label = `Estimate against exact value of ${known.length} places: Pearson ${format(both[0])}, Spearman ${format(both[1])}`;
  return (
    <figure
      class="scatter"
      data-testid="gradients-scatter"
      data-measured={stale ? undefined : done}
    >
      <svg viewBox={`0 0 ${SIZE} ${SIZE}`} width={SIZE} height={SIZE} role="img" aria-label={label}>
        <line class="scatter-zero" x1={x(0)} x2={x(0)} y1={0} y2={SIZE} />
        <line class="scatter-zero" x1={0} x2={SIZE} y1={y(0)} y2={y(0)} />
        <line class="scatter-same" x1={x(low)} x2={x(high)} y1={y(low)} y2={y(high)} />
        {known.map((row) => (
          <circle
            key={row.address}
            class="scatter-point"
            data-hover={board.ui.hoverPart.value === row.address}
            cx={x(row.estimate)}
            cy={y(row.exact)}
            r={3.2}
          >
            <title>{`${row.address}: estimate ${signed(row.estimate, 4)}, exact ${signed(row.exact, 4)}`}</title>
          </circle>
        ))}
        <text class="axis" x={SIZE} y={SIZE - 3} text-anchor="end">
          estimate →
        </text>
        <text class="axis" x={3} y={10}>
          ↑ exact
        </text>
      </svg>
      <figcaption>
        <span>
          Pearson <b data-testid="gradients-pearson">{format(both[0])}</b>
        </span>
        <span>
          Spearman <b>{format(both[1])}</b>
        </span>
        <span class="faint">
          {done} of the {info.top} largest measured
        </span>
      </figcaption>
    </figure>
  );
}

interface Named {
  /** What a click selects. */
  place: string;
  position: number | null;
  /** The token, or the two of a cell. */
  text: string | undefined;
}

function named(address: string, tokens: readonly { text: string }[]): Named {
  const text = (position: number) => tokens[position]?.text.trim();
  const cell = cellOf(address);
  if (cell) {
    const { head, destination, source } = cell;
    return { place: head, position: destination, text: `${text(destination)} ← ${text(source)}` };
  }
  const [place = "", at] = address.split("@");
  const edge = place.includes("->");
  if (at === undefined || edge)
    return { place: edge ? address : place, position: null, text: undefined };
  return { place, position: Number(at), text: text(Number(at)) };
}

function AuditTable({ rows, whole }: { rows: readonly AuditRow[]; whole: boolean }) {
  const board = useBoard();
  const { cell } = gradientState(board);
  const tokens = board.kernel.tokens.value;
  const select = (address: string) => {
    const { place, position } = named(address, tokens);
    if (cellOf(address)) {
      cell.value = address;
      board.layout.from("gradients", place);
    }
    void (place.includes("->") ? board.select([place]) : board.select([place], position));
  };
  return (
    <div class="audit-table">
      <table class="neuron-table" data-testid="gradients-audit-table">
        <thead>
          <tr>
            <th scope="col">{whole ? "measured" : "worst misses"}</th>
            <th scope="col">estimate</th>
            <th scope="col">exact</th>
            <th scope="col" title="Estimate minus exact">
              miss
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={row.address}
              data-testid="audit-row"
              data-address={row.address}
              data-estimate={row.estimate}
              data-exact={row.exact}
            >
              <th scope="row">
                <button type="button" onClick={() => select(row.address)}>
                  {row.address}
                </button>
                {named(row.address, tokens).text !== undefined && (
                  <span class="faint"> {named(row.address, tokens).text}</span>
                )}
              </th>
              <td class="number">{signed(row.estimate, 3)}</td>
              <td class="number">{isMeasured(row) ? signed(row.exact, 3) : "…"}</td>
              <td class="number">{isMeasured(row) ? signed(missOf(row), 3) : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
