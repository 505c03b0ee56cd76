import { useSignal, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { prepare } from "../../draw/canvas";
import { type Scale, unsignedScale } from "../../draw/colour";
import { drawMatrix } from "../../draw/heatmap";
import { PALETTES, type Palette } from "../../draw/theme";
import { headAddress } from "../../state/address";
import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { ModelInfo } from "../../wire/types";
import { useSize } from "../shared/useSize";
import { CHUNK, galleryViews, settings } from "./state";
import { unpackCodes } from "./weights";

const CELL = 28;
const GAP = 3;
const LABEL = 30;
const ROW_GAP = 6;
const MOST = 254;

interface Shape {
  columns: number;
  rows: number;
  width: number;
  /** Of one layer, with the gap below it. */
  height: number;
}

/** How the heads of a layer lie in a given width. */
export function shapeOf(width: number, heads: number): Shape {
  const columns = Math.max(1, Math.min(heads, Math.floor((width - LABEL + GAP) / (CELL + GAP))));
  const rows = Math.ceil(heads / columns);
  const high = rows * (CELL + GAP) - GAP;
  return { columns, rows, width: columns * (CELL + GAP), height: high + ROW_GAP };
}

/** The layers in sight of a list that is scrolled. */
export function layersInSight(
  top: number,
  height: number,
  layer: number,
  count: number,
): readonly [number, number] {
  const last = Math.max(0, count - 1);
  const first = Math.min(last, Math.max(0, Math.floor(top / layer)));
  return [first, Math.min(last, Math.max(first, Math.floor((top + height - 1) / layer)))];
}

/** Every head of the model, layer by layer; only layers in sight are asked for and drawn. */
export function Gallery({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const { galleryFrom, galleryTo } = settings(board);
  const { ref, size } = useSize();
  const scroller = useRef<HTMLDivElement>(null);
  const shape = shapeOf(size.value.width || 300, model.n_heads);
  const look = () => {
    const box = scroller.current;
    if (!box) return;
    const range = layersInSight(box.scrollTop, box.clientHeight, shape.height, model.n_layers);
    [galleryFrom.value, galleryTo.value] = range;
  };
  useLayoutEffect(look, [shape.height, model.n_layers]);
  const pictures = new Map(
    galleryViews(board).map((view) => [view.first, board.kernel.picture(view).value]),
  );
  const layers: number[] = [];
  for (let layer = galleryFrom.value; layer <= galleryTo.value; layer += 1) layers.push(layer);
  const problem = [...pictures.values()].find((picture) => picture?.problem)?.problem;
  return (
    <div class="gallery" ref={scroller} onScroll={look} data-testid="gallery">
      {problem && <p class="empty">{problem.message}</p>}
      <div ref={ref} class="gallery-all" style={{ height: `${shape.height * model.n_layers}px` }}>
        {layers.map((layer) => (
          <LayerRow
            key={layer}
            layer={layer}
            heads={model.n_heads}
            shape={shape}
            picture={pictures.get(Math.floor(layer / CHUNK) * CHUNK) ?? null}
          />
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  layer: number;
  heads: number;
  shape: Shape;
  picture: Picture | null;
}

function LayerRow({ layer, heads, shape, picture }: RowProps) {
  const board = useBoard();
  const { ui } = board;
  const canvas = useRef<HTMLCanvasElement>(null);
  const at = useSignal<number | null>(null);
  const own = board.head.value;
  const chosen = own?.layer === layer ? own.head : null;
  const paint = () => {
    if (!canvas.current) return;
    const palette = PALETTES[ui.theme.value];
    const scale = unsignedScale(palette.attention, MOST);
    const frame = at.value;
    paintLayer(canvas.current, { layer, heads, shape, picture, chosen, frame, palette, scale });
  };
  useLayoutEffect(paint, [picture, shape.columns, chosen]);
  useSignalEffect(paint);
  const point = (head: number | null) => {
    at.value = head;
    ui.hoverPart.value = head === null ? null : headAddress({ layer, head });
  };
  const pick = (head: number | null) => {
    if (head !== null) void board.select([headAddress({ layer, head })]);
  };
  const onKey = (event: KeyboardEvent) => {
    const from = at.peek() ?? chosen ?? 0;
    const to = from + stepOf(event.key, shape.columns);
    if (event.key === "Enter" || event.key === " ") pick(from);
    else if (to !== from && to >= 0 && to < heads) point(to);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const label =
    at.value === null ? `Heads of layer ${layer}` : headAddress({ layer, head: at.value });
  return (
    <div class="gallery-layer" style={{ top: `${layer * shape.height}px` }}>
      <span class="gallery-label">L{layer}</span>
      <div
        class="gallery-cells"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: moved in by arrow keys, as a grid is
        tabIndex={0}
        data-testid={`gallery-${layer}`}
        title={label}
        aria-label={`${label}. Arrows move, Enter opens.`}
        onPointerMove={(event) => point(headAt(event.offsetX, event.offsetY, shape, heads))}
        onPointerLeave={() => point(null)}
        onBlur={() => point(null)}
        onClick={(event) => pick(headAt(event.offsetX, event.offsetY, shape, heads))}
        onKeyDown={onKey}
      >
        <canvas ref={canvas} />
      </div>
    </div>
  );
}

function stepOf(key: string, columns: number): number {
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
  };
  return steps[key] ?? 0;
}

/** The head under a point of a layer's picture. */
export function headAt(x: number, y: number, shape: Shape, heads: number): number | null {
  const [column, row] = [Math.floor(x / (CELL + GAP)), Math.floor(y / (CELL + GAP))];
  const head = row * shape.columns + column;
  return column >= 0 && column < shape.columns && row >= 0 && head < heads ? head : null;
}

interface LayerScene extends RowProps {
  chosen: number | null;
  frame: number | null;
  palette: Palette;
  scale: Scale;
}

function paintLayer(canvas: HTMLCanvasElement, scene: LayerScene): void {
  const { layer, heads, shape, picture, chosen, frame, palette, scale } = scene;
  const context = prepare(canvas, shape.width, shape.height - ROW_GAP + 1);
  if (!context) return;
  const side = infoOf(picture, "head_gallery")?.thumb ?? 0;
  const codes = picture?.grids.thumbs?.data;
  for (let head = 0; head < heads; head += 1) {
    const x = (head % shape.columns) * (CELL + GAP);
    const y = Math.floor(head / shape.columns) * (CELL + GAP);
    context.fillStyle = palette.sunken;
    context.fillRect(x, y, CELL, CELL);
    if (codes && side > 0) {
      const data = unpackCodes(codes, (layer % CHUNK) * heads + head, side);
      const place = { x, y, width: CELL, height: CELL };
      drawMatrix(context, { data, rows: side, columns: side }, scale, palette, place);
    }
    if (head !== chosen && head !== frame) continue;
    context.strokeStyle = head === chosen ? palette.accent : palette.muted;
    context.lineWidth = head === chosen ? 2 : 1;
    context.strokeRect(x + 0.5, y + 0.5, CELL - 1, CELL - 1);
  }
}
