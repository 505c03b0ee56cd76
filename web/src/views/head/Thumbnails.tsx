import { useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { signedScale, unsignedScale } from "../../draw/colour";
import { drawThumbnail } from "../../draw/heatmap";
import { PALETTES } from "../../draw/theme";
import { type HeadPlace, headAddress, type Marks, marksOf, marksText } from "../../state/address";
import { useBoard } from "../../state/board";
import type { Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";
import type { ModelInfo } from "../../wire/types";
import { Glyph } from "../shared/Glyph";

const SIZE = 48;
const SMALL = 34;
const MANY = 8;

function thumbnail(picture: Picture, head: number, side: Side) {
  const now = picture.grids.thumbs_now;
  const base = picture.grids.thumbs_base;
  if (!now || !base) return null;
  const size = now.shape[1] ?? 0;
  const from = head * size * size;
  const own = (side === "baseline" ? base : now).data.subarray(from, from + size * size);
  if (side !== "difference") return { data: own, rows: size, columns: size };
  const other = base.data.subarray(from, from + size * size);
  const data = Float32Array.from(own, (value, i) => value - (other[i] ?? 0));
  return { data, rows: size, columns: size };
}

/** All heads of the layer, small; a click shows one. */
export function Thumbnails({ place, model }: { place: HeadPlace; model: ModelInfo }) {
  const board = useBoard();
  const { layer } = place;
  const held = useRef<Picture | null>(null);
  const arrived = board.kernel.picture({ kind: "head", ...place }).value;
  const before = held.current;
  const same = before?.view.kind === "head" && before.view.layer === layer;
  const picture = arrived ?? (same ? before : null);
  useLayoutEffect(() => {
    held.current = picture;
  }, [picture]);
  const marks = marksOf(board.kernel.entries.value);
  const heads = Array.from({ length: model.n_heads }, (_, head) => head);
  return (
    <fieldset class="thumbs" aria-label={`Heads of layer ${layer}`}>
      {heads.map((head) => (
        <Thumbnail
          key={head}
          picture={picture}
          place={{ layer, head }}
          size={model.n_heads > MANY ? SMALL : SIZE}
          selected={head === place.head}
          marks={marks.get(headAddress({ layer, head }))}
        />
      ))}
    </fieldset>
  );
}

interface Props {
  picture: Picture | null;
  place: HeadPlace;
  size: number;
  selected: boolean;
  marks: Marks | undefined;
}

function Thumbnail({ picture, place, size, selected, marks }: Props) {
  const board = useBoard();
  const { ui } = board;
  const canvas = useRef<HTMLCanvasElement>(null);
  const address = headAddress(place);
  const paint = () => {
    const palette = PALETTES[ui.theme.value];
    const side = ui.headSide.value;
    const matrix = picture && thumbnail(picture, place.head, side);
    if (!canvas.current || !matrix) return;
    const scale =
      side === "difference" ? signedScale(palette, 128) : unsignedScale(palette.attention, 255);
    drawThumbnail(canvas.current, matrix, scale, palette, size);
  };
  useLayoutEffect(paint, [picture, size]);
  useSignalEffect(paint);
  const state = marksText(marks);
  return (
    <button
      type="button"
      class="thumb"
      data-testid={`thumb-${place.head}`}
      aria-pressed={selected}
      aria-label={`${address}${state ? `, ${state}` : ""}`}
      title={`${address}${state ? `: ${state}` : ""}`}
      onClick={() => void board.select([address])}
      onPointerEnter={() => {
        ui.hoverPart.value = address;
      }}
      onPointerLeave={() => {
        ui.hoverPart.value = null;
      }}
    >
      <span class="thumb-picture" data-ablated={marks?.ablated ?? false}>
        <canvas ref={canvas} style={{ width: `${size}px`, height: `${size}px` }} />
      </span>
      <span class="thumb-label">
        H{place.head}
        {marks?.frozen && <Glyph name="frozen" />}
        {marks?.pattern && <Glyph name="pattern" />}
        {marks?.factor && <span>{marks.factor}</span>}
      </span>
    </button>
  );
}
