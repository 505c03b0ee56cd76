import { MONO, SANS } from "../../draw/canvas";
import { largest } from "../../draw/colour";
import { onScreen } from "./cells";
import { END_HEIGHT, END_WIDTH, inSight, type LayerLines, LINES_FROM, type Part } from "./geometry";
import type { Scene } from "./scene";

type Point = readonly [number, number];

function at(scene: Scene, x: number, y: number): Point {
  const { k, x: dx, y: dy } = scene.zoom;
  return [x * k + dx, y * k + dy];
}

function path(scene: Scene, points: readonly Point[]): void {
  const { context } = scene;
  context.beginPath();
  points.forEach(([x, y], i) => {
    if (i === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  });
}

/** The stream as a band, as wide as the norm of what it carries. */
function drawBand(scene: Scene): void {
  const { context, layout, palette, values } = scene;
  const { resid } = values;
  const top = largest(resid) || 1e-9;
  const half = (norm: number | undefined) => 2 + 7 * ((norm ?? 0) / top);
  const stops: [number, number][] = [[layout.embedY, half(resid[0])]];
  layout.layers.forEach((lines, layer) => {
    stops.push([lines.attnWrite, half(resid[2 * layer + 1] ?? resid[0])]);
    stops.push([lines.mlpWrite, half(resid[2 * layer + 2])]);
  });
  stops.push([layout.unembedY + END_HEIGHT, half(resid[resid.length - 1])]);
  const side = (sign: number) =>
    stops.map(([y, width]): Point => {
      const [sx, sy] = at(scene, layout.spine, y);
      return [sx + sign * width, sy];
    });
  path(scene, [...side(-1), ...side(1).reverse()]);
  context.fillStyle = palette.rule;
  context.fill();
  path(scene, [
    at(scene, layout.spine, layout.embedY),
    at(scene, layout.spine, layout.unembedY + END_HEIGHT),
  ]);
  context.strokeStyle = palette.spine;
  context.lineWidth = 1.5;
  context.stroke();
}

function plus(scene: Scene, y: number): void {
  const { context, palette, layout, zoom } = scene;
  const [cx, cy] = at(scene, layout.spine, y);
  const r = Math.min(6, Math.max(2.5, layout.pitch * zoom.k * 0.06));
  context.beginPath();
  context.arc(cx, cy, r, 0, 2 * Math.PI);
  context.fillStyle = palette.bg;
  context.fill();
  context.strokeStyle = palette.spine;
  context.lineWidth = 1.25;
  context.stroke();
  if (r < 3.5) return;
  path(scene, [
    [cx - r * 0.55, cy],
    [cx + r * 0.55, cy],
  ]);
  context.stroke();
  path(scene, [
    [cx, cy - r * 0.55],
    [cx, cy + r * 0.55],
  ]);
  context.stroke();
}

function drawNorm(scene: Scene, part: Part): void {
  const { context, palette } = scene;
  const box = onScreen(scene, part);
  const flat = part.address.startsWith("ln_final");
  const tall = Math.min(12, Math.max(7, scene.layout.pitch * scene.zoom.k * 0.22));
  const [w, h] = flat ? [16, 6] : [tall / 2, tall];
  const [cx, cy] = [box.x + box.width / 2, box.y + box.height / 2];
  context.beginPath();
  context.roundRect(cx - w / 2, cy - h / 2, w, h, 2);
  context.fillStyle = palette.sunken;
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = palette.spine;
  context.stroke();
}

function drawResid(scene: Scene, part: Part): void {
  const { context, palette } = scene;
  const box = onScreen(scene, part);
  context.beginPath();
  context.arc(box.x + box.width / 2, box.y + box.height / 2, 2.75, 0, 2 * Math.PI);
  context.fillStyle = palette.spine;
  context.fill();
}

function drawFrame(scene: Scene, part: Part): void {
  const { context, palette, layout, zoom } = scene;
  const box = onScreen(scene, part);
  const left = layout.headsLeft * zoom.k + zoom.x - 5;
  context.beginPath();
  context.roundRect(left, box.y, box.x + box.width - left, box.height, 8);
  context.fillStyle = palette.surface;
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = palette.rule;
  context.stroke();
}

/** Out of the stream, under the heads, up through each of them, and back into the stream. */
function drawHeadWires(scene: Scene, lines: LayerLines, heads: readonly Part[]): void {
  const { context, layout } = scene;
  const [first] = heads;
  if (!first) return;
  const end = first.x + first.width / 2;
  for (const y of [lines.attnRead, lines.attnWrite]) {
    path(scene, [at(scene, layout.spine, y), at(scene, end, y)]);
    context.stroke();
  }
  context.beginPath();
  for (const part of heads) {
    const x = part.x + part.width / 2;
    for (const [from, to] of [
      [lines.attnRead, part.y + part.height],
      [part.y, lines.attnWrite],
    ] as const) {
      context.moveTo(...at(scene, x, from));
      context.lineTo(...at(scene, x, to));
    }
  }
  context.stroke();
}

function drawMlpWires(scene: Scene, lines: LayerLines): void {
  const { context, layout, model } = scene;
  if (model.attn_only) return;
  for (const y of [lines.mlpRead, lines.mlpWrite]) {
    path(scene, [at(scene, layout.spine, y), at(scene, layout.mlpLeft, y)]);
    context.stroke();
  }
}

export function drawWires(scene: Scene): void {
  const { context, layout, palette, zoom } = scene;
  drawBand(scene);
  if (layout.compact || layout.pitch * zoom.k < LINES_FROM) return;
  const { from, to } = inSight(layout, zoom);
  for (const part of layout.attns.slice(from, to)) drawFrame(scene, part);
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  const shown = layout.layers.slice(from, to);
  shown.forEach((lines, i) => {
    drawHeadWires(scene, lines, layout.rows[from + i] ?? []);
    drawMlpWires(scene, lines);
  });
  for (const lines of shown) {
    plus(scene, lines.attnWrite);
    if (lines.mlpWrite !== lines.attnWrite) plus(scene, lines.mlpWrite);
  }
  for (const part of layout.small) {
    if (
      part.layer >= 0 &&
      part.layer < layout.layers.length &&
      (part.layer < from || part.layer >= to)
    )
      continue;
    if (part.kind === "norm" && part.layer < layout.layers.length) drawNorm(scene, part);
    if (part.kind === "resid") drawResid(scene, part);
  }
}

/** What stands before the first layer and after the last one. */
export function drawEnds(scene: Scene): void {
  const { context, layout, palette, model } = scene;
  const { spine, unembedY } = layout;
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  const pos = layout.byAddress.get("pos_embed");
  if (pos) {
    const y = pos.y + pos.height / 2;
    path(scene, [at(scene, spine, y), at(scene, pos.x, y)]);
    context.stroke();
    plus(scene, y);
  }
  const box = onScreen(scene, {
    x: spine - END_WIDTH / 2,
    y: unembedY,
    width: END_WIDTH,
    height: END_HEIGHT,
  });
  context.beginPath();
  context.roundRect(box.x, box.y, box.width, box.height, 6);
  context.fillStyle = palette.surface;
  context.fill();
  context.strokeStyle = palette.line;
  context.stroke();
  context.font = `400 ${Math.min(12, 11 * scene.zoom.k)}px ${SANS}`;
  context.fillStyle = palette.muted;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText("unembed", box.x + box.width / 2, box.y + box.height / 2 + 0.5);
  const last = layout.byAddress.get("ln_final.scale");
  if (last && model.norm !== "none") drawNorm(scene, last);
  drawTokens(scene);
  drawAnswers(scene);
}

const TOKEN_GAP = 5;

function drawTokens(scene: Scene): void {
  const { context, layout, palette, tokens, zoom } = scene;
  const [x, y] = at(scene, layout.spine, layout.embedY + END_HEIGHT);
  const size = Math.min(12, 11 * Math.max(1, zoom.k * 0.9));
  stub(scene, y, y + 8);
  context.font = `${size}px ${MONO}`;
  context.textBaseline = "top";
  context.textAlign = "left";
  const here = tokens.findIndex((token) => token.here);
  const width = (text: string) => context.measureText(text).width;
  const before = tokens
    .slice(0, here)
    .reduce((sum, token) => sum + width(token.text) + TOKEN_GAP, 0);
  let left = x - before - width(tokens[here]?.text ?? "") / 2;
  for (const token of tokens) {
    const wide = width(token.text);
    const fade = Math.min(1, Math.max(0, (left + wide / 2) / 60));
    const fadeRight = Math.min(1, Math.max(0, (layout.width - left - wide / 2) / 60));
    context.globalAlpha = token.here ? 1 : Math.min(fade, fadeRight) * 0.8;
    context.fillStyle = token.here ? palette.accent : palette.muted;
    context.fillText(token.text, left, y + 12);
    if (token.here) context.fillRect(left, y + 13 + size, wide, 1.5);
    left += wide + TOKEN_GAP;
  }
  context.globalAlpha = 1;
}

function stub(scene: Scene, from: number, to: number): void {
  const { context, layout, palette } = scene;
  const [x] = at(scene, layout.spine, 0);
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  path(scene, [
    [x, from],
    [x, to],
  ]);
  context.stroke();
}

function drawAnswers(scene: Scene): void {
  const { context, layout, palette, answers } = scene;
  const [x, y] = at(scene, layout.spine, layout.unembedY);
  stub(scene, y - 7, y);
  context.textBaseline = "bottom";
  context.textAlign = "left";
  const parts = answers.flatMap(({ text, share }, i): [string, string, string][] => [
    [text, `${i === 0 ? 600 : 400} 11.5px ${MONO}`, i === 0 ? palette.text : palette.muted],
    [` ${share}${i < answers.length - 1 ? "   " : ""}`, `10.5px ${SANS}`, palette.faint],
  ]);
  const widths = parts.map(([text, font]) => {
    context.font = font;
    return context.measureText(text).width;
  });
  const total = widths.reduce((a, b) => a + b, 0);
  let left = Math.min(x - total / 2, layout.width - total - 8);
  left = Math.max(8, left);
  parts.forEach(([text, font, colour], i) => {
    context.font = font;
    context.fillStyle = colour;
    context.fillText(text, left, y - 10);
    left += widths[i] ?? 0;
  });
}
