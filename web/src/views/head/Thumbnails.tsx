import { useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { signedScale, unsignedScale } from "../../draw/colour";
import { drawThumbnail } from "../../draw/heatmap";
import { PALETTES } from "../../draw/theme";
import { type HeadPlace, headAddress, type Marks, marksOf, marksText } from "../../state/address";
import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";
import type { HeadView, ModelInfo } from "../../wire/types";
import { Glyph } from "../shared/Glyph";
import { unpackCodes } from "./weights";

const SIZE = 48;
const SMALL = 34;
const MANY = 8;

const MOST = 254;

function thumbnail(picture: Picture, head: number, side: Side) {
  const info = infoOf(picture, "head");
  const now = picture.grids.thumbs_now;
  if (!info || !now) return null;
  const base = picture.grids.thumbs_base ?? now;
  const size = info.thumb;
  const own = unpackCodes((side === "baseline" ? base : now).data, head, size);
  if (side === "difference") {
    const other = unpackCodes(base.data, head, size);
    own.forEach((value, i) => {
      own[i] = value - (other[i] ?? 0);
    });
  }
  return { data: own, rows: size, columns: size };
}

/** All heads of the layer, small; a click shows one. */
export function Thumbnails({ place, view, model }: LayerProps) {
  const board = useBoard();
  const { layer } = place;
  const held = useRef<Picture | null>(null);
  const arrived = board.kernel.picture(view).value;
  const before = held.current;
  const same = before?.view.kind === "head" && before.view.layer === layer;
  const picture = arrived ?? (same ? before : null);
  useLayoutEffect(() => {
    held.current = picture;
  }, [picture]);
  const marks = marksOf(board.kernel.entries.value);
  const heads = Array.from({ length: model.n_heads }, (_, head) => head);
  const shared = sharers(place.head, model);
  return (
    <div>
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
      {shared.length > 0 && (
        <p class="faint thumbs-note" data-testid="shared-kv">
          H{place.head} shares its keys and values with {shared.map((h) => `H${h}`).join(", ")}.
        </p>
      )}
    </div>
  );
}

/** The other heads that read the same keys and values (grouped-query attention). */
export function sharers(head: number, model: Pick<ModelInfo, "n_heads" | "n_kv_heads">): number[] {
  const group = model.n_heads / model.n_kv_heads;
  const first = Math.floor(head / group) * group;
  return Array.from({ length: group }, (_, i) => first + i).filter((other) => other !== head);
}

interface LayerProps {
  place: HeadPlace;
  view: HeadView;
  model: ModelInfo;
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
      side === "difference"
        ? signedScale(palette, MOST / 2)
        : unsignedScale(palette.attention, MOST);
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
