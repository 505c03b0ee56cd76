import { useComputed, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { prepare } from "../../draw/canvas";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import type { MapModel } from "./MapView";
import { drawTexture, texture } from "./texture";

const MOST_WIDE = 132;
const MOST_TALL = 112;
const SHOWN_FROM = 1.04;

/** The whole map in the corner while a part of it is in sight; drag to move. */
export function Minimap({ map }: { map: MapModel }) {
  const shown = useComputed(
    () => map.zoom.transform.value.k > SHOWN_FROM && !map.tools.table.value,
  );
  return shown.value ? <Small map={map} /> : null;
}

function Small({ map }: { map: MapModel }) {
  const board = useBoard();
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const scale = useComputed(() => {
    const { width = 1, height = 1 } = map.layout.value ?? {};
    return Math.min(MOST_WIDE / width, MOST_TALL / height);
  });
  useSignalEffect(() => {
    const layout = map.layout.value;
    if (!layout || !canvas.current) return;
    const k = scale.value;
    const palette = PALETTES[board.ui.theme.value];
    const context = prepare(canvas.current, layout.width * k, layout.height * k);
    if (!context) return;
    context.fillStyle = palette.spine;
    const tall = layout.embedY - layout.unembedY;
    context.fillRect(layout.spine * k - 0.5, layout.unembedY * k, 1, tall * k);
    const image = texture(layout, map.values.value, map.tools.faint.value, palette);
    if (image) {
      const layers = { from: 0, to: layout.layers.length };
      drawTexture(context, image, layout, { k, x: 0, y: 0 }, layers);
    }
  });
  useSignalEffect(() => {
    const layout = map.layout.value;
    if (!layout || !frame.current) return;
    const { k, x, y } = map.zoom.transform.value;
    const s = scale.value;
    const { style } = frame.current;
    style.width = `${(layout.width / k) * s}px`;
    style.height = `${(layout.height / k) * s}px`;
    style.transform = `translate(${(-x / k) * s}px, ${(-y / k) * s}px)`;
  });
  const move = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    if (!event.buttons) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const box = event.currentTarget.getBoundingClientRect();
    map.zoom.centre(
      (event.clientX - box.left) / scale.peek(),
      (event.clientY - box.top) / scale.peek(),
    );
    event.preventDefault();
  };
  return (
    <div
      class="minimap"
      data-testid="minimap"
      title="The whole map; drag to move"
      aria-hidden="true"
      onPointerDown={move}
      onPointerMove={move}
    >
      <canvas ref={canvas} />
      <div class="minimap-frame" ref={frame} />
    </div>
  );
}
