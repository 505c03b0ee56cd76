import { compact, format, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { Picture } from "../../state/kernel";
import type { MlpInfo } from "../../wire/types";
import { Segmented } from "../shared/Segmented";
import { type Ends, endsOf } from "../shared/sides";
import { range, TokenBars } from "../shared/TokenBars";

const SHOWN = [
  { value: "norm", label: "length written" },
  { value: "active", label: "neurons above 0" },
] as const;

/** What the whole MLP writes, and how many neurons it takes to explain it. */
export function LayerTotal({ picture, info }: { picture: Picture; info: MlpInfo }) {
  const board = useBoard();
  const tokens = board.kernel.tokens.value;
  const position = board.position.value;
  const shown = board.ui.local<"norm" | "active">("mlp.total", "norm");
  const ends = endsOf(picture, shown.value);
  const digits = shown.value === "norm" ? 3 : 0;
  return (
    <div class="mlp-total">
      <div>
        <div class="row">
          <Segmented
            label="What the bars show for each token"
            name="mlp-total"
            options={SHOWN}
            value={shown}
          />
          <span class="pair" data-testid="mlp-total-value">
            <Pair ends={ends} at={position} digits={digits} />
          </span>
        </div>
        <TokenBars
          tokens={tokens}
          ends={ends}
          label={`${shown.value === "norm" ? "Length of what the MLP writes" : "Neurons above 0"}, for each token`}
          testid="mlp-bars"
          focus={position}
          digits={digits}
          pick={(index) => void board.select(board.selection.peek(), index)}
        />
      </div>
      {info.now && info.base && <Explained picture={picture} info={info} />}
    </div>
  );
}

export function Pair({ ends, at, digits }: { ends: Ends; at: number; digits: number }) {
  const [now, base] = [ends.now[at], ends.baseline[at]];
  return (
    <>
      {format(base, digits)} <span class="arrow">→</span> <b>{format(now, digits)}</b>
    </>
  );
}

const WIDTH = 200;
const HEIGHT = 74;

/** Running sums of the neurons' direct effects, the largest first. */
function Explained({ picture, info }: { picture: Picture; info: MlpInfo }) {
  const sums = endsOf(picture, "sum");
  if (!info.now || !info.base || sums.now.length === 0) return null;
  const { now, base } = info;
  const all = now.total - now.bias - now.rest;
  const [low, high] = range(sums.now, sums.baseline, [all]);
  const count = sums.now.length;
  const x = (i: number) => (Math.log(i + 1) / Math.log(Math.max(2, count))) * WIDTH;
  const y = (v: number) => 3 + ((high - v) / (high - low)) * (HEIGHT - 6);
  const path = (values: Float32Array) =>
    [...values].map((v, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`).join("");
  const ten = sums.now[Math.min(9, count - 1)] ?? 0;
  const label = `The 10 neurons of the largest direct effect sum to ${signed(ten, 3)}; all of them to ${signed(all, 3)}`;
  return (
    <div class="explained">
      <div class="pair" title="Direct effect of the whole MLP on the metric, in logits">
        direct {signed(base.total, 3)} <span class="arrow">→</span>{" "}
        <b data-testid="mlp-direct">{signed(now.total, 3)}</b>
      </div>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        height={HEIGHT}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        <title>{label}</title>
        <line class="bars-zero" x1={0} x2={WIDTH} y1={y(0)} y2={y(0)} />
        <line class="explained-all" x1={0} x2={WIDTH} y1={y(all)} y2={y(all)} />
        <path class="explained-base" d={path(sums.baseline)} />
        <path class="explained-now" d={path(sums.now)} />
        <line class="explained-ten" x1={x(9)} x2={x(9)} y1={0} y2={HEIGHT} />
      </svg>
      <p class="faint">
        top 10 of {info.n_neurons}: {signed(ten)} of {signed(all)}
        {now.bias !== 0 && `; bias ${signed(now.bias)}`}
        {Math.abs(now.rest) > 1e-3 && `; changed output ${signed(now.rest)}`}
        {info.post_norm && `; the norm after the MLP held at its scale`}
        <span class="sr-only"> {compact(count)} summed</span>
      </p>
    </div>
  );
}
