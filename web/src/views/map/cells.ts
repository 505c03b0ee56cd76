import { MONO, SANS, texels } from "../../draw/canvas";
import { colourOf, css, inkOn, paintPixels, parseHex } from "../../draw/colour";
import { drawGlyph, type GlyphName } from "../../draw/glyphs";
import type { Marks } from "../../state/address";
import type { Part } from "./geometry";
import type { Scene } from "./scene";
import { place } from "./values";

const LABEL_FROM = 13;
const TEXELS_BELOW = 6;

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

function visible(scene: Scene, box: Box): boolean {
  const { width, height } = scene.layout;
  return box.x < width && box.y < height && box.x + box.width > 0 && box.y + box.height > 0;
}

function label(part: Part): string {
  if (part.kind === "head") return `H${part.index}`;
  if (part.kind === "mlp") return "MLP";
  return part.kind === "pos" ? "position" : "embed";
}

function fillCell(scene: Scene, part: Part, box: Box): { ground: string; ink: string } {
  const { context, values, palette, heads } = scene;
  const found = place(part, heads);
  const family = found && found[0] !== "resid" ? values[found[0]] : undefined;
  const value = family?.[found?.[1] ?? 0] ?? Number.NaN;
  const colour = colourOf(values.scale, value);
  context.beginPath();
  context.roundRect(
    box.x,
    box.y,
    box.width,
    box.height,
    Math.min(6, box.height / 4, box.width / 4),
  );
  const ground = colour ? css(colour) : part.kind === "pos" ? palette.surface : palette.bg;
  context.fillStyle = ground;
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = palette.line;
  if (!colour && part.kind !== "pos") context.setLineDash([2, 2]);
  if (box.width > TEXELS_BELOW) context.stroke();
  context.setLineDash([]);
  return { ground, ink: colour ? inkOn(colour) : palette.muted };
}

function drawCell(scene: Scene, part: Part): void {
  const box = onScreen(scene, part);
  if (!visible(scene, box)) return;
  const { context } = scene;
  const { ground, ink } = fillCell(scene, part, box);
  if (scene.marks.get(part.address)?.ablated) strike(scene, box);
  const wide = part.kind === "head" ? LABEL_FROM : 2 * LABEL_FROM;
  if (box.height >= 9 && box.width >= wide) {
    const text = label(part);
    const size = Math.min(12, box.height * 0.72, (box.width / text.length) * 1.35);
    if (size < 6.5) return;
    context.font = `${part.kind === "head" ? 500 : 400} ${size}px ${SANS}`;
    context.fillStyle = ink;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2 + 0.5];
    context.strokeStyle = ground;
    context.lineWidth = 4;
    context.lineJoin = "round";
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  }
}

/** Rows of tiny cells, as images of one pixel a cell that are scaled up. */
function drawTexels(scene: Scene): void {
  const { context, layout, values, palette, heads } = scene;
  const count = layout.layers.length;
  const image = texels("map", heads + 1, count);
  const inner = image.getContext("2d");
  if (!inner || values.heads.length !== heads * count) return;
  const pixels = inner.createImageData(heads + 1, count);
  const joined = new Float32Array((heads + 1) * count);
  for (let l = 0; l < count; l += 1) {
    joined.set(values.heads.subarray(l * heads, (l + 1) * heads), l * (heads + 1));
    joined[l * (heads + 1) + heads] = values.mlp[l] ?? Number.NaN;
  }
  paintPixels(joined, values.scale, parseHex(palette.blank), pixels.data);
  inner.putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = false;
  for (const part of layout.parts) {
    if (part.kind !== "attn" && part.kind !== "mlp") continue;
    const isMlp = part.kind === "mlp";
    const left = layout.headsLeft;
    const row = isMlp ? part : { ...part, x: left, width: layout.headsRight - left };
    const box = onScreen(scene, row);
    const [from, across] = isMlp ? [heads, 1] : [0, heads];
    if (visible(scene, box)) {
      context.drawImage(image, from, part.layer, across, 1, box.x, box.y, box.width, box.height);
    }
  }
}

