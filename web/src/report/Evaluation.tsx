import { format, percent, signed } from "../draw/number";
import { curveOf, FRAME } from "./curve";
import type { Evaluation as Evaluated, Explanation, Faithfulness, Point } from "./types";

/** How faithful the circuit is, at its size and at others, and what chance gives. */
export function Evaluation({ explanation }: { explanation: Explanation }) {
  const found = explanation.evaluation;
  if (!found) return null;
  return (
    <section aria-label="Evaluation" data-testid="evaluation">
      <h2>Evaluation</h2>
      <p class="muted">
        Faithfulness is (m(circuit) − m(nothing)) / (m(all edges) − m(nothing)); in brackets the
        middle 95 % over bootstrap draws of the pairs.
      </p>
      {found.curve && <Sizes points={found.curve.points} />}
      {found.curve && (
        <p>
          Area under the curve (CPR) {format(found.curve.cpr, 3)}, area between it and 1 (CMD){" "}
          {format(found.curve.cmd, 3)}, over shares of edges.
        </p>
      )}
      <table data-testid="evaluation-table">
        <tbody>
          {rows(found).map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function rows(e: Evaluated): [string, string][] {
  const out: [string, string][] = e.faithfulness.map((one) => [
    `Faithfulness, all else by ${one.how}`,
    interval(one),
  ]);
  if (e.held_out) out.push([`On ${e.held_out.pairs} other pairs`, interval(e.held_out)]);
  if (e.chance) {
    const { draws, mean, sd, below } = e.chance;
    const text = `${format(mean, 3)} ± ${format(sd, 3)}; ${percent(below)} of ${draws} are less faithful`;
    out.push(["Random circuits of its size", text]);
  }
  const [gap] = e.completeness;
  if (gap) {
    const what = gap.nodes.length ? gap.nodes.join(", ") : "all of its edges";
    out.push([
      "Completeness: worst gap",
      `${format(Math.abs(gap.model - gap.circuit), 3)}, without ${what} (model ${format(gap.model, 3)}, circuit ${format(gap.circuit, 3)})`,
    ]);
  }
  const [least] = e.minimality;
  if (least) {
    out.push([
      "Minimality: least change",
      `${signed(least.change, 3)} of faithfulness lost without ${least.part}`,
    ]);
  }
  if (e.truth) {
    out.push([
      "Against the known circuit",
      `AUROC of edges ${format(e.truth.edges, 3)}, of nodes ${format(e.truth.nodes, 3)}`,
    ]);
  }
  return out;
}

function interval({ value, low, high }: Faithfulness | Point): string {
  if (low === null || high === null) return format(value, 3);
  return `${format(value, 3)} [${format(low, 3)}, ${format(high, 3)}]`;
}

function Sizes({ points }: { points: Point[] }) {
  const { line, band, points: drawn, xTicks, yTicks } = curveOf(points);
  const right = FRAME.width - FRAME.right;
  const bottom = FRAME.height - FRAME.bottom;
  return (
    <svg
      class="curve"
      data-testid="curve"
      viewBox={`0 0 ${FRAME.width} ${FRAME.height}`}
      role="img"
      aria-label={`Faithfulness by share of edges: ${points
        .map((point) => `${percent(point.fraction)} ${format(point.value)}`)
        .join(", ")}`}
    >
      {yTicks.map(({ at, label }) => (
        <g key={label}>
          <line x1={FRAME.left} x2={right} y1={at} y2={at} />
          <text x={FRAME.left - 7} y={at} dy="0.32em" text-anchor="end">
            {label}
          </text>
        </g>
      ))}
      {xTicks.map(({ at, label }, i) =>
        i % 2 === 0 || i === xTicks.length - 1 ? (
          <text key={label} x={at} y={bottom + 16} text-anchor="middle">
            {label}
          </text>
        ) : null,
      )}
      <text x={right} y={FRAME.height - 3} text-anchor="end">
        share of all edges
      </text>
      <path class="band" d={band} />
      <path class="line" d={line} />
      {drawn.map(({ x, y, point }) => (
        <circle key={point.fraction} cx={x} cy={y} r={3.4}>
          <title>{`${point.edges} edges: ${interval(point)}`}</title>
        </circle>
      ))}
    </svg>
  );
}
