import type { Edge } from "./edge";

export type Point = readonly [number, number];

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A cubic curve: its ends and the two points that pull it. */
export interface Curve {
  from: Point;
  a: Point;
  b: Point;
  to: Point;
}

const REACH: readonly [number, number] = [14, 130];
/** Less height than this between two boxes, and the curve goes from side to side. */
const FLAT = 6;
/** Where along its lower edge a head reads: q left, k in the middle, v right. */
const PORTS = { q: 0.2, k: 0.5, v: 0.8, "": 0.5 } as const;

/** Where an edge enters its receiver. */
export function portOf(box: Box, input: Edge["input"]): Point {
  return [box.x + box.width * PORTS[input], box.y + box.height];
}

/** Out of the top of one box, into the bottom of another. */
export function curveTo(from: Box, to: Point): Curve {
  const start: Point = [from.x + from.width / 2, from.y];
  const rise = start[1] - to[1];
  const reach = Math.min(REACH[1], Math.max(REACH[0], Math.abs(rise) * 0.45));
  return { from: start, a: [start[0], start[1] - reach], b: [to[0], to[1] + reach], to };
}

/** From box to box; out of one side and into the other where they stand beside each other. */
export function curveBetween(from: Box, to: Box, input: Edge["input"]): Curve {
  const port = portOf(to, input);
  if (from.y - port[1] >= FLAT) return curveTo(from, port);
  const right = to.x >= from.x;
  const start: Point = [from.x + (right ? from.width : 0), from.y + from.height / 2];
  const end: Point = [to.x + (right ? 0 : to.width), to.y + to.height / 2];
  const lift = Math.max(REACH[0], Math.min(40, Math.abs(end[0] - start[0]) * 0.3));
  const pull = (end[0] - start[0]) * 0.3;
  return {
    from: start,
    a: [start[0] + pull, start[1] - lift],
    b: [end[0] - pull, end[1] - lift],
    to: end,
  };
}

export function pointAt({ from, a, b, to }: Curve, t: number): Point {
  const u = 1 - t;
  const [p, q, r, s] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
  return [
    p * from[0] + q * a[0] + r * b[0] + s * to[0],
    p * from[1] + q * a[1] + r * b[1] + s * to[1],
  ];
}

/** The direction at the end, in radians. */
export function endAngle({ a, b, to }: Curve): number {
  const back = b[0] === to[0] && b[1] === to[1] ? a : b;
  return Math.atan2(to[1] - back[1], to[0] - back[0]);
}

const STEPS = 24;

function toSegment(x: number, y: number, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

/** How far a point is from a curve. */
export function distance(curve: Curve, x: number, y: number): number {
  let least = Number.POSITIVE_INFINITY;
  let before = curve.from;
  for (let i = 1; i <= STEPS; i += 1) {
    const next = pointAt(curve, i / STEPS);
    least = Math.min(least, toSegment(x, y, before, next));
    before = next;
  }
  return least;
}

/** The smallest box that a curve cannot leave. */
export function boundsOf({ from, a, b, to }: Curve): Box {
  const xs = [from[0], a[0], b[0], to[0]];
  const ys = [from[1], a[1], b[1], to[1]];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** The item whose curve is nearest to a point, if one is near enough; the later of equals. */
export function nearest<T extends { curve: Curve }>(
  items: readonly T[],
  x: number,
  y: number,
  slack: number,
): T | null {
  let [found, least]: [T | null, number] = [null, slack];
  for (const item of items) {
    const box = boundsOf(item.curve);
    const off =
      x < box.x - slack ||
      x > box.x + box.width + slack ||
      y < box.y - slack ||
      y > box.y + box.height + slack;
    if (off) continue;
    const far = distance(item.curve, x, y);
    if (far <= least) [found, least] = [item, far];
  }
  return found;
}
