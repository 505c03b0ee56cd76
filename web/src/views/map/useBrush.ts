import type { Board } from "../../state/board";
import { partsIn } from "./geometry";
import type { MapModel } from "./MapView";

/** Pixels that the pointer may move and still have clicked. */
const SLACK = 4;

export interface Brush {
  down(event: PointerEvent): void;
  move(event: PointerEvent): void;
  up(event: PointerEvent): void;
  /** Whether the click that comes now ended a rectangle, and is none. */
  swallow(): boolean;
}

/** Selects what lies in a rectangle: Shift and drag, or drag where the brush is on. */
export function useBrush(
  board: Board,
  map: MapModel,
  stage: { current: HTMLDivElement | null },
): Brush {
  const { band, brush } = map.tools;
  const held = map.zoom.memory;
  const at = (event: PointerEvent) => {
    const box = stage.current?.getBoundingClientRect();
    return { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) };
  };
  return {
    down(event) {
      held.swallow = false;
      held.start = null;
      if (event.button !== 0 || !event.isPrimary) return;
      if (event.shiftKey || brush.peek()) held.start = at(event);
    },
    move(event) {
      const { start } = held;
      if (!start) return;
      const { x, y } = at(event);
      const box = {
        x: Math.min(x, start.x),
        y: Math.min(y, start.y),
        width: Math.abs(x - start.x),
        height: Math.abs(y - start.y),
      };
      if (!band.peek() && Math.hypot(box.width, box.height) < SLACK) return;
      stage.current?.setPointerCapture(event.pointerId);
      band.value = box;
    },
    up(event) {
      const box = band.peek();
      held.start = null;
      band.value = null;
      const layout = map.layout.peek();
      if (!box || !layout) return;
      held.swallow = true;
      const { k, x, y } = map.zoom.transform.peek();
      const place = {
        x: (box.x - x) / k,
        y: (box.y - y) / k,
        width: box.width / k,
        height: box.height / k,
      };
      const found = partsIn(layout, place).map(({ address }) => address);
      const before = event.ctrlKey || event.metaKey ? board.selection.peek() : [];
      void board.select([...new Set([...before, ...found])]);
    },
    swallow() {
      const { swallow } = held;
      held.swallow = false;
      return swallow;
    },
  };
}
