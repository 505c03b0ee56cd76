import { useComputed, useSignalEffect } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { prepare } from "../../draw/canvas";
import { percent } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { useDrawing } from "../../draw/useDrawing";
import { marksOf } from "../../state/address";
import { type Board, useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { ModelInfo } from "../../wire/types";
import { showToken } from "../shared/token";
import { useSize } from "../shared/useSize";
import { classesOf } from "./classes";
import { DraftBar, EdgeTip } from "./EdgeBars";
import { EdgeLayer } from "./EdgeLayer";
import { EdgePopover } from "./EdgePopover";
import { GroupBar } from "./GroupBar";
import { LINES_FROM, layOut, pitchOf } from "./geometry";
import { Legend } from "./Legend";
import { MapTable } from "./MapTable";
import { MapToolbar, ZoomButtons } from "./MapToolbar";
import { Minimap } from "./Minimap";
import { ofWeights } from "./measures";
import { Overlay } from "./Overlay";
import { paintMap, type Scene } from "./scene";
import { Tooltip } from "./Tooltip";
import { mapTools } from "./tools";
import { useBrush } from "./useBrush";
import { type Cable, useCable } from "./useCable";
import { useEdges } from "./useEdges";
import { useKeys } from "./useKeys";
import { usePointer } from "./usePointer";
import { useZoom } from "./useZoom";
import { mapValues } from "./values";

const ANSWERS = 3;
/** Classes in a few letters, for cells. */
const SHORT = {
  induction: "ind",
  previous: "prev",
  duplicate: "dup",
  copying: "copy",
  current: "self",
  first: "first",
} as const;

/** Signals of all that the map shows. */
function usePlace(board: Board, model: ModelInfo, size: ReturnType<typeof useSize>["size"]) {
  const zoom = useZoom(board);
  const detail = useComputed(() => zoom.transform.value.k);
  const compact = useComputed(() => pitchOf(model, size.value.height) * detail.value < LINES_FROM);
  const fit = (zoomed: number) => {
    const { width, height } = size.value;
    return width < 40 || height < 40 ? null : layOut(model, width, height, zoomed);
  };
  // Two drawings, with lines and without; each is made once for a size.
  const drawings = [useComputed(() => fit(1e9)), useComputed(() => fit(0))] as const;
  const layout = useComputed(() => drawings[compact.value ? 1 : 0].value);
  return { zoom, layout, model };
}

export type MapPlace = ReturnType<typeof usePlace>;

function useMap(board: Board, place: MapPlace) {
  const { layout, model } = place;
  const values = useComputed(() =>
    mapValues(
      board.kernel.picture(board.mapView.value).value,
      model.n_heads,
      { side: board.ui.mapSide.value, measure: board.ui.measure.value },
      PALETTES[board.ui.theme.value],
    ),
  );
  const marks = useComputed(() => marksOf(board.kernel.entries.value));
  const classes = useComputed(() => board.kernel.picture({ kind: "classes" }).value);
  const tools = useMemo(
    () => mapTools(board, model, { layout, values, marks }),
    [board, model, layout, values, marks],
  );
  useSignalEffect(() => {
    const wanted = tools.isClass.value || tools.table.value || ofWeights(board.ui.measure.value);
    if (wanted) tools.classes.value = true;
  });
  const edges = useEdges(board, place);
  return { ...place, values, marks, classes, tools, edges };
}

/** The map without what a person draws on it. */
export type BareMap = ReturnType<typeof useMap>;

export interface MapModel extends BareMap {
  cable: Cable;
}

function useSceneParts(board: Board, map: BareMap) {
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
  const matches = useComputed(
    () => map.tools.found.value?.matches.map(({ address }) => address) ?? [],
  );
  const facts = useComputed(() => {
    const classes = map.classes.value;
    return (index: number) => {
      const [best] = classesOf(classes, index);
      return best ? `${SHORT[best[0]]} ${best[1].toFixed(2)}` : "";
    };
  });
  return { answers, tokens, matches, facts };
}

/** Paints once for each frame of the screen, however much has changed. */
function usePaint(board: Board, model: ModelInfo, map: BareMap) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const parts = useSceneParts(board, map);
  const look = (): Omit<Scene, "context"> | null => {
    const layout = map.layout.value;
    return (
      layout && {
        model,
        layout,
        heads: model.n_heads,
        values: map.values.value,
        palette: PALETTES[board.ui.theme.value],
        zoom: map.zoom.transform.value,
        marks: map.marks.value,
        faint: map.tools.faint.value,
        matches: parts.matches.value,
        facts: parts.facts.value,
        selection: board.drawnSelection.value,
        hover: board.ui.hoverPart.value,
        tokens: parts.tokens.value,
        answers: parts.answers.value,
      }
    );
  };
  useDrawing(look, (scene) => {
    if (!canvas.current || !scene) return;
    const context = prepare(canvas.current, scene.layout.width, scene.layout.height);
    if (context) paintMap({ ...scene, context });
  });
  return canvas;
}

export function MapView({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const { ref, size } = useSize();
  const bare = useMap(board, usePlace(board, model, size));
  const canvas = usePaint(board, model, bare);
  const stage = bare.zoom.stage;
  const map: MapModel = { ...bare, cable: useCable(board, bare, stage) };
  const brush = useBrush(board, map, stage);
  const pointer = usePointer(board, map, stage, { brush, cable: map.cable });
  const keys = useKeys(board, map, stage, map.cable);
  const table = map.tools.table.value;
  return (
    <section class="map" data-testid="map" aria-label="Map of the model">
      <MapToolbar map={map} />
      <div class="map-place" ref={ref}>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the parts inside are the buttons */}
        <div
          class="map-stage"
          ref={stage}
          data-brush={map.tools.brush.value}
          {...pointer}
          onKeyDown={keys}
        >
          <canvas ref={canvas} class="map-canvas" data-testid="map-canvas" />
          <EdgeLayer map={map} />
          {!table && <Overlay map={map} />}
        </div>
        <ZoomButtons zoom={map.zoom} />
        <Minimap map={map} />
        <BandBox map={map} />
        {table ? <MapTable map={map} /> : <Tooltip map={map} />}
        <EdgeTip map={map} />
        <GroupBar map={map} />
        <DraftBar map={map} />
      </div>
      <Legend map={map} />
      <EdgePopover map={map} />
    </section>
  );
}

/** The rectangle being drawn. */
function BandBox({ map }: { map: MapModel }) {
  const band = map.tools.band.value;
  if (!band) return null;
  const { x, y, width, height } = band;
  const style = { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` };
  return <div class="map-band" style={style} />;
}
