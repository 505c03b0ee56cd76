import { useComputed, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Board } from "../../state/board";
import type { MapModel } from "./MapView";
import { rowsOf, type Sort, sorted, type TableRow } from "./table";

/** The height of a row in pixels; the style sheet says the same. */
export const ROW = 24;

/** The table's rows, where it is scrolled to, and how the keyboard moves along it. */
export function useTable(board: Board, map: MapModel) {
  const sort = useSignal<Sort>({ by: "part", down: false });
  const top = useSignal(0);
  const tall = useSignal(400);
  const here = useSignal(0);
  const box = useRef<HTMLDivElement>(null);
  const rows = useComputed(() => sorted(rowsOf(map, board.ui.measure.value, true), sort.value));
  const measure = () => {
    top.value = box.current?.scrollTop ?? 0;
    tall.value = box.current?.clientHeight ?? 400;
  };
  useLayoutEffect(measure, []);
  const goTo = (index: number) => {
    here.value = Math.max(0, Math.min(rows.peek().length - 1, index));
    const place = box.current;
    if (!place) return;
    const y = here.peek() * ROW;
    if (y < place.scrollTop) place.scrollTop = y;
    const bottom = y + 3 * ROW - place.clientHeight;
    if (bottom > place.scrollTop) place.scrollTop = bottom;
    measure();
    requestAnimationFrame(() =>
      place.querySelector<HTMLElement>("tr[tabindex='0']")?.focus({ preventScroll: true }),
    );
  };
  const choose = (row: TableRow | undefined, add: boolean) => {
    if (!row?.selectable) return;
    const held = board.selection.peek();
    const others = held.filter((each) => each !== row.part);
    if (!add) void board.select([row.part]);
    else void board.select(others.length < held.length ? others : [...held, row.part]);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(tall.peek() / ROW) - 2);
    const steps: Record<string, number> = {
      ArrowDown: here.peek() + 1,
      ArrowUp: here.peek() - 1,
      PageDown: here.peek() + page,
      PageUp: here.peek() - page,
      Home: 0,
      End: rows.peek().length - 1,
    };
    const onRow = (event.target as HTMLElement).matches("tr");
    if (onRow && event.key in steps) goTo(steps[event.key] as number);
    else if (onRow && (event.key === "Enter" || event.key === " ")) {
      choose(rows.peek()[here.peek()], event.shiftKey);
    } else if (event.key === "Escape" || event.key === "t") map.tools.table.value = false;
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return { rows, sort, top, tall, here, box, choose, onKeyDown, onScroll: measure };
}
