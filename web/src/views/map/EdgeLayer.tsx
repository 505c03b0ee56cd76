import { useRef } from "preact/hooks";
import { prepare, resolution } from "../../draw/canvas";
import { PALETTES } from "../../draw/theme";
import { useDrawing } from "../../draw/useDrawing";
import { paintLoose, paintWires } from "../../edges/paint";
import { useBoard } from "../../state/board";
import { closedAreas, edgeBox, looseCurve } from "./edges";
import type { MapModel } from "./MapView";

type Ground = Parameters<typeof paintLoose>[0];

/** Dims what cannot receive, and rings what the cable points at. */
function paintDraft(ground: Ground, map: MapModel): void {
  const { context, palette } = ground;
  const draft = map.edges.draft.value;
  const layout = map.layout.value;
  if (!draft || !layout) return;
  const zoom = map.zoom.transform.value;
  context.fillStyle = palette.bg;
  context.globalAlpha = 0.72;
  for (const { x, y, width, height } of closedAreas(map.model, layout, draft.from)) {
    const { k } = zoom;
    context.fillRect(x * k + zoom.x - 2, y * k + zoom.y - 2, width * k + 4, height * k + 4);
  }
  context.globalAlpha = 1;
  for (const address of [draft.from, draft.to]) {
    const box = address && edgeBox(layout, zoom, address);
    if (!box) continue;
    context.beginPath();
    context.roundRect(box.x - 3, box.y - 3, box.width + 6, box.height + 6, 7);
    context.strokeStyle = palette.accent;
    context.lineWidth = 2.25;
    context.stroke();
  }
  const curve = looseCurve(layout, zoom, draft);
  if (curve) paintLoose(ground, curve, draft.to !== null);
}

/** All edges of the map, on a canvas of their own: the map under it is not painted again. */
export function EdgeLayer({ map }: { map: MapModel }) {
  const board = useBoard();
  const canvas = useRef<HTMLCanvasElement>(null);
  const look = () => {
    void map.zoom.transform.value;
    void resolution.value;
    return {
      layout: map.layout.value,
      wires: map.edges.wires.value,
      draft: map.edges.draft.value,
      hover: map.edges.hover.value,
      palette: PALETTES[board.ui.theme.value],
    };
  };
  useDrawing(look, ({ layout, wires, draft, hover, palette }) => {
    const element = canvas.current;
    if (!element || !layout) return;
    const nothing = wires.length === 0 && !draft;
    element.hidden = nothing;
    if (nothing) return;
    const { width, height } = layout;
    const context = prepare(element, width, height);
    if (!context) return;
    const ground = { context, palette, width, height };
    paintWires(ground, wires, hover);
    paintDraft(ground, map);
  });
  return <canvas ref={canvas} class="map-canvas map-edges" data-testid="map-edges" hidden />;
}
