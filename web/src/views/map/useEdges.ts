import { useComputed } from "@preact/signals";
import { PALETTES } from "../../draw/theme";
import { nearest } from "../../edges/curve";
import { edgeState } from "../../edges/state";
import { kindsOf, type Wire } from "../../edges/wire";
import type { Board } from "../../state/board";
import { infoOf } from "../../state/kernel";
import { drawnRows } from "../circuit/state";
import { CABLES, pathRows, pathsSettings, pathsView } from "../paths/state";
import { circuitWires, type Drawn, mapWires, type Scaled } from "./edges";
import type { MapPlace } from "./MapView";

/** Pixels from which an edge is pointed at: fewer where there is no ground between the cells. */
const SLACK = { open: 6, compact: 2.5 };

/** The edges on the map: those changed, and the strongest paths where they are asked for. */
export function useEdges(board: Board, { layout, zoom }: MapPlace) {
  const state = edgeState(board.ui);
  const drawn = useComputed<Drawn | null>(() => {
    const { drawn: on, side, top } = pathsSettings(board);
    const view = on.value ? pathsView(board) : null;
    if (!view) return null;
    const picture = board.kernel.picture(view).value;
    return { rows: pathRows(picture, side.value), top: top.value };
  });
  const circuit = useComputed(() => drawnRows(board));
  const alone = useComputed(() => {
    const picture = board.kernel.picture(CABLES).value;
    const ids = infoOf(picture, "cables")?.entries ?? [];
    const effects = picture?.grids.alone_base?.data;
    return new Map(ids.map((id, i) => [id, effects?.[i] ?? Number.NaN]));
  });
  const wires = useComputed<readonly Wire[]>(() => {
    const place = layout.value;
    if (!place) return [];
    const where = { layout: place, zoom: zoom.transform.value };
    const palette = PALETTES[board.ui.theme.value];
    const cables = mapWires(
      where,
      board.kernel.entries.value,
      (id) => alone.value.get(id) ?? Number.NaN,
      drawn.value,
      palette,
    );
    return [...circuitWires(where, circuit.value, palette), ...cables];
  });
  return {
    ...state,
    /** What kinds of edges there are, as one text: the same for as long as they are the same. */
    kinds: useComputed(() => {
      const rows = circuit.value;
      const pruned = rows.some((row) => row.pruned) ? " pruned" : "";
      const second = rows.some((row) => row.share === "second") ? " second" : "";
      return kindsOf(wires.value) + pruned + second;
    }),
    /** What the scale of the legend is of: paths, or else the circuit. */
    scaled: useComputed<Scaled | null>(() => {
      const rows = circuit.value;
      return drawn.value ?? (rows.length > 0 ? { rows, top: rows.length } : null);
    }),
    drawn,
    circuit,
    wires,
    /** The edge at a point of the stage. */
    at(x: number, y: number): Wire | null {
      const slack = layout.peek()?.compact ? SLACK.compact : SLACK.open;
      return nearest(wires.peek(), x, y, slack);
    },
  };
}

export type MapEdges = ReturnType<typeof useEdges>;
