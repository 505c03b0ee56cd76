import { type Signal, signal } from "@preact/signals";
import { select } from "d3-selection";
import { type D3ZoomEvent, zoom, zoomIdentity } from "d3-zoom";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Board } from "../../state/board";

export interface Zoom {
  stage: { current: HTMLDivElement | null };
  transform: Signal<{ k: number; x: number; y: number }>;
  /** The same, once it has come to rest. */
  settled: Signal<{ k: number; x: number; y: number }>;
  by(factor: number): void;
  fit(): void;
}

const REST_MS = 120;
const STEPS: [number, number] = [1, 48];

/** Panning and zooming. Beside other things that scroll, the wheel zooms with Ctrl or Cmd only. */
export function useZoom(board: Board): Zoom {
  const stage = useRef<HTMLDivElement>(null);
  const state = useMemo(() => {
    const transform = signal({ k: 1, x: 0, y: 0 });
    const settled = signal(transform.peek());
    let rest: ReturnType<typeof setTimeout>;
    const behaviour = zoom<HTMLDivElement, unknown>()
      .scaleExtent(STEPS)
      .clickDistance(4)
      .filter((event: MouseEvent | WheelEvent) => {
        if (event.type === "dblclick") return false;
        if (event.type === "wheel") return board.ui.wide.peek() || event.ctrlKey || event.metaKey;
        return !event.button && !event.ctrlKey;
      })
      .on("zoom", ({ transform: t }: D3ZoomEvent<HTMLDivElement, unknown>) => {
        transform.value = { k: t.k, x: t.x, y: t.y };
        clearTimeout(rest);
        rest = setTimeout(() => {
          settled.value = transform.peek();
        }, REST_MS);
      });
    const zoomable = {
      stage,
      transform,
      settled,
      by: (factor: number) => {
        if (stage.current) behaviour.scaleBy(select(stage.current), factor);
      },
      fit: () => {
        if (stage.current) behaviour.transform(select(stage.current), zoomIdentity);
      },
    };
    return { zoomable, behaviour };
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
  return state.zoomable;
}
