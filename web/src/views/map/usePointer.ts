import { useEffect } from "preact/hooks";
import { isHead } from "../../state/address";
import type { Board } from "../../state/board";
import type { Target } from "../../state/ui";
import { openHead } from "../shared/open";
import { partAt } from "./geometry";
import type { MapModel } from "./MapView";
import type { Brush } from "./useBrush";

type Stage = { current: HTMLDivElement | null };

/** The part that an event is about: the one focused for the keyboard's, else the one pointed at. */
function partOf(event: MouseEvent, map: MapModel, stage: Stage): string | null {
  const own = (event.target as HTMLElement).dataset?.part;
  if (own && event.detail === 0) return own;
  const layout = map.layout.peek();
  const box = stage.current?.getBoundingClientRect();
  if (!layout || !box) return null;
  const { k, x, y } = map.zoom.transform.peek();
  const [px, py] = [(event.clientX - box.left - x) / k, (event.clientY - box.top - y) / k];
  return partAt(layout, px, py, k)?.address ?? own ?? null;
}

/** Lets a token be dropped on a part. */
function useDropping(board: Board, map: MapModel, stage: Stage): void {
  const { ui } = board;
  useEffect(() => {
    const find = (clientX: number, clientY: number): Target | null => {
      const layout = map.layout.peek();
      const place = stage.current;
      if (!layout || !place?.contains(document.elementFromPoint(clientX, clientY))) return null;
      const box = place.getBoundingClientRect();
      const { k, x, y } = map.zoom.transform.peek();
      const part = partAt(layout, (clientX - box.left - x) / k, (clientY - box.top - y) / k, k);
      if (!part) return null;
      const [left, top] = [box.left + x + part.x * k, box.top + y + part.y * k];
      return {
        address: part.address,
        box: { left, top, width: part.width * k, height: part.height * k },
      };
    };
    ui.partUnder = find;
    return () => {
      if (ui.partUnder === find) ui.partUnder = () => null;
    };
  }, [ui, map, stage]);
}

export function usePointer(board: Board, map: MapModel, stage: Stage, brush: Brush) {
  const { ui } = board;
  useDropping(board, map, stage);
  return {
    onPointerDown: brush.down,
    onPointerUp: brush.up,
    onPointerCancel: brush.up,
    onPointerMove(event: PointerEvent) {
      brush.move(event);
      const found = event.buttons ? null : partOf(event, map, stage);
      if (ui.hoverPart.peek() !== found) ui.hoverPart.value = found;
      const idle = map.tools.brush.peek() || event.shiftKey ? "crosshair" : "grab";
      if (stage.current) stage.current.style.cursor = found ? "pointer" : idle;
    },
    onPointerLeave() {
      ui.hoverPart.value = null;
    },
    onClick(event: MouseEvent) {
      if (brush.swallow()) return;
      const address = partOf(event, map, stage);
      if (!address) return;
      const held = board.selection.peek();
      const others = held.filter((each) => each !== address);
      if (!event.shiftKey) void board.select([address]);
      else void board.select(others.length < held.length ? others : [...held, address]);
    },
    onDblClick(event: MouseEvent) {
      const address = partOf(event, map, stage);
      if (address && isHead(address)) openHead(stage.current);
      else if (!address) map.zoom.fit();
    },
    onFocusIn(event: FocusEvent) {
      const address = (event.target as HTMLElement).dataset?.part;
      if (address && (event.target as HTMLElement).matches(":focus-visible")) {
        ui.hoverPart.value = address;
      }
    },
    onFocusOut() {
      ui.hoverPart.value = null;
    },
  };
}
