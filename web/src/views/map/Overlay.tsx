import { useComputed, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { format, signed } from "../../draw/number";
import { marksText, partName } from "../../state/address";
import { useBoard } from "../../state/board";
import type { Layout, Part } from "./geometry";
import type { MapModel } from "./MapView";

/** Buttons in the page at most. */
const MOST = 700;

/**
 * The parts that get a button: all in sight, or only the current one where they are too many. The
 * current one moves with the arrow keys; the table lists them all.
 */
function shown(layout: Layout, zoom: { k: number; x: number; y: number }, current: string | null) {
  const { k, x, y } = zoom;
  const inSight = layout.parts.filter(
    (part) =>
      part.x * k + x < layout.width &&
      part.y * k + y < layout.height &&
      (part.x + part.width) * k + x > 0 &&
      (part.y + part.height) * k + y > 0,
  );
  if (inSight.length <= MOST) return inSight;
  const own = layout.byAddress.get(current ?? "L0H0");
  return own ? [own] : [];
}

/** Real buttons over the drawn parts: for the keyboard, screen readers and tests. */
export function Overlay({ map }: { map: MapModel }) {
  const board = useBoard();
  const current = useComputed(
    () => board.drawnSelection.value[board.drawnSelection.value.length - 1] ?? null,
  );
  const parts = useComputed(() => {
    const layout = map.layout.value;
    if (!layout || layout.parts.length <= MOST) return layout?.parts ?? [];
    return shown(layout, map.zoom.settled.value, current.value);
  });
  const place = useRef<HTMLDivElement>(null);
  useSignalEffect(() => {
    const { k, x, y } = map.zoom.transform.value;
    if (place.current) place.current.style.transform = `translate(${x}px, ${y}px) scale(${k})`;
  });
  const selected = new Set(board.drawnSelection.value);
  const first = current.value ?? parts.value.find((part) => part.kind === "head")?.address;
  return (
    <div class="map-parts" ref={place}>
      {parts.value.map((part) => (
        <PartButton
          key={part.address}
          part={part}
          map={map}
          selected={selected.has(part.address)}
          current={part.address === first}
        />
      ))}
    </div>
  );
}

interface PartProps {
  part: Part;
  map: MapModel;
  selected: boolean;
  current: boolean;
}

function PartButton({ part, map, selected, current }: PartProps) {
  const values = map.values.value;
  const now = values.at(part, "now");
  const numbers = Number.isNaN(now)
    ? ""
    : `: now ${signed(now, 3)}, baseline ${format(values.at(part, "baseline"), 3)}`;
  const state = marksText(map.marks.value.get(part.address));
  const text = `${part.address}, ${partName(part.address)}${numbers}${state ? `; ${state}` : ""}`;
  return (
    <button
      type="button"
      class="map-part"
      data-testid={`part-${part.address}`}
      data-part={part.address}
      aria-label={text}
      aria-pressed={selected}
      tabIndex={current ? 0 : -1}
      style={{
        left: `${part.x}px`,
        top: `${part.y}px`,
        width: `${part.width}px`,
        height: `${part.height}px`,
      }}
    />
  );
}
