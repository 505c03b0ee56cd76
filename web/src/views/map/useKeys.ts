import { isHead } from "../../state/address";
import type { Board } from "../../state/board";
import { showPaths } from "../paths/state";
import { type ActionName, act, actions } from "../shared/actions";
import { openHead } from "../shared/open";
import { block, type Direction, type Layout, neighbour, type Part } from "./geometry";
import type { MapModel } from "./MapView";
import type { Cable } from "./useCable";

type Stage = { current: HTMLDivElement | null };

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};
const LETTERS: Readonly<Record<string, ActionName>> = {
  a: "ablate",
  c: "patch-here",
  C: "patch-all",
  f: "freeze-output",
  p: "freeze-pattern",
  r: "release",
};

/** The selection with a part added: with the brush on, the block from where it began. */
function grown(map: MapModel, layout: Layout, held: readonly string[], to: Part): string[] {
  const { anchor } = map.zoom.memory;
  const found =
    map.tools.brush.peek() && anchor ? block(layout, anchor, to).map((p) => p.address) : held;
  return [...found.filter((each) => each !== to.address), to.address];
}

function move(board: Board, map: MapModel, stage: Stage, direction: Direction, add: boolean) {
  const layout = map.layout.peek();
  const held = board.drawnSelection.peek();
  const last = held[held.length - 1];
  if (!layout) return;
  const from = last ? layout.byAddress.get(last) : undefined;
  const to = from ? neighbour(layout, from, direction) : layout.byAddress.get("L0H0");
  if (!to) return;
  const { memory } = map.zoom;
  if (!add) memory.anchor = to;
  else if (!memory.anchor || held.length < 2) memory.anchor = from ?? to;
  map.zoom.reveal(to);
  void board.select(add ? grown(map, layout, held, to) : [to.address]);
  requestAnimationFrame(() => {
    const button = stage.current?.querySelector<HTMLElement>(
      `[data-part="${CSS.escape(to.address)}"]`,
    );
    button?.focus({ preventScroll: true });
  });
}

function zoomBy(map: MapModel, key: string): boolean {
  if (key === "+" || key === "=") map.zoom.by(1.5);
  else if (key === "-") map.zoom.by(1 / 1.5);
  else if (key === "0") map.zoom.fit();
  else return false;
  return true;
}

/** Search, brush and table have keys of their own. */
function tool(map: MapModel, stage: Stage, key: string): boolean {
  const { brush, table } = map.tools;
  if (key === "b") brush.value = !brush.value;
  else if (key === "t") table.value = !table.value;
  else if (key === "/") {
    const section = stage.current?.closest(".map");
    section?.querySelector<HTMLElement>("[data-testid=map-search]")?.focus();
  } else return false;
  return true;
}

/** While an edge is drawn, keys choose where it ends. */
function drawing(map: MapModel, cable: Cable, key: string): boolean {
  if (!map.edges.draft.peek()) return false;
  const arrow = ARROWS[key];
  if (arrow) cable.step(arrow);
  else if (key === "Enter") cable.finish();
  else if (key === "Escape") cable.cancel();
  else return false;
  return true;
}

/** Edges from the selected part, and all of those into it or out of it. */
function edges(board: Board, cable: Cable, key: string): boolean {
  if (key === "e") cable.begin();
  else if (key === "i") showPaths(board, "into");
  else if (key === "o") showPaths(board, "from");
  else return false;
  return true;
}

/** Moves along the map, and acts on what is selected. */
export function useKeys(board: Board, map: MapModel, stage: Stage, cable: Cable) {
  return (event: KeyboardEvent) => {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey) return;
    if (drawing(map, cable, key)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const arrow = ARROWS[key];
    const letter = LETTERS[key];
    if (arrow) move(board, map, stage, arrow, event.shiftKey);
    else if (letter?.startsWith("patch") && !board.kernel.contrast.peek()) return;
    else if (letter) act(board, actions(board)[letter]);
    else if (key === "Enter") {
      const own = (event.target as HTMLElement).dataset?.part;
      if (own && !board.selection.peek().includes(own)) return;
      if (board.selection.peek().some(isHead)) openHead(stage.current);
    } else if (key === "Escape") void board.select([]);
    else if (!zoomBy(map, key) && !tool(map, stage, key) && !edges(board, cable, key)) return;
    event.preventDefault();
    event.stopPropagation();
  };
}
