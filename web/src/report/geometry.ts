import type { Link, Shape } from "./types";

export interface Point {
  x: number;
  y: number;
}

export interface Place extends Point {
  address: string;
  /** What it is called on the map: a neuron by its number, beside its MLP. */
  label: string;
  /** Whether the circuit holds it. */
  inside: boolean;
}

export interface Wire {
  link: Link;
  from: string;
  to: string;
  /** By which input the receiver reads: q, k, v, or nothing. */
  input: string;
  path: string;
}

export interface Wiring {
  width: number;
  height: number;
  places: Place[];
  wires: Wire[];
}

const LAYER = 74;
const MARGIN = { x: 36, y: 34 };
const COLUMN = { least: 24, most: 120 };
/** Neurons stand beside their MLP, and from there upwards: their heads are below. */
const NEURON = { gap: 8, width: 56, height: 23, rows: 3 };
/** Where q, k and v enter a head. */
const INPUTS: Readonly<Record<string, number>> = { q: -8, k: 0, v: 8 };

/** The part that an end of an edge belongs to, and by what it reads. */
export function endOf(end: string): { part: string; input: string } {
  const place = end.split("@")[0] as string;
  const found = /^(L\d+H\d+)\.([qkv])$/.exec(place);
  return found
    ? { part: found[1] as string, input: found[2] as string }
    : { part: place, input: "" };
}

/** The neurons that are ends of edges, by layer, in order. */
export function neuronsOf(links: readonly Link[]): Map<number, number[]> {
  const found = new Map<number, Set<number>>();
  for (const { edge } of links) {
    for (const [, layer, neuron] of edge.matchAll(/L(\d+)\.mlp\.n(\d+)/g)) {
      const known = found.get(Number(layer)) ?? new Set();
      found.set(Number(layer), known.add(Number(neuron)));
    }
  }
  return new Map([...found].map(([layer, numbers]) => [layer, [...numbers].sort((a, b) => a - b)]));
}

/**
 * Where every part of a model stands: layers upwards, heads from left to right, then the MLP, and
 * beside it its neurons that have wires.
 */
export function wiring(shape: Shape, links: readonly Link[], room: number): Wiring {
  const neurons = neuronsOf(links);
  const most = Math.max(0, ...[...neurons.values()].map((numbers) => numbers.length));
  const beyond = most && NEURON.gap + Math.ceil(most / NEURON.rows) * NEURON.width;
  const columns = shape.n_heads + (shape.mlps ? 1 : 0);
  const step = Math.max(
    COLUMN.least,
    Math.min(COLUMN.most, (room - beyond - 2 * MARGIN.x) / Math.max(1, columns - 1)),
  );
  const width = 2 * MARGIN.x + step * Math.max(1, columns - 1) + beyond;
  const height = 2 * MARGIN.y + LAYER * (shape.n_layers + 1);
  const at = new Map<string, Point>();
  const place = (address: string, x: number, y: number) => at.set(address, { x, y });
  place("embed", width / 2, height - MARGIN.y);
  place("logits", width / 2, MARGIN.y);
  for (let layer = 0; layer < shape.n_layers; layer += 1) {
    const y = height - MARGIN.y - LAYER * (layer + 0.85);
    for (let head = 0; head < shape.n_heads; head += 1) {
      place(`L${layer}H${head}`, MARGIN.x + step * head, y);
    }
    // The MLP comes after the heads of its layer.
    const mlp = { x: MARGIN.x + step * shape.n_heads, y: y - 0.38 * LAYER };
    if (shape.mlps) place(`L${layer}.mlp`, mlp.x, mlp.y);
    const numbers = neurons.get(layer) ?? [];
    const rows = Math.min(NEURON.rows, numbers.length);
    numbers.forEach((neuron, i) => {
      const x = mlp.x + NEURON.gap + NEURON.width * (1 + Math.floor(i / rows));
      const up = rows - 1 - (i % rows);
      place(`L${layer}.mlp.n${neuron}`, x, mlp.y - NEURON.height * up);
    });
  }
  const wires: Wire[] = [];
  const inside = new Set<string>();
  for (const link of links) {
    const [sender = "", receiver = ""] = link.edge.split("->");
    const { part: to, input } = endOf(receiver);
    const [a, b] = [at.get(sender), at.get(to)];
    if (!a || !b) continue;
    inside.add(sender).add(to);
    wires.push({ link, from: sender, to, input, path: curve(a, b, INPUTS[input] ?? 0) });
  }
  const places = [...at].map(([address, point]) => ({
    address,
    label: /\.(n\d+)$/.exec(address)?.[1] ?? address,
    ...point,
    inside: inside.has(address),
  }));
  return { width, height, places, wires };
}

/** From the top of one part to the bottom of another. */
function curve(from: Point, to: Point, shift: number): string {
  const [x1, y1] = [from.x, from.y - 9];
  const [x2, y2] = [to.x + shift, to.y + 10];
  const bend = Math.max(14, (y1 - y2) * 0.45);
  const p = [x1, y1, x1, y1 - bend, x2, y2 + bend, x2, y2].map((n) => n.toFixed(1));
  return `M${p[0]} ${p[1]}C${p[2]} ${p[3]} ${p[4]} ${p[5]} ${p[6]} ${p[7]}`;
}

/** All that lies on the wires into and out of a part, one step away. */
export function beside(wires: readonly Wire[], part: string): Set<string> {
  const found = new Set([part]);
  for (const { from, to } of wires) {
    if (from === part) found.add(to);
    if (to === part) found.add(from);
  }
  return found;
}
