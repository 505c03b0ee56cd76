import { useLayoutEffect, useRef } from "preact/hooks";
import { parseEdge } from "../../edges/edge";
import type { Ends } from "../../edges/state";
import { partName } from "../../state/address";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { Entry } from "../../wire/types";
import { ProblemNote } from "../shared/Problem";
import { useHeld } from "../shared/useHeld";
import { ChoiceTable } from "./EdgeChoices";
import { edgeBox } from "./edges";
import type { MapModel } from "./MapView";

const SIZE = { width: 336, height: 250 };
const GAP = 12;
/** A map narrower than this has no room beside a part: the legend's is taken. */
const NARROW = 520;

const isNarrow = (map: MapModel) => (map.layout.value?.width ?? NARROW) < NARROW;

/** Beside the receiver, within the map; or over the legend. */
function placeOf(map: MapModel, receiver: string) {
  const layout = map.layout.value;
  const box = layout && edgeBox(layout, map.zoom.transform.value, receiver);
  if (isNarrow(map)) return { left: "6px", right: "6px", bottom: "6px" };
  const place = map.zoom.stage.current?.parentElement?.offsetTop ?? 0;
  const size = { width: `${SIZE.width}px` };
  if (!layout || !box) return { ...size, left: "8px", top: `${place + 8}px` };
  const { width, height } = layout;
  const right = box.x + box.width + GAP;
  const left = box.x - SIZE.width - GAP;
  const across =
    right + SIZE.width < width - 4 ? right : left > 4 ? left : (width - SIZE.width) / 2;
  const beside = across === right || across === left;
  const down = beside ? box.y - 30 : box.y + box.height + 26;
  const top = Math.max(6, Math.min(down, height - SIZE.height));
  return { ...size, left: `${Math.max(4, across)}px`, top: `${place + top}px` };
}

/** What can be done to the paths from one part to another, each with its exact effect. */
export function EdgePopover({ map }: { map: MapModel }) {
  const ends = map.edges.open.value;
  return ends && <Open key={`${ends.sender} ${ends.receiver}`} map={map} ends={ends} />;
}

function Open({ map, ends }: { map: MapModel; ends: Ends }) {
  const board = useBoard();
  const { sender, receiver } = ends;
  const arrived = board.kernel.picture({ kind: "path", sender, receiver }).value;
  const { picture, stale } = useHeld(arrived);
  const info = infoOf(picture, "path");
  const box = useRef<HTMLDialogElement>(null);
  const close = () => {
    map.edges.open.value = null;
  };
  useLayoutEffect(() => {
    const stage = map.zoom.stage.current;
    return () => {
      if (!box.current?.contains(document.activeElement)) return;
      const part = stage?.querySelector<HTMLElement>(`[data-part="${CSS.escape(sender)}"]`);
      part?.focus({ preventScroll: true });
    };
  }, [map.zoom.stage, sender]);
  const ready = info !== null;
  useLayoutEffect(() => {
    if (ready) box.current?.querySelector<HTMLElement>("[data-choice]")?.focus();
    else box.current?.focus();
  }, [ready]);
  return (
    <dialog
      open
      ref={box}
      class="edge-popover"
      data-testid="edge-popover"
      data-no-picture
      data-stale={stale}
      tabIndex={-1}
      aria-label={`Paths from ${sender} to ${receiver}`}
      data-narrow={isNarrow(map)}
      style={placeOf(map, receiver)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") close();
      }}
    >
      <header>
        <h2 title={`${partName(sender)} → ${partName(receiver)}`}>
          <code>{sender}</code> → <code>{receiver}</code>
        </h2>
        <span class="grow" />
        <button type="button" class="icon" aria-label="Close" onClick={close}>
          ×
        </button>
      </header>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {!picture && <p class="empty">Waiting for the model.</p>}
      {picture && info && <ChoiceTable picture={picture} info={info} />}
      {info?.no_patch && (
        <p class="edge-note" data-testid="edge-no-patch">
          <b>Zero only.</b> {info.no_patch} {info.hint}
        </p>
      )}
      {info && !info.metric && <p class="edge-note">Name a target to see what each does.</p>}
      <Lines ends={ends} />
    </dialog>
  );
}

/** What is done to these paths already. */
function Lines({ ends }: { ends: Ends }) {
  const board = useBoard();
  const lines = board.kernel.entries.value.filter(({ at }) => {
    const edge = parseEdge(at);
    return edge?.sender === ends.sender && edge.receiver === ends.receiver;
  });
  if (lines.length === 0) return null;
  return (
    <ul class="entries" aria-label="Done to these paths">
      {lines.map((line) => (
        <Line key={line.id} line={line} />
      ))}
    </ul>
  );
}

function Line({ line: { id, on, text } }: { line: Entry }) {
  const board = useBoard();
  return (
    <li class="entry" data-on={on}>
      <button
        type="button"
        class="switch"
        role="switch"
        aria-checked={on}
        aria-label={`${text}: ${on ? "on" : "off"}`}
        data-testid={`edge-toggle-${id}`}
        onClick={() => board.carryOut({ verb: "toggle", entry: id })}
      >
        <span />
      </button>
      <span class="entry-text">{text}</span>
      <button
        type="button"
        class="icon"
        aria-label={`Remove: ${text}`}
        data-testid={`edge-remove-${id}`}
        onClick={() => board.carryOut({ verb: "remove", entry: id })}
      >
        ×
      </button>
    </li>
  );
}
