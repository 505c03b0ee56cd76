import { SANS } from "../../draw/canvas";
import { colourOf, css, inkOn } from "../../draw/colour";
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
  const longest = Math.max(...lines.map(([text]) => text.length));
  const size = Math.min(12, (box.height * 0.78) / lines.length, (box.width / longest) * 1.6);
  if (size < 6.5) return;
  const middle = box.y + box.height / 2;
  lines.forEach(([text, weight], i) => {
    const y = middle + (i - (lines.length - 1) / 2) * size * 1.18;
    const own = i === 0 ? size : size * 0.92;
    const type = { size: own, weight, family: SANS, ink };
    drawLabel(scene.context, text, box.x + box.width / 2, y, type);
  });
}

/** Cells as plain blocks, sorted by colour: few changes of colour, no outlines. */
function drawBlocks(scene: Scene, parts: readonly Part[]): void {
  const { context, values, palette } = scene;
  const byColour = new Map<string, Box[]>();
  for (const part of parts) {
    const colour = colourOf(values.scale, numberOf(scene, part));
    const fill = colour ? css(colour) : palette.blank;
    const key = isFaint(scene, part) ? `~${fill}` : fill;
    const boxes = byColour.get(key);
    if (boxes) boxes.push(onScreen(scene, part));
    else byColour.set(key, [onScreen(scene, part)]);
  }
  for (const [key, boxes] of byColour) {
    const faint = key.startsWith("~");
    context.globalAlpha = faint ? FAINT : 1;
    context.fillStyle = faint ? key.slice(1) : key;
    for (const { x, y, width, height } of boxes) context.fillRect(x, y, width, height);
  }
  context.globalAlpha = 1;
}

/** The names of blocks that are large enough. */
function nameBlocks(scene: Scene, parts: readonly Part[]): void {
  const { values, palette, context } = scene;
  const [first] = parts;
  if (!first || !fits(onScreen(scene, first), LABEL_FROM)) return;
  for (const part of parts) {
    const box = onScreen(scene, part);
    const colour = colourOf(values.scale, numberOf(scene, part));
    const size = Math.min(11, box.height * 0.62, (box.width / label(part).length) * 1.3);
    if (size < 6.5) continue;
    const faint = isFaint(scene, part);
    context.globalAlpha = faint ? 0.45 : 1;
    const ink = colour && !faint ? inkOn(colour) : palette.muted;
    const type = { size, weight: 500, family: SANS, ink };
    drawLabel(context, label(part), box.x + box.width / 2, box.y + box.height / 2, type);
  }
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
  const shown = layout.rows.slice(from, to).flatMap((row) => row.slice(left, right));
  shown.push(...layout.mlps.slice(from, to));
  if (way === "cells" || shown.length <= FEW) {
    for (const part of shown) drawCell(scene, part);
    return;
  }
  drawBlocks(scene, shown);
  nameBlocks(scene, shown);
}
