import { SANS } from "../../draw/canvas";
import { colourOf, css, inkOn, paints, step } from "../../draw/colour";
import { compact, signed } from "../../draw/number";
import { inSight, type Part } from "./geometry";
import { drawLabel } from "./labels";
import { strike } from "./marks";
import type { Scene } from "./scene";
import { drawTexture, FAINT, texture } from "./texture";
import { place } from "./values";

/** Cells narrower than this, in pixels, are drawn as one picture. */
const TEXELS_BELOW = 7;
/** Cells of at least this size are drawn with round corners and an edge. */
const FINE_FROM = 20;
const LABEL_FROM = { width: 19, height: 10 };
const VALUE_FROM = { width: 38, height: 29 };
const CLASS_FROM = { width: 62, height: 46 };

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export function onScreen(scene: Scene, part: Box): Box {
  const { k, x, y } = scene.zoom;
  return {
    x: part.x * k + x,
    y: part.y * k + y,
    width: part.width * k,
    height: part.height * k,
  };
}

export function visible(scene: Scene, box: Box): boolean {
  const { width, height } = scene.layout;
  return box.x < width && box.y < height && box.x + box.width > 0 && box.y + box.height > 0;
}

function label(part: Part): string {
  if (part.kind === "head") return `H${part.index}`;
  if (part.kind === "mlp") return "MLP";
  return part.kind === "pos" ? "position" : "embed";
}

function numberOf(scene: Scene, part: Part): number {
  const found = place(part, scene.heads);
  const family = found ? scene.values[found[0] as "heads" | "mlp" | "embed"] : undefined;
  return family?.[found?.[1] ?? 0] ?? Number.NaN;
}

function isFaint(scene: Scene, part: Part): boolean {
  const found = scene.faint && place(part, scene.heads);
  return Boolean(found && scene.faint?.[found[0] as "heads"]?.[found[1]]);
}

function fillCell(scene: Scene, box: Box, value: number): string {
  const { context, values, palette } = scene;
  const colour = colourOf(values.scale, value);
  context.beginPath();
  const round = Math.min(6, box.height / 4, box.width / 4);
  context.roundRect(box.x, box.y, box.width, box.height, round);
  context.fillStyle = colour ? css(colour) : palette.bg;
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = palette.line;
  if (!colour) context.setLineDash([2, 2]);
  context.stroke();
  context.setLineDash([]);
  return colour ? inkOn(colour) : palette.muted;
}

/** A cell with all that there is room for: its name, its number, its class. */
function drawCell(scene: Scene, part: Part): void {
  const box = onScreen(scene, part);
  if (!visible(scene, box)) return;
  const { context } = scene;
  const faint = isFaint(scene, part);
  if (faint) context.globalAlpha = FAINT;
  const value = numberOf(scene, part);
  const ink = fillCell(scene, box, value);
  if (faint) context.globalAlpha = 0.45;
  if (scene.marks.get(part.address)?.ablated) strike(scene, box);
  write(scene, part, box, { value, ink: faint ? scene.palette.muted : ink });
  context.globalAlpha = 1;
}

function fits(box: Box, room: { width: number; height: number }): boolean {
  return box.width >= room.width && box.height >= room.height;
}

function write(scene: Scene, part: Part, box: Box, { value, ink }: { value: number; ink: string }) {
  if (!fits(box, LABEL_FROM)) return;
  const lines: [string, number][] = [[label(part), part.kind === "head" ? 500 : 400]];
  if (fits(box, VALUE_FROM) && !Number.isNaN(value)) {
    const digits = Math.abs(scene.values.scale.domain[1]) >= 10 ? 1 : 2;
    lines.push([scene.values.scale.signed ? signed(value, digits) : compact(value), 400]);
  }
  const facts = part.kind === "head" ? scene.facts(part.layer * scene.heads + part.index) : "";
  if (facts && fits(box, CLASS_FROM)) lines.push([facts, 400]);
  // All heads have names of one size.
  const least = part.kind === "head" ? `H${scene.heads - 1}`.length : 0;
  const longest = Math.max(least, ...lines.map(([text]) => text.length));
  const room = ((box.width - 3) / longest) * 1.5;
  const size = Math.min(12, (box.height * 0.78) / lines.length, room);
  if (size < 6.5) return;
  const middle = box.y + box.height / 2;
  lines.forEach(([text, weight], i) => {
    const y = middle + (i - (lines.length - 1) / 2) * size * 1.18;
    const own = i === 0 ? size : size * 0.92;
    const type = { size: own, weight, family: SANS, ink };
    drawLabel(scene.context, text, box.x + box.width / 2, y, type);
  });
}

/** One more than the scale's colours, for what has no number; then all of them again, faint. */
const BLANK = 256;
const KINDS = BLANK + 1;

/** Blocks by colour: for each colour the first block's place in the lists, and then the next. */
interface Sorted {
  parts: Part[];
  first: Int32Array;
  next: Int32Array;
}