function isTiny(scene: Scene): boolean {
  return scene.layout.cellWidth * scene.zoom.k < TEXELS_BELOW;
}

/** Whether a part is drawn as a cell of its own. */
function isCell(scene: Scene, { kind }: Part): boolean {
  const grid = kind === "head" || kind === "mlp";
  return kind === "embed" || kind === "pos" || (grid && !isTiny(scene));
}

export function drawCells(scene: Scene): void {
  if (isTiny(scene)) drawTexels(scene);
  for (const part of scene.layout.parts) if (isCell(scene, part)) drawCell(scene, part);
}

function glyphsOf(marks: Marks): GlyphName[] {
  const names: GlyphName[] = [];
  if (marks.frozen) names.push("frozen");
  if (marks.pattern) names.push("pattern");
  if (marks.set) names.push("set");
  if (marks.other) names.push("other");
  return names;
}

function strike(scene: Scene, box: Box): void {
  const { context, palette } = scene;
  for (const [style, width] of [
    [palette.bg, 4.5],
    [palette.text, 2],
  ] as const) {
    context.beginPath();
    context.moveTo(box.x - 2, box.y + box.height + 2);
    context.lineTo(box.x + box.width + 2, box.y - 2);
    context.strokeStyle = style;
    context.lineWidth = width;
    context.stroke();
  }
}

/** The frame round a layer's heads, without the layer's name. */
function frameOf(scene: Scene, part: Part, box: Box): Box {
  if (part.kind !== "attn") return box;
  const left = scene.layout.headsLeft * scene.zoom.k + scene.zoom.x - 5;
  return { ...box, x: left, width: box.x + box.width - left };
}

function drawMarks(scene: Scene, part: Part, marks: Marks): void {
  const { context, palette } = scene;
  const box = onScreen(scene, part);
  if (!visible(scene, box)) return;
  if (marks.ablated && !isCell(scene, part)) strike(scene, frameOf(scene, part, box));
  const small = part.kind === "norm" || part.kind === "resid";
  const size = small ? 10 : Math.min(13, Math.max(6, box.width * 0.3));
  const colours = { ink: palette.accent, ground: palette.bg };
  let x = small ? box.x - 3 : box.x + box.width - 1;
  for (const name of glyphsOf(marks)) {
    drawGlyph(context, name, { x, y: box.y + 1, size }, colours);
    x -= size * 1.4;
  }
  if (marks.factor && box.width > 16) drawFactor(scene, box, marks.factor);
}

function drawFactor(scene: Scene, box: Box, text: string): void {
  const { context, palette } = scene;
  context.font = `600 9.5px ${MONO}`;
  const width = context.measureText(text).width + 7;
  const x = box.x + box.width / 2 - width / 2;
  const y = box.y + box.height - 6;
  context.beginPath();
  context.roundRect(x, y, width, 13, 6.5);
  context.fillStyle = palette.bg;
  context.fill();
  context.lineWidth = 0.75;
  context.strokeStyle = palette.accent;
  context.stroke();
  context.fillStyle = palette.accent;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, x + width / 2, y + 7);
}

export function drawAllMarks(scene: Scene): void {
  for (const [address, marks] of scene.marks) {
    const part = scene.layout.byAddress.get(address);
    if (part) drawMarks(scene, part, marks);
  }
}

function ring(scene: Scene, address: string, colour: string, width: number): void {
  const part = scene.layout.byAddress.get(address);
  if (!part) return;
  const { context } = scene;
  const box = onScreen(scene, part);
  const gap = width / 2 + 1.5;
  context.beginPath();
  const { x, y } = box;
  context.roundRect(x - gap, y - gap, box.width + 2 * gap, box.height + 2 * gap, 7);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}

export function drawRings(scene: Scene): void {
  const { palette, selection, hover } = scene;
  if (hover && !selection.includes(hover)) ring(scene, hover, palette.muted, 1.25);
  for (const address of selection) ring(scene, address, palette.accent, 2.25);
}
