import { useEffect } from "preact/hooks";
import { isHead } from "../../state/address";
import type { Board } from "../../state/board";
import type { Target } from "../../state/ui";
import { openHead } from "../shared/open";
import { partAt } from "./geometry";
import type { MapModel } from "./MapView";
import type { Brush } from "./useBrush";
import type { Cable } from "./useCable";

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

/** The edge pointed at: parts that are more than the ground of their layer come first. */
function wireOf(event: MouseEvent, map: MapModel, stage: Stage, part: string | null) {
  const box = stage.current?.getBoundingClientRect();
  const layout = map.layout.peek();
  if (!box || !layout || map.edges.draft.peek()) return null;
  const covers = part !== null && !part.endsWith(".attn") && !layout.compact;
  return covers ? null : map.edges.at(event.clientX - box.left, event.clientY - box.top);
}

export function usePointer(
  board: Board,
  map: MapModel,
  stage: Stage,
  { brush, cable }: { brush: Brush; cable: Cable },
) {
  const { ui } = board;
  useDropping(board, map, stage);
  const { edges } = map;
  const point = (part: string | null, edge: string | null) => {
    if (ui.hoverPart.peek() !== part) ui.hoverPart.value = part;
    if (edges.hover.peek() !== edge) edges.hover.value = edge;
  };
  return {
    onPointerDown(event: PointerEvent) {
      edges.open.value = null;
      brush.down(event);
      cable.down(event);
    },
    onPointerUp(event: PointerEvent) {
      brush.up(event);
      cable.up(event);
    },
    onPointerCancel(event: PointerEvent) {
      brush.up(event);
      cable.cancel();
    },
    onPointerMove(event: PointerEvent) {
      brush.move(event);
      if (cable.move(event)) return;
      const part = event.buttons ? null : partOf(event, map, stage);
      const wire = event.buttons ? null : wireOf(event, map, stage, part);
      point(wire ? null : part, wire?.edge.address ?? null);
      const idle = map.tools.brush.peek() || event.shiftKey ? "crosshair" : "grab";
      if (stage.current) stage.current.style.cursor = part || wire ? "pointer" : idle;
    },
    onPointerLeave() {
      point(null, null);
    },
    /** The middle button moves the map, and does not scroll the page. */
    onMouseDown(event: MouseEvent) {
      if (event.button === 1) event.preventDefault();
    },
    onClick(event: MouseEvent) {
      if (brush.swallow()) return;
      const address = partOf(event, map, stage);
      const wire = event.detail === 0 ? null : wireOf(event, map, stage, address);
      if (wire) {
        edges.open.value = { sender: wire.edge.sender, receiver: wire.edge.receiver };
        return;
      }
      if (address && cable.point(address)) {
        cable.finish();
        return;
      }
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
      point(null, null);
    },
  };
}
