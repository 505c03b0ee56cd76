import { useRef } from "preact/hooks";
import { useBoard } from "../../state/board";
import type { TokenDrag } from "../../state/ui";

/** The token under the pointer while it is dragged, and the part that it would patch. */
export function DragGhost() {
  const drag = useBoard().ui.drag.value;
  const layer = useRef<HTMLDivElement>(null);
  return (
    <div class="drag-layer" ref={layer} aria-hidden="true">
      {drag && layer.current && <Ghost drag={drag} room={layer.current.getBoundingClientRect()} />}
    </div>
  );
}

function Ghost({ drag, room }: { drag: TokenDrag; room: DOMRect }) {
  const { text, at, over } = drag;
  const [x, y] = [drag.x - room.left, drag.y - room.top];
  return (
    <>
      {over && (
        <div
          class="drop-part"
          style={{
            left: `${over.box.left - room.left}px`,
            top: `${over.box.top - room.top}px`,
            width: `${over.box.width}px`,
            height: `${over.box.height}px`,
          }}
        />
      )}
      <div
        class="drag-ghost"
        data-testid="drag-ghost"
        data-over={over !== null}
        data-left={x > room.width * 0.7}
        style={{ left: `${x}px`, top: `${y}px` }}
      >
        <code>{text}</code> {over ? `patch ${over.address}@${at}` : "onto a part of the map"}
      </div>
    </>
  );
}
