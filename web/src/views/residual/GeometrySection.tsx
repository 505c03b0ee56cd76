import { largest, type Scale, signedScale, unsignedScale } from "../../draw/colour";
import { compact, format, signed } from "../../draw/number";
import { PALETTES, type Palette } from "../../draw/theme";
import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import { placeName, rowOf, streamPlace } from "../../state/stream";
import type { ModelInfo, StreamInfo, StreamView } from "../../wire/types";
import { GridCanvas } from "../shared/GridCanvas";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { floats } from "../shared/sides";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";
import { DirectionSelect } from "./DirectionSelect";
import { onSide, upsideDown } from "./lens";
import { residualState, streamView } from "./state";

const WHAT = [
  { value: "norms", label: "Norms" },
  { value: "projection", label: "Projection" },
  { value: "layers", label: "Cosine of layers" },
  { value: "positions", label: "Cosine of positions" },
] as const;

/** Lengths, projections and cosines of residuals. */
export function GeometrySection({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const state = residualState(board);
  const { picture, stale } = useHeld(board.kernel.picture(streamView(board, model)).value);
  const info = infoOf(picture, "stream");
  // The picture before this one may be of another kind.
  const what = picture?.view.kind === "stream" ? picture.view.what : state.what.value;
  return (
    <>
      <div class="row">
        <Segmented label="What to measure" name="geometry" options={WHAT} value={state.what} />
        {state.what.value === "projection" && <DirectionSelect model={model} />}
      </div>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {info && (
        <div data-stale={stale}>
          <StreamGrid picture={picture} info={info} what={what} model={model} />
        </div>
      )}
    </>
  );
}

interface Props {
  picture: Picture | null;
  info: StreamInfo;
  what: StreamView["what"];
  model: ModelInfo;
}

const MEANINGS = {
  norms: "length of the residual, log scale",
  projection: "projection of the residual",
  layers: "cosine between the stream at two layers, at this position",
  positions: "cosine between the stream at two positions, at this layer",
} as const;
const UNITS = { logits: "logits", share: "share", length: "length" } as const;

/** Lengths grow from layer to layer: their colours are those of their logarithms. */
function lengths(data: Float32Array, palette: Palette) {
  const logs = data.map(Math.log10);
  const known = logs.filter(Number.isFinite);
  const [low, high] = known.reduce(
    ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  const domain = known.length ? ([low, Math.max(high, low + 1e-6)] as const) : ([0, 1] as const);
  const scale: Scale = { domain, table: unsignedScale(palette.norm, 1).table, signed: false };
  return { data: logs, scale, ends: domain.map((end) => compact(10 ** end)) };
}

function useValues({ picture, what }: Pick<Props, "picture" | "what">) {
  const board = useBoard();
  const side = residualState(board).side.value;
  const [now, base] = [floats(picture, "values_now"), floats(picture, "values_base")];
  const data = onSide(now, base, side, "top");
  const palette = PALETTES[board.ui.theme.value];
  const cosine = what === "layers" || what === "positions";
  if (what === "norms" && side !== "difference")
    return { now, base, side, ...lengths(data, palette) };
  const isSigned = side === "difference" || what !== "norms";
  const most = cosine && side !== "difference" ? 1 : Math.max(1e-6, largest(data));
  const scale = isSigned ? signedScale(palette, most) : unsignedScale(palette.norm, most);
  const ends = scale.signed
    ? scale.domain.map((end) => signed(end))
    : ["0", compact(scale.domain[1])];
  return { now, base, data, scale, side, ends };
}

function StreamGrid({ picture, info, what, model }: Props) {
  const board = useBoard();
  const { now, base, data, scale, side, ends } = useValues({ picture, what });
  const tokens = board.kernel.tokens.value.map((token) => showToken(token.text));
  const places = info.places.map(placeName);
  const place = streamPlace(board.selection.value, model);
  const row = rowOf(place, info.places);
  const position = board.position.value;
  const onPositions = what === "positions";
  // Layers go upwards, as on the map; positions go down, as in a pattern.
  const rowNames = onPositions ? tokens : [...places].reverse();
  const columnNames = what === "layers" ? places : tokens;
  const count = columnNames.length;
  const up = (r: number) => (onPositions ? r : rowNames.length - 1 - r);
  const marked = row < 0 ? null : row;
  const columnMark = what === "layers" ? marked : position;
  const pick = (r: number, c: number) => {
    if (onPositions) void board.select([...board.selection.peek()], c);
    else if (what === "layers") void board.select([info.places[c] ?? place]);
    else void board.select([info.places[up(r)] ?? place], c);
  };
  const unit = what === "projection" ? ` (${UNITS[info.unit]})` : "";
  const note = `${MEANINGS[what]}${unit}${side === "difference" ? ", now minus baseline" : ""}`;
  return (
    <GridCanvas
      name="stream-grid"
      label={MEANINGS[what]}
      rowNames={rowNames}
      columnNames={columnNames}
      data={onPositions ? data : upsideDown(data, count)}
      scale={scale}
      legend={[ends[0] ?? "", ends[1] ?? "", note]}
      left={onPositions ? 66 : 58}
      selected={{
        row: onPositions ? position : marked === null ? null : up(marked),
        column: columnMark,
      }}
      pick={pick}
      describe={(r, c) => {
        const at = up(r) * count + c;
        return (
          <>
            <span>
              <code>{onPositions ? rowNames[r] : info.places[up(r)]}</code>
              {onPositions && <sub>{r}</sub>}{" "}
              {what === "norms" || what === "projection" ? "at" : "and"}{" "}
              <code>{what === "layers" ? info.places[c] : columnNames[c]}</code>
              {what !== "layers" && <sub>{c}</sub>}
            </span>
            <span class="readout-value">
              {format(base[at], 4)} <span class="arrow">→</span> <b>{format(now[at], 4)}</b>
            </span>
          </>
        );
      }}
    />
  );
}
