import { useRef } from "preact/hooks";
import { useBoard } from "../state/board";
import type { Panel } from "../state/panels";
import type { ModelInfo } from "../wire/types";
import { Slot } from "./hosts";
import type { Float } from "./layout";

const STEP = 24;
const LEAST = { width: 220, height: 140 };
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const clamp = (value: number, least: number, most: number) =>
  Math.max(least, Math.min(value, Math.max(least, most)));

/** A floating panel moved, or with `size` resized, within the room for docks. */
function moved(
  from: Float,
  [x, y]: readonly [number, number],
  size: boolean,
  room: Element | null | undefined,
): Float {
  const [width, height] = [room?.clientWidth ?? 0, room?.clientHeight ?? 0];
  if (!size) {
    const [left, top] = [clamp(from.x + x, 0, width - 80), clamp(from.y + y, 0, height - 40)];
    return { ...from, x: left, y: top };
  }
  return {
    ...from,
    width: clamp(from.width + x, LEAST.width, width - from.x),
    height: clamp(from.height + y, LEAST.height, height - from.y),
  };
}

/** A panel over the board: moved by its title, by pointer or arrows; with Shift, resized. */
export function FloatBox({ float, model }: { float: Float; model: ModelInfo }) {
  const { layout } = useBoard();
  const box = useRef<HTMLElement>(null);
  const panel = layout.panel(float.id);
  if (!panel || !layout.isVisible(float.id)) return null;
  const move = (by: readonly [number, number], size: boolean) =>
    layout.putFloat(moved(float, by, size, box.current?.parentElement));
  const drag = (start: PointerEvent, size: boolean) => {
    const handle = start.currentTarget as HTMLElement;
    if (start.button || (start.target as Element).closest(".plain, .icon")) return;
    handle.setPointerCapture(start.pointerId);
    // Each step counts from where the drag began.
    const onMove = ({ clientX, clientY }: PointerEvent) =>
      move([clientX - start.clientX, clientY - start.clientY], size);
    handle.addEventListener("pointermove", onMove);
    const stop = () => handle.removeEventListener("pointermove", onMove);
    handle.addEventListener("lostpointercapture", stop, { once: true });
  };
  return (
    <section
      ref={box}
      class="float"
      data-testid={`float-${float.id}`}
      aria-label={panel.title}
      style={{
        left: `min(${float.x}px, calc(100% - 80px))`,
        top: `min(${float.y}px, calc(100% - 40px))`,
        width: `min(${float.width}px, 100%)`,
        height: `min(${float.height}px, 100%)`,
      }}
    >
      <FloatHead panel={panel} drag={(event) => drag(event, false)} move={move} />
      <Slot panel={panel} model={model} />
      <div class="float-corner" role="presentation" onPointerDown={(event) => drag(event, true)} />
    </section>
  );
}

interface HeadProps {
  panel: Panel;
  drag: (event: PointerEvent) => void;
  move: (by: readonly [number, number], size: boolean) => void;
}

function FloatHead({ panel, drag, move }: HeadProps) {
  const { layout } = useBoard();
  const { id, title } = panel;
  return (
    <header class="float-head" onPointerDown={drag}>
      <button
        type="button"
        class="float-title"
        title="Arrow keys move it, with Shift they resize it"
        onKeyDown={(event) => {
          const way = ARROWS[event.key];
          if (!way) return;
          move([way[0] * STEP, way[1] * STEP], event.shiftKey);
          event.preventDefault();
          event.stopPropagation();
        }}
      >
        {title}
      </button>
      <span class="grow" />
      <button
        type="button"
        class="plain"
        data-testid={`dock-float-${id}`}
        onClick={() => layout.dock(id)}
      >
        Dock
      </button>
      <button
        type="button"
        class="icon"
        aria-label={`Close ${title}`}
        onClick={() => layout.close(id)}
      >
        ×
      </button>
    </header>
  );
}
