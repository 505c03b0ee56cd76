import type { ModelInfo } from "../../wire/types";

export type PartKind = "head" | "mlp" | "attn" | "norm" | "resid" | "embed" | "pos" | "logits";

/** A part's place on the map before zooming: x and y are its top left corner. */
export interface Part {
  address: string;
  kind: PartKind;
  layer: number;
  index: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The lines of one layer: where each sublayer reads from the spine and adds to it. */
export interface LayerLines {
  attnRead: number;
  attnWrite: number;
  mlpRead: number;
  mlpWrite: number;
  end: number;
}

export interface Layout {
  width: number;
  height: number;
  /** Cells alone, too small for lines. */
  compact: boolean;
  pitch: number;
  cellWidth: number;
  spine: number;
  headsLeft: number;
  headsRight: number;
  mlpLeft: number;
  top: number;
  bottom: number;
  embedY: number;
  unembedY: number;
  layers: LayerLines[];
  /** From the left edge of a head to that of the next. */
  step: number;
  parts: Part[];
  byAddress: ReadonlyMap<string, Part>;
  /** The heads of each layer, and one attention and MLP for each (no MLPs where there are none). */
  rows: Part[][];
  attns: Part[];
  mlps: Part[];
  /** Norms, dots on the stream, and what stands at the ends. */
  small: Part[];
}

export const END_WIDTH = 84;
export const END_HEIGHT = 24;
const POS_LEFT = 18;
const POS_WIDTH = 62;
const LABEL = 30;
const GUTTER = 26;
const EDGE = 12;
/** Screen pixels from layer to layer below which only cells are drawn. */
export const LINES_FROM = 24;
const MAX_PITCH = 150;
const MAX_CELL = 58;

interface Columns {
  spine: number;
  left: number;
  step: number;
  cell: number;
  mlpLeft: number;
  mlpWidth: number;
}

function columns(model: ModelInfo, width: number): Columns {
  const room = Math.max(60, width - LABEL - 2 * EDGE - 2 * GUTTER);
  const mlpWidth = model.attn_only ? 0 : Math.min(72, Math.max(10, room * 0.18));
  const end = (model.pos_embed ? POS_LEFT + POS_WIDTH : END_WIDTH / 2) - GUTTER;
  const step = Math.min(MAX_CELL, (room - Math.max(mlpWidth, end)) / model.n_heads);
  const gap = step >= 14 ? Math.max(3, step * 0.14) : step >= 7 ? 1 : 0;
  const heads = step * model.n_heads;
  const total = LABEL + heads + 2 * GUTTER + Math.max(mlpWidth, end);
  const left = Math.max(EDGE, (width - total) / 2) + LABEL;
  const spine = left + heads + GUTTER;
  return { spine, left, step, cell: step - gap, mlpLeft: spine + GUTTER, mlpWidth };
}

function layerLines(model: ModelInfo, base: number, pitch: number, compact: boolean): LayerLines {
  const at = (part: number) => base - part * pitch;
  if (compact) {
    return { attnRead: at(0), attnWrite: at(1), mlpRead: at(0), mlpWrite: at(1), end: at(1) };
  }
  if (model.attn_only || model.parallel) {
    const [read, write] = [at(0.14), at(0.8)];
    return { attnRead: read, attnWrite: write, mlpRead: read, mlpWrite: write, end: at(0.97) };
  }
  return {
    attnRead: at(0.06),
    attnWrite: at(0.58),
    mlpRead: at(0.66),
    mlpWrite: at(0.88),
    end: at(0.97),
  };
}

function headRow(model: ModelInfo, lines: LayerLines, compact: boolean): [number, number] {
  const span = lines.attnRead - lines.attnWrite;
  const share = compact ? 0.92 : model.attn_only || model.parallel ? 0.66 : 0.74;
  const height = compact ? span * share : Math.min(40, span * share);
  return [(lines.attnRead + lines.attnWrite) / 2 - height / 2, height];
}

function mlpBox(lines: LayerLines, pitch: number, compact: boolean): [number, number] {
  const reach = compact ? -0.04 * pitch : Math.min(8, pitch * 0.07);
  const height = lines.mlpRead - lines.mlpWrite + 2 * reach;
  return [lines.mlpWrite - reach, height];
}

function layerParts(model: ModelInfo, layer: number, layout: Layout, columns: Columns): Part[] {
  const lines = layout.layers[layer] as LayerLines;
  const [y, height] = headRow(model, lines, layout.compact);
  const parts: Part[] = [];
  const add = (kind: PartKind, address: string, index: number, place: number[]) => {
    const [x = 0, top = 0, width = 0, tall = 0] = place;
    parts.push({ address, kind, layer, index, x, y: top, width, height: tall });
  };
  const pad = layout.compact ? 0 : Math.min(5, (lines.attnRead - lines.attnWrite - height) / 2);
  const from = columns.left - LABEL;
  const reach = layout.headsRight - from + pad;
  add("attn", `L${layer}.attn`, 0, [from, y - pad, reach, height + 2 * pad]);
  for (let head = 0; head < model.n_heads; head += 1) {
    const x = columns.left + head * columns.step;
    add("head", `L${layer}H${head}`, head, [x, y, columns.cell, height]);
  }
  if (!layout.compact) {
    const norm = model.norm !== "none";
    if (norm) add("norm", `L${layer}.ln1.scale`, 0, normPlace(columns.spine - 13, lines.attnRead));
    const { end } = lines;
    add("resid", `L${layer}.resid_post`, 0, [columns.spine - 7, end - 6, 14, 12]);
    if (norm && !model.attn_only && !model.parallel) {
      add("norm", `L${layer}.ln2.scale`, 1, normPlace(columns.spine + 13, lines.mlpRead));
    }
  }
  if (!model.attn_only) {
    const [top, tall] = mlpBox(lines, layout.pitch, layout.compact);
    add("mlp", `L${layer}.mlp`, 0, [columns.mlpLeft, top, columns.mlpWidth, tall]);
  }
  return parts;
}

function normPlace(x: number, y: number): number[] {
  return [x - 6, y - 7, 12, 14];
}

function endParts(model: ModelInfo, layout: Layout): Part[] {
  const { spine, embedY, unembedY } = layout;
  const box = { width: END_WIDTH, height: END_HEIGHT, index: 0 };
  const x = spine - END_WIDTH / 2;
  const parts: Part[] = [{ address: "embed", kind: "embed", layer: -1, x, y: embedY, ...box }];
  if (model.pos_embed) {
    const place = { x: spine + POS_LEFT, y: embedY - 26, width: POS_WIDTH, height: 17 };
    parts.push({ address: "pos_embed", kind: "pos", layer: -1, index: 1, ...place });
  }
  if (model.norm !== "none") {
    const [nx = 0, ny = 0, width = 0, height = 0] = normPlace(spine, unembedY + END_HEIGHT + 16);
    const norm = { x: nx - 3, y: ny, width: width + 6, height };
    const layer = model.n_layers;
    parts.push({ address: "ln_final.scale", kind: "norm", layer, index: 0, ...norm });
  }
  const logits = { x, y: unembedY, ...box, index: 1 };
  parts.push({ address: "logits", kind: "logits", layer: model.n_layers, ...logits });
  return parts;
}

function margins(height: number): { ends: number; above: number; below: number } {
  const ends = Math.min(1, Math.max(0.84, height / 420));
  return { ends, above: 88 * ends, below: 100 * ends };
}

/** From layer to layer, before zooming. */
export function pitchOf(model: ModelInfo, height: number): number {
  const { above, below } = margins(height);
  return Math.min(MAX_PITCH, Math.max(2, (height - above - below) / model.n_layers));
}

/** Fits the whole model into a place; `zoom` decides what there is room for. */
export function layOut(model: ModelInfo, width: number, height: number, zoom: number): Layout {
  const { ends, above, below } = margins(height);
  const pitch = pitchOf(model, height);
  const compact = pitch * zoom < LINES_FROM;
  const place = columns(model, width);
  const tall = pitch * model.n_layers;
  const top = above + Math.max(0, (height - above - below - tall) / 2);
  const bottom = top + tall;
  const layout: Layout = {
    width,
    height,
    compact,
    pitch,
    cellWidth: place.cell,
    spine: place.spine,
    headsLeft: place.left,
    headsRight: place.left + place.step * model.n_heads - (place.step - place.cell),
    mlpLeft: place.mlpLeft,
    top,
    bottom,
    embedY: bottom + 42 * ends,
    unembedY: top - 58 * ends,
    layers: Array.from({ length: model.n_layers }, (_, layer) =>
      layerLines(model, bottom - layer * pitch, pitch, compact),
    ),
    step: place.step,
    parts: [],
    byAddress: new Map(),
    rows: [],
    attns: [],
    mlps: [],
    small: [],
  };
  layout.parts = endParts(model, layout);
  for (let l = 0; l < model.n_layers; l += 1)
    layout.parts.push(...layerParts(model, l, layout, place));
  layout.byAddress = new Map(layout.parts.map((part) => [part.address, part]));
  layout.rows = layout.layers.map(() => []);
  for (const part of layout.parts) {
    if (part.kind === "head") layout.rows[part.layer]?.push(part);
    else if (part.kind === "attn") layout.attns.push(part);
    else if (part.kind === "mlp") layout.mlps.push(part);
    else layout.small.push(part);
  }
  return layout;
}

interface Zoomed {
  k: number;
  x: number;
  y: number;
}

/** The heads in sight: layers from..to and columns left..right, the ends excluded. */
export function inSight(layout: Layout, { k, x, y }: Zoomed) {
  const { pitch, bottom, step, headsLeft, width, height } = layout;
  const layers = layout.layers.length;
  const columns = layout.rows[0]?.length ?? 0;
  const clamp = (value: number, most: number) => Math.max(0, Math.min(most, value));
  return {
    from: clamp(Math.floor((bottom - (height - y) / k) / pitch), layers),
    to: clamp(Math.ceil((bottom + y / k) / pitch), layers),
    left: clamp(Math.floor((-x / k - headsLeft) / step), columns),
    right: clamp(Math.ceil(((width - x) / k - headsLeft) / step), columns),
  };
}

/** Parts whose centre lies in a rectangle; heads, MLPs and embeddings if there are any. */
export function partsIn(
  layout: Layout,
  box: { x: number; y: number; width: number; height: number },
) {
  const within = layout.parts.filter((part) => {
    const [x, y] = [part.x + part.width / 2, part.y + part.height / 2];
    return x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
  });
  const cells = within.filter(({ kind }) => /^(head|mlp|embed|pos)$/.test(kind));
  return cells.length ? cells : within.filter(({ kind }) => kind !== "attn");
}

/** The block of heads and MLPs between two of them, both included. */
export function block(layout: Layout, one: Part, other: Part): Part[] {
  const [low, high] = [Math.min(one.layer, other.layer), Math.max(one.layer, other.layer)];
  const ends = [one, other];
  if (!ends.every(({ kind }) => kind === "head" || kind === "mlp")) return [one, other];
  const heads = ends.filter(({ kind }) => kind === "head").map(({ index }) => index);
  const withMlp = ends.some(({ kind }) => kind === "mlp");
  const most = withMlp ? Number.POSITIVE_INFINITY : Math.max(...heads);
  return layout.parts.filter(
    ({ kind, layer, index }) =>
      layer >= low &&
      layer <= high &&
      ((kind === "mlp" && withMlp) ||
        (kind === "head" && index >= Math.min(...heads) && index <= most)),
  );
}

const CLOSE = 2;

/** The part under a point, the smaller one where two lie over each other. */
export function partAt(layout: Layout, x: number, y: number, zoom: number): Part | null {
  const slack = CLOSE / zoom;
  let found: Part | null = null;
  for (const part of layout.parts) {
    const inside =
      x >= part.x - slack &&
      x <= part.x + part.width + slack &&
      y >= part.y - slack &&
      y <= part.y + part.height + slack;
    if (inside && (!found || part.width * part.height < found.width * found.height)) found = part;
  }
  return found;
}

export type Direction = "left" | "right" | "up" | "down";

const ORDER: readonly PartKind[] = ["attn", "head", "norm", "resid", "mlp"];

/** The part next to another one: along its layer, or at the same place of the next layer. */
export function neighbour(layout: Layout, from: Part, direction: Direction): Part | null {
  if (direction === "left" || direction === "right") {
    const row = layout.parts.filter((part) => part.layer === from.layer).sort(across);
    const at = row.findIndex((part) => part.address === from.address);
    return row[at + (direction === "right" ? 1 : -1)] ?? null;
  }
  const layers = layout.layers.length;
  const layer = from.layer + (direction === "up" ? 1 : -1);
  if (layer < -1 || layer > layers) return null;
  const row = layout.parts.filter((part) => part.layer === layer);
  const like = row.filter((part) => part.kind === from.kind);
  const start = row.filter((part) => part.kind === "head");
  const choices = like.length ? like : start.length ? start : row;
  return choices.find((part) => part.index === from.index) ?? choices[0] ?? null;
}

function across(a: Part, b: Part): number {
  if (a.kind === "head" && b.kind === "head") return a.index - b.index;
  if (a.kind === "attn" || b.kind === "attn") return ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind);
  return a.x + a.width / 2 - (b.x + b.width / 2);
}
