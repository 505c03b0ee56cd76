import { isHead } from "../../state/address";
import type { Board } from "../../state/board";
import { type ActionName, act, actions } from "../shared/actions";
import { openHead } from "../shared/open";
import { type Direction, neighbour } from "./geometry";
import type { MapModel } from "./MapView";

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};
const LETTERS: Readonly<Record<string, ActionName>> = {
  a: "ablate",
  f: "freeze-output",
  p: "freeze-pattern",
  r: "release",
};

/** Moves along the map, and acts on what is selected. */
export function useKeys(board: Board, map: MapModel, stage: { current: HTMLDivElement | null }) {
  const move = (direction: Direction, add: boolean) => {
    const layout = map.layout.peek();
    const held = board.drawnSelection.peek();
    const last = held[held.length - 1];
    if (!layout) return;
    const from = last ? layout.byAddress.get(last) : undefined;
    const to = from ? neighbour(layout, from, direction) : layout.byAddress.get("L0H0");
    if (!to) return;
    void board.select(
      add ? [...held.filter((each) => each !== to.address), to.address] : [to.address],
    );
    requestAnimationFrame(() => {
      const button = stage.current?.querySelector<HTMLElement>(
        `[data-part="${CSS.escape(to.address)}"]`,
      );
      button?.focus({ preventScroll: true });
    });
  };
  return (event: KeyboardEvent) => {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey) return;
    const arrow = ARROWS[key];
    const letter = LETTERS[key];
    if (arrow) move(arrow, event.shiftKey);
    else if (letter) act(board, actions(board)[letter]);
    else if (key === "Enter") {
      const own = (event.target as HTMLElement).dataset?.part;
      if (own && !board.selection.peek().includes(own)) return;
      if (board.selection.peek().some(isHead)) openHead(stage.current);
    } else if (key === "+" || key === "=") map.zoom.by(1.5);
    else if (key === "-") map.zoom.by(1 / 1.5);
    else if (key === "0") map.zoom.fit();
    else if (key === "Escape") void board.select([]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}
