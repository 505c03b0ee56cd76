import type { Signal } from "@preact/signals";
import { type Heights, linePath, spread } from "../../draw/chart";
import { useSize } from "./useSize";

export interface Series {
  key: string;
  label: string;
  colour: string;
  now: readonly number[];
  base: readonly number[];
}

interface Props {
  name: string;
  label: string;
  /** Names along the bottom. */
  points: readonly string[];
  series: readonly Series[];
  heights: (top: number, height: number) => Heights;
  /** The point looked at, which the caller describes. */
  at: Signal<number | null>;
  pick?: (point: number) => void;
}

const PLACE = { left: 42, right: 84, top: 10, height: 190, bottom: 22 };
const LABEL = 13;
const FEW = 46;

/** Lines through the layers: now drawn out, the baseline dashed. */
export function LineChart({ name, label, points, series, heights, at, pick }: Props) {
  const { ref, size } = useSize();
  const plot = Math.max(60, size.value.width - PLACE.left - PLACE.right);
  const step = plot / Math.max(1, points.length - 1);
  const xs = points.map((_, i) => PLACE.left + i * step);
  const scale = heights(PLACE.top, PLACE.height);
  const move = (by: number) => {
    at.value = Math.max(0, Math.min(points.length - 1, (at.peek() ?? points.length - 1) + by));
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "ArrowLeft") move(-1);
    else if (event.key === "ArrowRight") move(1);
    else if (event.key === "Enter" && at.peek() !== null) pick?.(at.peek() as number);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const nearest = (x: number) =>
    Math.max(0, Math.min(points.length - 1, Math.round((x - PLACE.left) / step)));
  return (
    <div class="chart" ref={ref}>
      <svg
        data-testid={name}
        width={size.value.width}
        height={PLACE.top + PLACE.height + PLACE.bottom}
        role="application"
        aria-roledescription="chart"
        aria-label={`${label}. Left and right arrows move through the layers.`}
        tabindex={0}
        onKeyDown={onKey}
        onPointerMove={(event) => {
          at.value = nearest(event.offsetX);
        }}
        onPointerLeave={() => {
          at.value = null;
        }}
        onClick={(event) => pick?.(nearest(event.offsetX))}
      >
        <Frame points={points} xs={xs} scale={scale} end={PLACE.left + plot} />
        {at.value !== null && (
          <line
            class="chart-cursor"
            x1={xs[at.value]}
            x2={xs[at.value]}
            y1={PLACE.top}
            y2={PLACE.top + PLACE.height}
          />
        )}
        <Lines series={series} xs={xs} scale={scale} />
        <Ends series={series} scale={scale} x={PLACE.left + plot + 6} />
      </svg>
    </div>
  );
}

interface FrameProps {
  points: readonly string[];
  xs: readonly number[];
  scale: Heights;
  end: number;
}

function Frame({ points, xs, scale, end }: FrameProps) {
  const step = (xs[1] ?? 0) - (xs[0] ?? 0);
  const every = Math.max(1, Math.ceil(FEW / Math.max(1, step)));
  return (
    <g class="chart-frame">
      {scale.ticks.map(({ value, label }) => (
        <g key={value}>
          <line x1={PLACE.left} x2={end} y1={scale.at(value)} y2={scale.at(value)} />
          <text x={PLACE.left - 6} y={scale.at(value)} text-anchor="end" dy="0.32em">
            {label}
          </text>
        </g>
      ))}
      {points.map((point, i) =>
        i % every === 0 || i === points.length - 1 ? (
          <text key={point} x={xs[i]} y={PLACE.top + PLACE.height + 16} text-anchor="middle">
            {point}
          </text>
        ) : null,
      )}
    </g>
  );
}

interface LinesProps {
  series: readonly Series[];
  xs: readonly number[];
  scale: Heights;
}

function Lines({ series, xs, scale }: LinesProps) {
  return series.map(({ key, colour, now, base }) => {
    const nowYs = now.map(scale.at);
    return (
      <g key={key} data-testid="chart-line" data-key={key}>
        <path class="chart-base" d={linePath(xs, base.map(scale.at))} stroke={colour} />
        <path class="chart-now" d={linePath(xs, nowYs)} stroke={colour} />
        {xs.length < FEW &&
          nowYs.map((y, i) =>
            Number.isNaN(y) ? null : <circle key={xs[i]} cx={xs[i]} cy={y} r={2.4} fill={colour} />,
          )}
      </g>
    );
  });
}

/** The name of each line at its end. */
function Ends({ series, scale, x }: { series: readonly Series[]; scale: Heights; x: number }) {
  const wanted = series.map(({ now }) => {
    const y = scale.at(now[now.length - 1] ?? Number.NaN);
    return Number.isNaN(y) ? PLACE.top : y;
  });
  const ys = spread(wanted, LABEL, PLACE.top, PLACE.top + PLACE.height);
  return series.map(({ key, label, colour }, i) => (
    <text key={key} class="chart-end" x={x} y={ys[i]} dy="0.32em" fill={colour}>
      {label.length > 11 ? `${label.slice(0, 10)}…` : label}
    </text>
  ));
}
