import { format } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { Picture } from "../../state/kernel";
import { endsOf, floats } from "../shared/sides";
import { range } from "../shared/TokenBars";
import { showToken } from "../shared/token";

const WIDTH = 250;
const HEIGHT = 170;
const PAD = 10;

/** The model's own activation function, with this prompt's tokens on it. */
export function Curve({ picture, gated }: { picture: Picture; gated: boolean }) {
  const board = useBoard();
  const tokens = board.kernel.tokens.value;
  const focus = board.position.value;
  const [cx, cy] = [floats(picture, "curve_x"), floats(picture, "curve_y")];
  const [pre, dot] = [endsOf(picture, "pre"), endsOf(picture, "dot")];
  if (cx.length === 0) {
    return <p class="faint">This activation function is not one of a single number.</p>;
  }
  const [left, right] = [cx[0] as number, cx[cx.length - 1] as number];
  const [low, high] = range(cy, dot.now, dot.baseline);
  const x = (v: number) => PAD + ((v - left) / (right - left)) * (WIDTH - 2 * PAD);
  const y = (v: number) => PAD + ((high - v) / (high - low)) * (HEIGHT - 2 * PAD);
  const path = [...cx]
    .map((v, i) => `${i ? "L" : "M"}${x(v).toFixed(1)} ${y(cy[i] as number).toFixed(1)}`)
    .join("");
  const [fx, fy] = [pre.now[focus] ?? 0, dot.now[focus] ?? 0];
  const name = showToken(tokens[focus]?.text ?? "");
  const label = `Activation function; at the token looked at ${format(fx, 3)} becomes ${format(fy, 3)}`;
  return (
    <figure class="curve">
      <svg width={WIDTH} height={HEIGHT} role="img" aria-label={label} data-testid="neuron-curve">
        <line class="bars-zero" x1={PAD} x2={WIDTH - PAD} y1={y(0)} y2={y(0)} />
        <line class="bars-zero" x1={x(0)} x2={x(0)} y1={PAD} y2={HEIGHT - PAD} />
        <path class="curve-line" d={path} />
        {tokens.map(({ index, text }) => (
          <g key={index}>
            <title>{`${showToken(text)}: ${format(pre.baseline[index], 3)} → ${format(pre.now[index], 3)}; ${format(dot.baseline[index], 3)} → ${format(dot.now[index], 3)}`}</title>
            <circle
              class="curve-base"
              cx={x(pre.baseline[index] ?? 0)}
              cy={y(dot.baseline[index] ?? 0)}
              r={4}
            />
            <circle
              class="curve-now"
              cx={x(pre.now[index] ?? 0)}
              cy={y(dot.now[index] ?? 0)}
              r={3}
            />
          </g>
        ))}
        <circle class="curve-focus" cx={x(fx)} cy={y(fy)} r={7} />
        <text
          class="curve-name"
          x={x(fx) + (fx > (left + right) / 2 ? -11 : 11)}
          y={y(fy) - 9}
          text-anchor={fx > (left + right) / 2 ? "end" : "start"}
        >
          {name}
        </text>
      </svg>
      <figcaption class="faint">
        {gated ? "gate → act(gate), then × up" : "before → after the activation function"}; filled
        now, open at the baseline
      </figcaption>
    </figure>
  );
}
