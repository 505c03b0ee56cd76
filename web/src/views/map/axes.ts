import { SANS } from "../../draw/canvas";
import { onScreen } from "./cells";
import { inSight } from "./geometry";
import type { Scene } from "./scene";

const LABEL_EDGE = 30;
const STEPS = [1, 2, 4, 8, 16, 32, 64];

/** How many names to pass over so that those shown keep their distance. */
function thinned(distance: number, room: number): number {
  return STEPS.find((step) => step * distance >= room) ?? 128;
}

function ground(scene: Scene, x: number, y: number, width: number): void {
  const { context, palette } = scene;
  context.globalAlpha = 0.88;
  context.fillStyle = palette.bg;
  context.fillRect(x, y - 8, width, 16);
  context.globalAlpha = 1;
}

/** The layers' names, kept in sight while their heads are. */
export function drawLayerNames(scene: Scene): void {
  const { context, layout, palette, zoom } = scene;
  const pitch = layout.pitch * zoom.k;
  const every = thinned(pitch, 11);
  context.font = `500 ${Math.min(11, Math.max(8.5, pitch * 0.8))}px ${SANS}`;
  context.textAlign = "right";
  context.textBaseline = "middle";
  const left = layout.headsLeft * zoom.k + zoom.x - 10;
  const x = Math.max(left, Math.min(LABEL_EDGE, layout.headsRight * zoom.k + zoom.x));
  const { from, to } = inSight(layout, zoom);
  for (const part of layout.attns.slice(from, to)) {
    if (part.layer % every !== 0) continue;
    const box = onScreen(scene, part);
    const y = box.y + box.height / 2;
    const text = `L${part.layer}`;
    if (x > left) {
      const width = context.measureText(text).width + 8;
      ground(scene, x + 4 - width, y, width);
    }
    context.fillStyle = palette.muted;
    context.fillText(text, x, y + 0.5);
  }
}

/** The heads' numbers above the cells, where these are too small to carry their own. */
export function drawHeadNames(scene: Scene): void {
  const { context, layout, palette, zoom } = scene;
  const step = layout.step * zoom.k;
  if (layout.cellWidth * zoom.k >= 19 || !layout.compact) return;
  const every = thinned(step, 24);
  const row = layout.rows[layout.rows.length - 1] ?? [];
  const top = (row[0]?.y ?? 0) * zoom.k + zoom.y - 9;
  const y = Math.max(top, Math.min(38, layout.bottom * zoom.k + zoom.y));
  context.font = `500 9px ${SANS}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const { left, right } = inSight(layout, zoom);
  for (const part of row.slice(left, right)) {
    if (part.index % every !== 0) continue;
    const x = part.x * zoom.k + zoom.x + (part.width * zoom.k) / 2;
    const text = `H${part.index}`;
    if (y > top) ground(scene, x - 11, y, 22);
    context.fillStyle = palette.muted;
    context.fillText(text, x, y);
  }
}