/** Blocks in sight, sorted by colour without making anything for each of them. */
function sortBlocks(scene: Scene, parts: Part[]): Sorted {
  const { values, faint, heads } = scene;
  const first = new Int32Array(2 * KINDS).fill(-1);
  const next = new Int32Array(parts.length);
  for (let i = 0; i < parts.length; i += 1) {
    const { kind, layer, index } = parts[i] as Part;
    const isHead = kind === "head";
    const at = isHead ? layer * heads + index : layer;
    const value = (isHead ? values.heads : values.mlp)[at] ?? Number.NaN;
    const off = faint ? (isHead ? faint.heads : faint.mlp)[at] : 0;
    const colour = Number.isNaN(value) ? BLANK : step(values.scale, value);
    const slot = off ? colour + KINDS : colour;
    next[i] = first[slot] as number;
    first[slot] = i;
  }
  return { parts, first, next };
}

type Each = (part: Part, colour: number, faint: boolean) => void;

function forBlocks(
  { parts, first, next }: Sorted,
  begin: (c: number, faint: boolean) => void,
  each: Each,
) {
  for (let slot = 0; slot < first.length; slot += 1) {
    let i = first[slot] as number;
    if (i < 0) continue;
    const faint = slot >= KINDS;
    const colour = slot % KINDS;
    begin(colour, faint);
    for (; i >= 0; i = next[i] as number) each(parts[i] as Part, colour, faint);
  }
}

/** Cells as plain blocks: few changes of colour, no outlines. */
function drawBlocks(scene: Scene, blocks: Sorted): void {
  const { context, values, palette } = scene;
  const { k, x, y } = scene.zoom;
  const { fill } = paints(values.scale);
  forBlocks(
    blocks,
    (colour, faint) => {
      context.globalAlpha = faint ? FAINT : 1;
      context.fillStyle = fill[colour] ?? palette.blank;
    },
    (part) => {
      context.fillRect(part.x * k + x, part.y * k + y, part.width * k, part.height * k);
    },
  );
  context.globalAlpha = 1;
}

/** The names of blocks that are large enough. */
function nameBlocks(scene: Scene, blocks: Sorted): void {
  const { values, palette, context } = scene;
  const { k, x, y } = scene.zoom;
  const [any] = blocks.parts;
  if (!any || !fits(onScreen(scene, any), LABEL_FROM)) return;
  const { ink } = paints(values.scale);
  // One size for all, in whole pixels: their pictures are then made once.
  const size = Math.floor(Math.min(11, any.height * k * 0.62, ((any.width * k) / 3) * 1.3));
  if (size < 7) return;
  const type = { size, weight: 500, family: SANS, ink: palette.muted };
  forBlocks(
    blocks,
    (colour, faint) => {
      context.globalAlpha = faint ? 0.45 : 1;
      type.ink = (faint ? undefined : ink[colour]) ?? palette.muted;
    },
    (part) => {
      const [left, top] = [part.x * k + x, part.y * k + y];
      const middle = top + (part.height * k) / 2;
      drawLabel(context, label(part), left + (part.width * k) / 2, middle, type);
    },
  );
  context.globalAlpha = 1;
}

/** How heads are drawn at this zoom: as one picture, as blocks, or as cells of their own. */
export function detail(scene: Scene): "texels" | "blocks" | "cells" {
  const width = scene.layout.cellWidth * scene.zoom.k;
  if (width < TEXELS_BELOW) return "texels";
  return width < FINE_FROM || scene.layout.compact ? "blocks" : "cells";
}

/** Whether a part is drawn as a cell of its own, with what is done to it on it. */
export function isCell(scene: Scene, { kind }: Part): boolean {
  const end = kind === "embed" || kind === "pos";
  return end || ((kind === "head" || kind === "mlp") && detail(scene) === "cells");
}

/** Where a compact map is zoomed in this far, its few cells in sight are drawn in full. */
const FEW = 500;

export function drawCells(scene: Scene): void {
  const { layout, values, palette, faint, context } = scene;
  for (const part of layout.small) {
    if (part.kind === "embed" || part.kind === "pos") drawCell(scene, part);
  }
  const { from, to, left, right } = inSight(layout, scene.zoom);
  const way = detail(scene);
  if (way === "texels") {
    const image = texture(layout, values, faint, palette);
    if (image) drawTexture(context, image, layout, scene.zoom, { from, to });
    return;
  }
  const shown: Part[] = [];
  for (let layer = from; layer < to; layer += 1) {
    const row = layout.rows[layer] as Part[];
    for (let head = left; head < right; head += 1) shown.push(row[head] as Part);
    const mlp = layout.mlps[layer];
    if (mlp) shown.push(mlp);
  }
  if (way === "cells" || shown.length <= FEW) {
    for (const part of shown) drawCell(scene, part);
    return;
  }
  const blocks = sortBlocks(scene, shown);
  drawBlocks(scene, blocks);
  nameBlocks(scene, blocks);
}
