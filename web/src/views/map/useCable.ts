import { canSend, comesBefore } from "../../edges/edge";
import type { Board } from "../../state/board";
import { firstReceiver, nextReceiver } from "./edges";
import { type Direction, partAt } from "./geometry";
import type { BareMap } from "./MapView";

type Stage = { current: HTMLDivElement | null };

/** Pixels that the pointer may move and still have clicked. */
const SLACK = { mouse: 5, touch: 9 };
/** Parts smaller than this on screen cannot be grasped: a drag there moves the map. */
const GRASP = 9;
/** How near to the edge of the map a cable pulls the map along, and how fast. */
const EDGE = 22;
const PULL = 9;

export interface Cable {
  down(event: PointerEvent): void;
  move(event: PointerEvent): boolean;
  up(event: PointerEvent): void;
  cancel(): void;
  /** Begins an edge by keyboard; false where nothing is selected that can send. */
  begin(): boolean;
  step(way: Direction): void;
  /** Points the edge at a part; false where it cannot receive. */
  point(address: string): boolean;
  /** Opens the choices of the edge drawn. */
  finish(): void;
}

/** Draws an edge: a drag that begins on a part, or the keyboard. */
export function useCable(board: Board, map: BareMap, stage: Stage): Cable {
  const { memory } = map.zoom;
  const { draft, open } = map.edges;
  const at = (event: PointerEvent) => {
    const box = stage.current?.getBoundingClientRect();
    return { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) };
  };
  const partUnder = (x: number, y: number) => {
    const layout = map.layout.peek();
    const zoom = map.zoom.transform.peek();
    return layout && partAt(layout, (x - zoom.x) / zoom.k, (y - zoom.y) / zoom.k, zoom.k);
  };
  const follow = (x: number, y: number) => {
    const { from = "" } = draft.peek() ?? {};
    const part = partUnder(x, y);
    const to = part && comesBefore(map.model, from, part.address) ? part.address : null;
    draft.value = { from, to, at: { x, y } };
  };
  const pull = pulling(map, stage, follow);
  const stop = () => {
    memory.cable = null;
    pull.stop();
    draft.value = null;
  };
  return {
    down(event) {
      if (!event.isPrimary) {
        if (memory.cable) stop();
        return;
      }
      memory.cable = null;
      const plain = !(event.shiftKey || event.ctrlKey || event.metaKey || event.altKey);
      if (event.button !== 0 || !plain || map.tools.brush.peek()) return;
      if (!board.kernel.live.peek() || draft.peek()) return;
      const start = at(event);
      const part = partUnder(start.x, start.y);
      if (!part || !canSend(part.address)) return;
      const { k, x } = map.zoom.transform.peek();
      // Between the heads of a layer there is ground; its name is what stands for all of them.
      if (part.kind === "attn" && (start.x - x) / k > (map.layout.peek()?.headsLeft ?? 0)) return;
      if (Math.min(part.width, part.height) * k < GRASP) return;
      memory.cable = { from: part.address, ...start };
    },
    move(event) {
      const held = memory.cable;
      if (!held) return false;
      const { x, y } = at(event);
      if (!draft.peek()) {
        const slack = event.pointerType === "touch" ? SLACK.touch : SLACK.mouse;
        if (Math.hypot(x - held.x, y - held.y) < slack) return false;
        stage.current?.setPointerCapture(event.pointerId);
        draft.value = { from: held.from, to: null, at: { x, y } };
        board.ui.hoverPart.value = null;
      }
      follow(x, y);
      pull.at(x, y);
      return true;
    },
    up() {
      if (!memory.cable) return;
      const drawn = draft.peek();
      stop();
      if (!drawn) return;
      memory.swallow = true;
      if (drawn.to) open.value = { sender: drawn.from, receiver: drawn.to };
    },
    cancel: stop,
    ...byKeyboard(board, map, stop),
  };
}

/** An edge without a drag: from what is selected to what arrows, a search or a click choose. */
function byKeyboard(board: Board, map: BareMap, stop: () => void) {
  const { draft, open } = map.edges;
  return {
    begin() {
      const parts = board.drawnSelection.peek();
      const from = parts[parts.length - 1];
      const layout = map.layout.peek();
      if (!from || !layout || !canSend(from) || !board.kernel.live.peek()) return false;
      draft.value = { from, to: firstReceiver(map.model, layout, from), at: null };
      return true;
    },
    step(way: Direction) {
      const [drawn, layout] = [draft.peek(), map.layout.peek()];
      if (!drawn || !layout) return;
      const to = nextReceiver(map.model, layout, drawn, way);
      draft.value = { ...drawn, to, at: null };
      if (to) map.zoom.reveal(layout.byAddress.get(to));
    },
    point(address: string) {
      const drawn = draft.peek();
      if (!drawn || !comesBefore(map.model, drawn.from, address)) return false;
      draft.value = { ...drawn, to: address, at: null };
      return true;
    },
    finish() {
      const drawn = draft.peek();
      if (!drawn?.to) return;
      stop();
      open.value = { sender: drawn.from, receiver: drawn.to };
    },
  };
}

/** Near its edge a zoomed map moves under the cable. */
function pulling(map: BareMap, stage: Stage, follow: (x: number, y: number) => void) {
  const place = { x: 0, y: 0 };
  let frame = 0;
  const push = (value: number, size: number) =>
    value < EDGE ? PULL : value > size - EDGE ? -PULL : 0;
  const step = () => {
    frame = 0;
    const { clientWidth: width = 0, clientHeight: height = 0 } = stage.current ?? {};
    const [dx, dy] = [push(place.x, width), push(place.y, height)];
    if (!map.edges.draft.peek() || (dx === 0 && dy === 0)) return;
    map.zoom.move(dx, dy);
    follow(place.x, place.y);
    frame = requestAnimationFrame(step);
  };
  return {
    at(x: number, y: number) {
      [place.x, place.y] = [x, y];
      if (map.zoom.transform.peek().k > 1) frame ||= requestAnimationFrame(step);
    },
    stop() {
      cancelAnimationFrame(frame);
      frame = 0;
    },
  };
}
