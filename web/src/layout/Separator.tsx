import { useRef } from "preact/hooks";
import { useBoard } from "../state/board";
import type { Shown, ShownSplit } from "./layout";

const STEP = 24;
const BIG_STEP = 96;
const LEAST = { row: 150, column: 56 };

const KEYS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowUp: -1,
  ArrowDown: 1,
};

function titleOf(shown: Shown): string {
  if (!("parts" in shown)) return shown.front?.title ?? "Selection";
  return shown.parts.map((part) => titleOf(part.shown)).join(", ");
}

/** Between two docks: moves by pointer and by arrow keys. */
export function Separator({ split, place }: { split: ShownSplit; place: number }) {
  const { layout } = useBoard();
  const own = useRef<HTMLDivElement>(null);
  const { row } = split;
  /** The lengths of all cells now, in CSS pixels. */
  const lengths = () =>
    [...(own.current?.parentElement?.children ?? [])]
      .filter((each) => each.classList.contains("cell"))
      .map((cell) => (row ? cell.clientWidth : cell.clientHeight));
  const move = (from: readonly number[], by: number) => {
    const [before, after] = [from[place - 1] ?? 0, from[place] ?? 0];
    const least = Math.min(row ? LEAST.row : LEAST.column, before, after);
    const moved = Math.max(least - before, Math.min(by, after - least));
    layout.resize(split.id, sharesOf(split, place, from, moved));
  };
  const share = split.parts[place - 1]?.size ?? 0;
  const both = share + (split.parts[place]?.size ?? 0);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule between texts cannot be moved
    <div
      ref={own}
      class="separator"
      role="separator"
      tabIndex={0}
      data-testid={`separator-${split.id}-${place}`}
      aria-orientation={row ? "vertical" : "horizontal"}
      aria-label={`Resize ${split.parts
        .slice(place - 1, place + 1)
        .map((part) => titleOf(part.shown))
        .join(" and ")}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round((100 * share) / (both || 1))}
      title="Drag, or use the arrow keys"
      onKeyDown={(event) => {
        const way = KEYS[event.key];
        if (!way || event.key.match(row ? /Up|Down/ : /Left|Right/)) return;
        move(lengths(), way * (event.shiftKey ? BIG_STEP : STEP));
        event.preventDefault();
        event.stopPropagation();
      }}
      onPointerDown={(event) => {
        if (event.button || !own.current) return;
        drag(own.current, event, row, move.bind(null, lengths()));
      }}
    />
  );
}

/** Calls back with how far the pointer has gone, until it is let go. */
function drag(
  element: HTMLElement,
  start: PointerEvent,
  row: boolean,
  moved: (by: number) => void,
): void {
  start.preventDefault();
  element.focus({ preventScroll: true });
  element.setPointerCapture(start.pointerId);
  element.dataset.moving = "true";
  const at = (event: PointerEvent) => (row ? event.clientX : event.clientY);
  const onMove = (event: PointerEvent) => moved(at(event) - at(start));
  const onEnd = () => {
    delete element.dataset.moving;
    element.removeEventListener("pointermove", onMove);
  };
  element.addEventListener("pointermove", onMove);
  element.addEventListener("lostpointercapture", onEnd, { once: true });
}

/** Shares that keep every cell as long as it is, but for the two beside the separator. */
export function sharesOf(
  split: ShownSplit,
  place: number,
  lengths: readonly number[],
  moved: number,
): Map<number, number> {
  const touched = (i: number) => i === place || i === place - 1;
  const sized = split.parts.map((part, i) => ({ part, i, px: lengths[i] ?? 0 }));
  const flexible = sized.filter(({ part, i }) => part.size > 0 || touched(i));
  const room = flexible.reduce((sum, { px }) => sum + px, 0) || 1;
  const total = flexible.reduce((sum, { part }) => sum + part.size, 0) || 1;
  const found = new Map<number, number>();
  for (const { part, i, px } of flexible) {
    const now = px + (i === place - 1 ? moved : i === place ? -moved : 0);
    found.set(part.index, (Math.max(now, 1) * total) / room);
  }
  return found;
}
