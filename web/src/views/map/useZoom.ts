import { type Signal, signal } from "@preact/signals";
import { select } from "d3-selection";
import { type D3ZoomEvent, type ZoomBehavior, zoom, zoomIdentity } from "d3-zoom";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Board } from "../../state/board";
import type { Part } from "./geometry";

export interface Zoom {
  stage: { current: HTMLDivElement | null };
  transform: Signal<{ k: number; x: number; y: number }>;
  /** The same, once it has come to rest. */
  settled: Signal<{ k: number; x: number; y: number }>;
  by(factor: number): void;
  fit(): void;
  /** Moves so that a point of the map is in the middle. */
  centre(x: number, y: number): void;
  /** Moves, if it must, so that a part is in sight. */
  reveal(part: Part | undefined): void;
  /** What brush and keyboard keep between events. */
  memory: Memory;
  /** Moves by pixels of the screen. */
  move(dx: number, dy: number): void;
}

interface Memory {
  start: { x: number; y: number } | null;
  swallow: boolean;
  anchor: Part | null;
  /** Where a press on a part began that may become an edge. */
  cable: { from: string; x: number; y: number } | null;
}

const REST_MS = 120;
const STEPS: [number, number] = [1, 48];
/** Closer than this to the edge, a part counts as out of sight. */
const EDGE = 30;

type Behaviour = ZoomBehavior<HTMLDivElement, unknown>;

/** Beside other things that scroll, the wheel zooms with Ctrl or Cmd only. */
function moves(board: Board, memory: Memory, event: MouseEvent | WheelEvent | TouchEvent): boolean {
  if (event.type === "dblclick") return false;
  if (event.type === "wheel") return board.ui.wide.peek() || event.ctrlKey || event.metaKey;
  const drawing = event.shiftKey || memory.cable !== null;
  const brushes = drawing || board.ui.local<boolean>("map.brush", false).peek();
  if ("touches" in event) return !brushes || event.touches.length > 1;
  return event.button === 1 || (!brushes && !event.button && !event.ctrlKey);
}

function zoomable(
  behaviour: Behaviour,
  start: Pick<Zoom, "stage" | "transform" | "settled" | "memory">,
): Zoom {
  const { stage, transform } = start;
  const centre = (x: number, y: number) => {
    if (stage.current) behaviour.translateTo(select(stage.current), x, y);
  };
  return {
    ...start,
    by: (factor) => {
      if (stage.current) behaviour.scaleBy(select(stage.current), factor);
    },
    fit: () => {
      if (stage.current) behaviour.transform(select(stage.current), zoomIdentity);
    },
    centre,
    reveal: (part) => {
      if (!stage.current || !part) return;
      const { k, x, y } = transform.peek();
      const [px, py] = [part.x + part.width / 2, part.y + part.height / 2];
      const [sx, sy] = [px * k + x, py * k + y];
      const { clientWidth: width, clientHeight: height } = stage.current;
      const seen = sx > EDGE && sy > EDGE && sx < width - EDGE && sy < height - EDGE;
      if (!seen) centre(px, py);
    },
    move: (dx, dy) => {
      const { k } = transform.peek();
      if (stage.current) behaviour.translateBy(select(stage.current), dx / k, dy / k);
    },
  };
}

/** Panning and zooming. */
export function useZoom(board: Board): Zoom {
  const stage = useRef<HTMLDivElement>(null);
  const state = useMemo(() => {
    const transform = signal({ k: 1, x: 0, y: 0 });
    const settled = signal(transform.peek());
    const memory: Memory = { start: null, swallow: false, anchor: null, cable: null };
    let rest: ReturnType<typeof setTimeout>;
    const behaviour: Behaviour = zoom<HTMLDivElement, unknown>()
      .scaleExtent(STEPS)
      .clickDistance(4)
      .filter((event: MouseEvent | WheelEvent | TouchEvent) => moves(board, memory, event))
      .on("zoom", ({ transform: t }: D3ZoomEvent<HTMLDivElement, unknown>) => {
        transform.value = { k: t.k, x: t.x, y: t.y };
        clearTimeout(rest);
        rest = setTimeout(() => {
          settled.value = transform.peek();
        }, REST_MS);
      });
    return { zoom: zoomable(behaviour, { stage, transform, settled, memory }), behaviour };
  }, [board]);
  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    const { behaviour } = state;
    behaviour.extent(() => [
      [0, 0],
      [element.clientWidth, element.clientHeight],
    ]);
    const limit = () =>
      behaviour.translateExtent([
        [0, 0],
        [element.clientWidth, element.clientHeight],
      ]);
    const observer = new ResizeObserver(limit);
    observer.observe(element);
    limit();
    select(element).call(behaviour);
    return () => {
      observer.disconnect();
      select(element).on(".zoom", null);
    };
  }, [state]);
  return state.zoom;
}
