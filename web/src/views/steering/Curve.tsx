import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { linePath } from "../../draw/chart";
import { format, percent, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { Picture } from "../../state/kernel";
import type { SteeringInfo } from "../../wire/types";
import { Disclosure } from "../shared/Disclosure";
import { floats } from "../shared/sides";
import { useSize } from "../shared/useSize";
import { marksFor } from "./place";
import { Steerer, steeringState } from "./state";

const LEFT = 46;
const RIGHT = 12;
const METRIC = { top: 8, height: 116 };
const CHANCES = { top: 148, height: 64 };
const BOTTOM = 24;

interface Swept {
  coefficients: Float32Array;
  metric: Float32Array;
  target: Float32Array;
  foil: Float32Array;
  /** The three in the run now: at the coefficient that is added. */
  here: Float32Array;
}

interface Props {
  picture: Picture | null;
  info: SteeringInfo;
}

/** What each coefficient does, by a run each: the metric, and the two probabilities. */
export function Curve({ picture, info }: Props) {
  const board = useBoard();
  const metric = board.kernel.metric.value;
  const state = steeringState(board);
  const swept: Swept = {
    coefficients: floats(picture, "coefficients"),
    metric: floats(picture, "metric"),
    target: floats(picture, "target"),
    foil: floats(picture, "foil"),
    here: floats(picture, "here"),
  };
  if (!metric?.name) {
    return <p class="empty">Give a target above, to see what each coefficient does to it.</p>;
  }
  if (swept.coefficients.length < 2) return null;
  return (
    <section aria-label="What each coefficient does">
      <h3>
        {metric.name}, <span class="is-target-text">p({metric.target.trim()})</span>
        {metric.foil.trim() && (
          <>
            {" "}
            and <span class="is-foil-text">p({metric.foil.trim()})</span>
          </>
        )}
      </h3>
      <Plot swept={swept} info={info} />
      <Disclosure title="Table" about="each coefficient" name="steering-table" open={state.table}>
        <Table swept={swept} />
      </Disclosure>
    </section>
  );
}

/** The points known, in order: a sweep fills in from coarse to fine. */
function known({ coefficients, metric, target, foil, here }: Swept): Swept {
  const pick = (data: Float32Array) => data.filter((_, i) => !Number.isNaN(metric[i]));
  return {
    coefficients: pick(coefficients),
    metric: pick(metric),
    target: pick(target),
    foil: pick(foil),
    here,
  };
}

function Plot({ swept, info }: { swept: Swept; info: SteeringInfo }) {
  const board = useBoard();
  const { ref, size } = useSize();
  const steerer = useMemo(() => new Steerer(board), [board]);
  const cursor = useSignal<number | null>(null);
  const { coefficients } = swept;
  const { reach } = info;
  const width = size.value.width;
  const plot = Math.max(80, width - LEFT - RIGHT);
  const x = (c: number) => LEFT + ((c + reach) / (2 * reach)) * plot;
  const nearest = (px: number) => {
    const part = (px - LEFT) / plot;
    const last = coefficients.length - 1;
    return Math.max(0, Math.min(last, Math.round(part * last)));
  };
  const set = (point: number | null) => {
    const coefficient = point === null ? undefined : coefficients[point];
    if (coefficient === undefined || !board.kernel.live.peek()) return;
    const { at, direction } = info;
    steerer.set({ at, direction, coefficient: Number(coefficient.toPrecision(6)) });
  };
  const onKey = (event: KeyboardEvent) => {
    const zero = (coefficients.length - 1) / 2;
    const at = cursor.peek() ?? zero;
    if (event.key === "ArrowLeft") cursor.value = Math.max(0, at - 1);
    else if (event.key === "ArrowRight") cursor.value = Math.min(coefficients.length - 1, at + 1);
    else if (event.key === "Enter") set(cursor.peek());
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const at = cursor.value;
  return (
    <div
      class="steering-curve"
      ref={ref}
      data-testid="steering-curve"
      data-known={known(swept).coefficients.length}
      role="application"
      aria-roledescription="chart"
      aria-label="What each coefficient does. Left and right arrows move along it; Enter adds that much."
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move along it
      tabIndex={0}
      onKeyDown={onKey}
    >
      <svg
        aria-hidden="true"
        width={width}
        height={CHANCES.top + CHANCES.height + BOTTOM}
        onPointerMove={(event) => {
          cursor.value = nearest(event.offsetX);
        }}
        onPointerLeave={() => {
          cursor.value = null;
        }}
        onClick={(event) => set(nearest(event.offsetX))}
      >
        <Lines swept={known(swept)} x={x} end={LEFT + plot} info={info} />
        {at !== null && (
          <line
            class="chart-cursor"
            x1={x(coefficients[at] ?? 0)}
            x2={x(coefficients[at] ?? 0)}
            y1={METRIC.top}
            y2={CHANCES.top + CHANCES.height}
          />
        )}
      </svg>
      <Readout swept={swept} at={at} info={info} />
    </div>
  );
}

interface LinesProps {
  swept: Swept;
  x: (coefficient: number) => number;
  end: number;
  info: SteeringInfo;
}

function Lines({ swept, x, end, info }: LinesProps) {
  const { coefficients, metric, target, foil, here } = swept;
  const xs = [...coefficients].map(x);
  const seen = [...metric, here[0] ?? 0].filter(Number.isFinite);
  const low = Math.min(0, ...seen);
  const high = Math.max(low + 1e-6, 0, ...seen);
  const y = (value: number) => METRIC.top + ((high - value) / (high - low)) * METRIC.height;
  const p = (value: number) => CHANCES.top + (1 - value) * CHANCES.height;
  const now = info.coefficient;
  const bottom = CHANCES.top + CHANCES.height;
  return (
    <>
      <g class="chart-frame">
        {marksFor(low, high).map((value) => (
          <Mark key={value} y={y(value)} end={end} text={plain(value)} />
        ))}
        {[0, 0.5, 1].map((part) => (
          <Mark key={part} y={p(part)} end={end} text={`${100 * part}%`} />
        ))}
        <line class="curve-zero" x1={x(0)} x2={x(0)} y1={METRIC.top} y2={bottom} />
        {marksFor(-info.reach, info.reach).map((value) => (
          <text key={value} x={x(value)} y={bottom + 16} text-anchor="middle">
            {plain(value)}
          </text>
        ))}
      </g>
      <path class="chart-now curve-metric" d={linePath(xs, [...metric].map(y))} />
      <path class="chart-now curve-target" d={linePath(xs, [...target].map(p))} />
      <path class="chart-now curve-foil" d={linePath(xs, [...foil].map(p))} />
      {Math.abs(now) <= info.reach && (
        <g class="curve-here" data-testid="steering-here">
          <line x1={x(now)} x2={x(now)} y1={METRIC.top} y2={bottom} />
          <Dot x={x(now)} y={y(here[0] ?? Number.NaN)} name="metric" />
          <Dot x={x(now)} y={p(here[1] ?? Number.NaN)} name="target" />
          <Dot x={x(now)} y={p(here[2] ?? Number.NaN)} name="foil" />
        </g>
      )}
    </>
  );
}

function plain(value: number): string {
  return String(value).replace("-", "\u2212");
}

function Mark({ y, end, text }: { y: number; end: number; text: string }) {
  return (
    <g>
      <line x1={LEFT} x2={end} y1={y} y2={y} />
      <text x={LEFT - 6} y={y} text-anchor="end" dy="0.32em">
        {text}
      </text>
    </g>
  );
}

function Dot({ x, y, name }: { x: number; y: number; name: string }) {
  return Number.isNaN(y) ? null : <circle class={`curve-dot-${name}`} cx={x} cy={y} r={3.5} />;
}

/** The values under the pointer, or at the coefficient that is added now. */
function Readout({ swept, at, info }: { swept: Swept; at: number | null; info: SteeringInfo }) {
  const { coefficients } = swept;
  const c = at === null ? info.coefficient : (coefficients[at] ?? 0);
  const values = at === null ? swept.here : [swept.metric[at], swept.target[at], swept.foil[at]];
  const [metric = Number.NaN, one = Number.NaN, two = Number.NaN] = values;
  const { target = "", foil = "", name = "" } = useBoard().kernel.metric.value ?? {};
  return (
    <p class="steering-readout" data-testid="steering-readout" aria-live="polite">
      <b>{signed(c, 3)}</b>: {name} <b>{format(metric, 3)}</b>, p(<code>{target.trim()}</code>){" "}
      {chance(one)}
      {foil.trim() && (
        <>
          , p(<code>{foil.trim()}</code>) {chance(two)}
        </>
      )}
    </p>
  );
}

function chance(value: number): string {
  return Number.isNaN(value) ? "–" : percent(value);
}

function Table({ swept }: { swept: Swept }) {
  const { coefficients, metric, target, foil } = swept;
  const { target: one = "", foil: other = "", name = "" } = useBoard().kernel.metric.value ?? {};
  return (
    <div class="steering-scroll">
      <table class="logit-table">
        <thead>
          <tr>
            <th scope="col">coefficient</th>
            <th scope="col">{name}</th>
            <th scope="col">p({one.trim()})</th>
            {other.trim() && <th scope="col">p({other.trim()})</th>}
          </tr>
        </thead>
        <tbody>
          {[...coefficients].map((c, i) => (
            <tr key={c} data-testid="steering-row" data-coefficient={c} data-metric={metric[i]}>
              <th scope="row">{signed(c, 3)}</th>
              <td>{format(metric[i], 4)}</td>
              <td>{chance(target[i] ?? Number.NaN)}</td>
              {other.trim() && <td>{chance(foil[i] ?? Number.NaN)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
