import { MONO } from "../../draw/canvas";
import { drawGlyph, type GlyphName } from "../../draw/glyphs";
import type { Marks } from "../../state/address";
import { type Box, isCell, onScreen, visible } from "./cells";
import type { Part } from "./geometry";
import type { Scene } from "./scene";

function glyphsOf(marks: Marks): GlyphName[] {
  const names: GlyphName[] = [];
  if (marks.frozen) names.push("frozen");
  if (marks.pattern) names.push("pattern");
  if (marks.patched) names.push("patched");
  if (marks.added) names.push("added");
  if (marks.set) names.push("set");
  if (marks.other) names.push("other");
  return names;
}

export function strike(scene: Scene, box: Box): void {
  const { context, palette } = scene;
  const thin = Math.min(1, Math.max(0.4, box.width / 24));
  for (const [style, width] of [
    [palette.bg, 4.5 * thin],
    [palette.text, 2 * thin],
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

/** Rings round parts: one path, so that thousands take no longer than a few. */
function rings(scene: Scene, addresses: Iterable<string>, colour: string, width: number): void {
  const { context, layout } = scene;
  const gap = width / 2 + Math.min(1.5, layout.cellWidth * scene.zoom.k * 0.08);
  context.beginPath();
  for (const address of addresses) {
    const part = layout.byAddress.get(address);
    if (!part) continue;
    const { x, y, width: wide, height: tall } = onScreen(scene, part);
    if (!visible(scene, { x, y, width: wide, height: tall })) continue;
    const box = [x - gap, y - gap, wide + 2 * gap, tall + 2 * gap] as const;
    if (wide < 12) context.rect(...box);
    else context.roundRect(...box, 7);
  }
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}

/** Matches of a search are ringed up to this number; beyond it the rest being faint says enough. */
const MOST_MATCHES = 400;

export function drawRings(scene: Scene): void {
  const { palette, selection, hover, matches } = scene;
  const fine = Math.min(1, Math.max(0.45, (scene.layout.cellWidth * scene.zoom.k) / 14));
  if (matches.length <= MOST_MATCHES) rings(scene, matches, palette.text, 1.1 * fine);
  if (hover && !selection.includes(hover)) rings(scene, [hover], palette.muted, 1.25);
  rings(scene, selection, palette.accent, 2.25 * fine);
}
