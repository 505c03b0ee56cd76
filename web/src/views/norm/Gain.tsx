import { format } from "../../draw/number";
import type { Picture } from "../../state/kernel";
import { floats } from "../shared/sides";
import { range } from "../shared/TokenBars";
import { bySize } from "./rows";

const WIDTH = 240;
const HEIGHT = 90;
const ENDS = 5;

/** The gain, sorted, and the dimensions at its two ends. */
export function Gain({ picture }: { picture: Picture }) {
  const gain = floats(picture, "gain");
  if (gain.length === 0) return null;
  const sorted = Float32Array.from(gain).sort().reverse();
  const [low, high] = range(sorted);
  const x = (i: number) => (i / Math.max(1, sorted.length - 1)) * WIDTH;
  const y = (v: number) => 4 + ((high - v) / (high - low)) * (HEIGHT - 8);
  const path = [...sorted]
    .map((v, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`)
    .join("");
  const order = bySize(gain);
  const name = (i: number) => `${i} ×${format(gain[i], 2)}`;
  const most = order.slice(0, ENDS).map(name).join(", ");
  const least = order.slice(-ENDS).reverse().map(name).join(", ");
  const label = `Gains from ${format(sorted[0], 3)} to ${format(sorted[sorted.length - 1], 3)}`;
  return (
    <section class="gain" aria-label="Gain" data-testid="norm-gain">
      <h3>Gain, sorted</h3>
      <svg width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
        <title>{label}</title>
        <line class="bars-zero" x1={0} x2={WIDTH} y1={y(0)} y2={y(0)} />
        {high > 1 && <line class="explained-all" x1={0} x2={WIDTH} y1={y(1)} y2={y(1)} />}
        <path class="explained-now" d={path} />
        <text class="axis" x={WIDTH} y={11} text-anchor="end">
          {format(high)}
        </text>
        {low < 0 && (
          <text class="axis" x={0} y={HEIGHT - 3}>
            {format(low)}
          </text>
        )}
      </svg>
      <dl class="gain-ends">
        <dt>most amplified</dt>
        <dd>{most}</dd>
        <dt>most suppressed</dt>
        <dd>{least}</dd>
      </dl>
    </section>
  );
}
