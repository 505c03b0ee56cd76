import { useComputed, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { prepare } from "../../draw/canvas";
import { percent } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { marksOf } from "../../state/address";
import { type Board, useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { ModelInfo } from "../../wire/types";
import { showToken } from "../shared/token";
import { useSize } from "../shared/useSize";
import { LINES_FROM, layOut } from "./geometry";
import { Legend } from "./Legend";
import { MapToolbar, ZoomButtons } from "./MapToolbar";
import { Overlay } from "./Overlay";
import { paintMap } from "./scene";
import { Tooltip } from "./Tooltip";
import { useKeys } from "./useKeys";
import { usePointer } from "./usePointer";
import { useZoom } from "./useZoom";
import { mapValues } from "./values";

const ANSWERS = 3;

/** Signals of all that the map shows. */
function useMap(board: Board, model: ModelInfo, size: ReturnType<typeof useSize>["size"]) {
  const zoom = useZoom(board);
  const detail = useComputed(() => zoom.transform.value.k);
  const layout = useComputed(() => {
    const { width, height } = size.value;
    if (width < 40 || height < 40) return null;
    // Two drawings: with lines and without. Only the border between them matters.
    const pitch = layOut(model, width, height, 1e9).pitch;
    return layOut(model, width, height, pitch * detail.value < LINES_FROM ? 0 : 1e9);
  });
  const values = useComputed(() =>
    mapValues(
      board.kernel.picture(board.mapView.value).value,
      model.n_heads,
      { side: board.ui.mapSide.value, measure: board.ui.measure.value },
      PALETTES[board.ui.theme.value],
    ),
  );
  const marks = useComputed(() => marksOf(board.kernel.entries.value));
  return { zoom, layout, values, marks };
}

export type MapModel = ReturnType<typeof useMap>;

function usePaint(board: Board, model: ModelInfo, map: MapModel) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const answers = useComputed(() => {
    const logits = infoOf(board.kernel.picture(board.logitsView.value).value, "logits");
    return (logits?.rows ?? []).slice(0, ANSWERS).map((row) => ({
      text: showToken(row.text),
      share: percent(row.prob_now),
    }));
  });
  const tokens = useComputed(() =>
    board.kernel.tokens.value.map((token) => ({
      text: showToken(token.text),
      here: token.index === board.position.value,
    })),
  );
  useSignalEffect(() => {
    const layout = map.layout.value;
    if (!layout || !canvas.current) return;
    const scene = {
      model,
      layout,
      heads: model.n_heads,
      values: map.values.value,
      palette: PALETTES[board.ui.theme.value],
      zoom: map.zoom.transform.value,
      marks: map.marks.value,
      selection: board.drawnSelection.value,
      hover: board.ui.hoverPart.value,
      tokens: tokens.value,
      answers: answers.value,
    };
    const context = prepare(canvas.current, layout.width, layout.height);
    if (context) paintMap({ ...scene, context });
  });
  return canvas;
}

export function MapView({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const { ref, size } = useSize();
  const map = useMap(board, model, size);
  const canvas = usePaint(board, model, map);
  const stage = map.zoom.stage;
  const pointer = usePointer(board, map, stage);
  const keys = useKeys(board, map, stage);
  return (
    <section class="map" data-testid="map" aria-label="Map of the model">
      <MapToolbar />
      <div class="map-place" ref={ref}>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the parts inside are the buttons */}
        <div class="map-stage" ref={stage} {...pointer} onKeyDown={keys}>
          <canvas ref={canvas} class="map-canvas" data-testid="map-canvas" />
          <Overlay map={map} />
        </div>
        <ZoomButtons zoom={map.zoom} />
        <Tooltip map={map} />
      </div>
      <Legend map={map} />
    </section>
  );
}
