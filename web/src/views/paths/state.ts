import { canReceive, canSend, isEdge } from "../../edges/edge";
import { edgeState } from "../../edges/state";
import type { Board } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";
import type { CablesView, PathsView, PathView, View } from "../../wire/types";
import type { Order } from "../shared/sortTable";

export type Way = PathsView["way"];

/** Wires drawn on the map unless somebody asks for more. */
export const TOP = 8;

/** The settings of the paths view, which the map shares. */
export function pathsSettings({ ui }: Board) {
  return {
    way: ui.local<Way>("paths.way", "into"),
    /** Whether the strongest are drawn on the map. */
    drawn: ui.local<boolean>("paths.drawn", false),
    top: ui.local<number>("paths.top", TOP),
    mlps: ui.local<boolean>("paths.mlps", false),
    zero: ui.local<boolean>("paths.zero", false),
    side: ui.local<Side>("paths.side", "now"),
    order: ui.local<Order>("paths.order", "size"),
  };
}

export const CABLES: CablesView = { kind: "cables" };

/** The selected part, if it has such edges. Reads signals. */
export function pathsPart(board: Board, way: Way): string | null {
  const parts = board.drawnSelection.value;
  const part = parts[parts.length - 1];
  if (part === undefined) return null;
  return (way === "into" ? canReceive(part) : canSend(part)) ? part : null;
}

/** What the kernel is asked for; null where nothing is selected that has edges. Reads signals. */
export function pathsView(board: Board): PathsView | null {
  const { way, mlps, zero } = pathsSettings(board);
  const part = pathsPart(board, way.value);
  if (part === null) return null;
  return { kind: "paths", part, way: way.value, mlps: mlps.value, zero: zero.value };
}

/** What the open choices need. Reads signals. */
export function openView(board: Board): PathView | null {
  const ends = edgeState(board.ui).open.value;
  return ends && { kind: "path", ...ends };
}

/** What the map's edges need. Reads signals. */
export function edgeViews(board: Board): View[] {
  const found: (View | null)[] = [
    pathsSettings(board).drawn.value ? pathsView(board) : null,
    openView(board),
    board.kernel.entries.value.some(({ at }) => isEdge(at)) ? CABLES : null,
  ];
  return found.filter((view) => view !== null);
}

export interface PathRow {
  edge: string;
  now: number;
  baseline: number;
  /** On the side that is shown. */
  effect: number;
  /** Its size over the sum of all sizes. */
  share: number;
}

function numbers(picture: Picture | null, name: string): ArrayLike<number> {
  return picture?.grids[name]?.data ?? [];
}

/** All edges of a picture, in the order of the model. */
export function pathRows(picture: Picture | null, side: Side): PathRow[] {
  const edges = infoOf(picture, "paths")?.edges ?? [];
  const [now, base] = [numbers(picture, "effect_now"), numbers(picture, "effect_base")];
  const rows = edges.map((edge, i) => {
    const [a, b] = [now[i] ?? Number.NaN, base[i] ?? Number.NaN];
    const effect = side === "now" ? a : side === "baseline" ? b : a - b;
    return { edge, now: a, baseline: b, effect, share: Number.NaN };
  });
  const size = (value: number) => (Number.isNaN(value) ? 0 : Math.abs(value));
  const sum = rows.reduce((total, { effect }) => total + size(effect), 0);
  if (sum > 0) for (const row of rows) row.share = Math.abs(row.effect) / sum;
  return rows;
}

/** The largest first, what is not known last; or as the model has them. */
export function ordered(rows: PathRow[], order: Order): PathRow[] {
  if (order === "model") return rows;
  const size = ({ effect }: PathRow) => (Number.isNaN(effect) ? -1 : Math.abs(effect));
  return [...rows].sort((a, b) => size(b) - size(a));
}

/** Draws who feeds the selected part, or whom it feeds; a second time takes the wires away. */
export function showPaths(board: Board, way: Way): void {
  const settings = pathsSettings(board);
  if (settings.drawn.peek() && settings.way.peek() === way) {
    settings.drawn.value = false;
    return;
  }
  settings.way.value = way;
  settings.drawn.value = true;
  const home = board.layout.groups.peek().find(({ tabs }) => tabs.some(({ id }) => id === "paths"));
  // Where the map is in the same dock, it stays in front: the wires are on it.
  if (home && home.front?.id !== "map") board.layout.open("paths");
}
