import type { Signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useBoard } from "../state/board";
import type { Panel } from "../state/panels";
import type { Layout } from "./layout";
import type { Side } from "./tree";

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Where a dragged panel would go, and the area that it would take. */
export interface Drop {
  target: string | null;
  side: Side | null;
  index?: number;
  box: Box;
}

const FAR_ENOUGH = 6;
const EDGE = 14;
const BORDER = 0.25;

/** A tab is pressed: once the pointer has gone far enough, the panel goes with it. */
export function startDrag(
  start: PointerEvent,
  panel: Panel,
  layout: Layout,
  drop: Signal<Drop | null>,
): void {
  const handle = start.currentTarget as HTMLElement;
  const room = handle.closest<HTMLElement>(".docks");
  if (start.button || !room) return;
  let dragging = false;
  const stop = new AbortController();
  const { signal } = stop;
  const end = () => {
    stop.abort();
    drop.value = null;
  };
  const onMove = (event: PointerEvent) => {
    const far = Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY);
    if (!dragging && far < FAR_ENOUGH) return;
    if (!dragging) handle.setPointerCapture(start.pointerId);
    dragging = true;
    drop.value = dropAt(room, event.clientX, event.clientY);
  };
  const onUp = () => {
    const found = drop.peek();
    end();
    if (!dragging) return;
    // The click that follows belongs to the drag.
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, { capture: true }));
    if (!found) return;
    if (found.side) layout.split(panel.id, found.target, found.side);
    else if (found.target) layout.join(panel.id, found.target, found.index);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !dragging) return;
    event.stopPropagation();
    end();
  };
  addEventListener("pointermove", onMove, { signal });
  addEventListener("pointerup", onUp, { signal });
  addEventListener("pointercancel", end, { signal });
  addEventListener("keydown", onKey, { signal, capture: true });
}

function swallow(event: MouseEvent): void {
  event.stopPropagation();
  event.preventDefault();
}

const within = (box: DOMRect, x: number, y: number) =>
  x >= box.left && x < box.right && y >= box.top && y < box.bottom;

function dropAt(room: HTMLElement, x: number, y: number): Drop | null {
  const whole = room.getBoundingClientRect();
  if (!within(whole, x, y)) return null;
  const outer = nearest(whole, x, y);
  if (outer.distance < EDGE) {
    return { target: null, side: outer.side, box: partOf(whole, whole, outer.side, 0.3) };
  }
  for (const dock of room.querySelectorAll<HTMLElement>("[data-group]")) {
    const box = dock.getBoundingClientRect();
    const target = dock.dataset.group ?? "";
    if (!within(box, x, y)) continue;
    const tabs = dock.querySelector("[role=tablist]");
    if (tabs && within(tabs.getBoundingClientRect(), x, y))
      return amongTabs(tabs, target, whole, x);
    const { side } = nearest(box, x, y);
    const across = (x - box.left) / box.width;
    const down = (y - box.top) / box.height;
    const inside = Math.min(across, 1 - across, down, 1 - down) > BORDER;
    if (inside) return { target, side: null, box: partOf(box, whole, null, 1) };
    return { target, side, box: partOf(box, whole, side, 0.5) };
  }
  return null;
}

function amongTabs(tabs: Element, target: string, whole: DOMRect, x: number): Drop {
  const boxes = [...tabs.children].map((tab) => tab.getBoundingClientRect());
  const found = boxes.findIndex((box) => x < box.left + box.width / 2);
  const index = found < 0 ? boxes.length : found;
  const left = boxes[index]?.left ?? boxes[boxes.length - 1]?.right ?? 0;
  const { top, height } = tabs.getBoundingClientRect();
  const box = { left: left - whole.left - 2, top: top - whole.top, width: 4, height };
  return { target, side: null, index, box };
}

function nearest(box: DOMRect, x: number, y: number): { side: Side; distance: number } {
  const distances: [Side, number][] = [
    ["left", x - box.left],
    ["right", box.right - x],
    ["above", y - box.top],
    ["below", box.bottom - y],
  ];
  const [side, distance] = distances.sort(([, a], [, b]) => a - b)[0] as [Side, number];
  return { side, distance };
}

function partOf(box: DOMRect, whole: DOMRect, side: Side | null, share: number): Box {
  const [left, top] = [box.left - whole.left, box.top - whole.top];
  const row = side === "left" || side === "right";
  const width = row ? box.width * share : box.width;
  const height = side && !row ? box.height * share : box.height;
  return {
    left: side === "right" ? left + box.width - width : left,
    top: side === "below" ? top + box.height - height : top,
    width,
    height,
  };
}

/** Shows where the dragged panel would go. */
export function DropMark({ room }: { room: RefObject<HTMLElement | null> }) {
  const { ui } = useBoard();
  const drop = ui.drop.value;
  if (!drop || !room.current) return null;
  const { left, top, width, height } = drop.box;
  const at = { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` };
  return <div class="drop-mark" style={at} />;
}
