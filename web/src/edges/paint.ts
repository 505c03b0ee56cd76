import { SANS } from "../draw/canvas";
import type { Palette } from "../draw/theme";
import { boundsOf, type Curve, endAngle, pointAt } from "./curve";
import { inputLabel } from "./edge";
import { DASHES, type Wire } from "./wire";

const HEAD = 7;
/** Receivers narrower than this have no room for the names of their inputs. */
const LABELS_FROM = 18;
const WIDE_FROM = 44;

interface Ground {
  context: CanvasRenderingContext2D;
  palette: Palette;
  width: number;
  height: number;
}

function trace(context: CanvasRenderingContext2D, { from, a, b, to }: Curve): void {
  context.beginPath();
  context.moveTo(...from);
  context.bezierCurveTo(...a, ...b, ...to);
}

function inSight({ width, height }: Ground, curve: Curve): boolean {
  const box = boundsOf(curve);
  return box.x < width && box.y < height && box.x + box.width > 0 && box.y + box.height > 0;
}

/** A curve that stops where its arrowhead begins. */
function shortened(curve: Curve, by: number): Curve {
  const angle = endAngle(curve);
  const [dx, dy] = [by * Math.cos(angle), by * Math.sin(angle)];
  const { to, b } = curve;
  return { ...curve, to: [to[0] - dx, to[1] - dy], b: [b[0] - dx, b[1] - dy] };
}

function arrowhead(context: CanvasRenderingContext2D, curve: Curve, size: number): void {
  const [x, y] = curve.to;
  const angle = endAngle(curve);
  context.save();
  context.translate(x, y);
  context.rotate(angle);
  context.beginPath();
  context.moveTo(0, 0);
  context.lineTo(-size, size * 0.52);
  context.lineTo(-size * 0.8, 0);
  context.lineTo(-size, -size * 0.52);
  context.closePath();
  context.restore();
}

function paintLine(ground: Ground, wire: Wire, strong: boolean): void {
  const { context, palette } = ground;
  const { look, edge } = wire;
  const size = HEAD + look.width * 0.9;
  const line = shortened(wire.curve, size * 0.75);
  context.lineCap = "round";
  context.lineJoin = "round";
  trace(context, line);
  context.globalAlpha = 0.85 * look.alpha;
  context.strokeStyle = palette.bg;
  context.lineWidth = look.width + 3;
  context.stroke();
  if (strong) {
    context.globalAlpha = 0.3;
    context.strokeStyle = look.colour;
    context.lineWidth = look.width + 6;
    context.stroke();
  }
  context.globalAlpha = look.alpha;
  const scale = Math.max(1, look.width / 2.25);
  context.setLineDash(DASHES[edge.input].map((part) => part * (part < 1 ? 1 : scale)));
  context.strokeStyle = look.colour;
  context.lineWidth = look.width;
  context.stroke();
  context.setLineDash([]);
  arrowhead(context, wire.curve, size);
  context.lineWidth = 2;
  context.strokeStyle = palette.bg;
  context.stroke();
  context.fillStyle = look.colour;
  context.fill();
  context.globalAlpha = 1;
}

/** A mark on the line: what is done to it, or that it goes through MLPs. */
function paintMarks(ground: Ground, { curve, look, edge }: Wire): void {
  const { context, palette } = ground;
  context.globalAlpha = look.alpha;
  context.strokeStyle = look.colour;
  context.fillStyle = palette.bg;
  context.lineWidth = 1.75;
  if (edge.mlps) {
    const [x, y] = pointAt(curve, look.mark ? 0.36 : 0.5);
    context.beginPath();
    context.roundRect(x - 5, y - 3.5, 10, 7, 2);
    context.fill();
    context.stroke();
  }
  if (look.mark) {
    const [x, y] = pointAt(curve, edge.mlps ? 0.62 : 0.5);
    context.beginPath();
    context.arc(x, y, 5.5, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
    context.beginPath();
    const r = 2.2;
    context.moveTo(x - r, y + r);
    context.lineTo(x + r, y - r);
    if (look.mark === "cut") {
      context.moveTo(x - r, y - r);
      context.lineTo(x + r, y + r);
    }
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** The names of the inputs, each once for a receiver. */
function paintLabels({ context, palette }: Ground, wires: readonly Wire[]): void {
  const done = new Set<string>();
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { edge, curve, look, room } of wires) {
    const text = inputLabel(edge);
    const key = `${edge.receiver} ${text}`;
    if (!text || room < LABELS_FROM || done.has(key)) continue;
    done.add(key);
    const wide = room >= WIDE_FROM;
    context.font = `600 ${wide ? 10 : 8.5}px ${SANS}`;
    const width = context.measureText(text).width + (wide ? 6 : 2);
    const down = wide ? 17 : edge.input === "k" || text === "qkv" ? 24 : 15;
    const [x, y] = [curve.to[0], curve.to[1] + down];
    context.globalAlpha = Math.max(0.5, look.alpha);
    context.beginPath();
    context.roundRect(x - width / 2, y - 6, width, 12, 4);
    context.fillStyle = palette.bg;
    context.fill();
    context.fillStyle = palette.text;
    context.fillText(text, x, y + 0.5);
  }
  context.globalAlpha = 1;
}

/** Paints edges in their order, the later over the earlier, and their labels over all. */
export function paintWires(ground: Ground, wires: readonly Wire[], hover: string | null): void {
  const seen = wires.filter(({ curve }) => inSight(ground, curve));
  for (const wire of seen) paintLine(ground, wire, wire.edge.address === hover);
  for (const wire of seen) paintMarks(ground, wire);
  paintLabels(ground, seen);
}

/** A cable whose end is in somebody's hand. */
export function paintLoose({ context, palette }: Ground, curve: Curve, lands: boolean): void {
  const size = HEAD + 2;
  context.lineCap = "round";
  for (const [style, width] of [
    [palette.bg, 6],
    [palette.accent, 2.5],
  ] as const) {
    trace(context, shortened(curve, size * 0.7));
    context.strokeStyle = style;
    context.lineWidth = width;
    context.setLineDash(lands || style === palette.bg ? [] : [6, 5]);
    context.stroke();
  }
  context.setLineDash([]);
  arrowhead(context, curve, size);
  context.fillStyle = palette.accent;
  context.fill();
  context.beginPath();
  context.arc(...curve.from, 3.5, 0, 2 * Math.PI);
  context.fill();
}
