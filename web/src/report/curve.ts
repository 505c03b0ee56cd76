import { scaleLinear, scaleLog } from "d3-scale";
import type { Point } from "./types";

export interface Drawn {
  x: number;
  y: number;
  low: number;
  high: number;
  point: Point;
}

export interface Curve {
  points: Drawn[];
  line: string;
  band: string;
  xTicks: { at: number; label: string }[];
  yTicks: { at: number; label: string }[];
}

export const FRAME = { width: 560, height: 250, left: 44, right: 14, top: 12, bottom: 34 };

/** Faithfulness over the share of edges, on a logarithmic axis of sizes. */
export function curveOf(points: readonly Point[]): Curve {
  const shares = points.map(({ fraction }) => fraction);
  const x = scaleLog()
    .domain([Math.min(...shares), Math.max(...shares)])
    .range([FRAME.left, FRAME.width - FRAME.right]);
  const ends = points.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]);
  const y = scaleLinear()
    .domain([Math.min(0, ...ends), Math.max(1, ...ends)])
    .nice()
    .range([FRAME.height - FRAME.bottom, FRAME.top]);
  const drawn = points.map((point) => ({
    x: x(point.fraction),
    y: y(point.value),
    low: y(point.low ?? point.value),
    high: y(point.high ?? point.value),
    point,
  }));
  const line = path(drawn.map((d) => [d.x, d.y]));
  const upper = drawn.map((d): [number, number] => [d.x, d.high]);
  const lower = drawn.map((d): [number, number] => [d.x, d.low]).reverse();
  return {
    points: drawn,
    line,
    band: `${path([...upper, ...lower])}Z`,
    xTicks: shares.map((share) => ({
      at: x(share),
      label: `${Number((share * 100).toPrecision(2))}%`,
    })),
    yTicks: y.ticks(5).map((value) => ({ at: y(value), label: String(value) })),
  };
}

function path(points: [number, number][]): string {
  return points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}
