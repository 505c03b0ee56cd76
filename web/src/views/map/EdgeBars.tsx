import { signed } from "../../draw/number";
import { inputLabel } from "../../edges/edge";
import { useBoard } from "../../state/board";
import type { MapModel } from "./MapView";

/** What an edge being drawn is, and how to go on. */
export function DraftBar({ map }: { map: MapModel }) {
  const draft = map.edges.draft.value;
  if (!draft) return null;
  const { from, to, at } = draft;
  return (
    <section class="group-bar draft-bar" aria-label="An edge" data-no-picture>
      <span role="status" data-testid="draft-text">
        <code>{from}</code> → {to ? <code>{to}</code> : "a later head, MLP or the logits"}
      </span>
      {at === null && (
        <>
          <span class="faint">
            <kbd>← → ↑ ↓</kbd> <kbd>/</kbd> or a click choose
          </span>
          <button
            type="button"
            class="action"
            data-testid="draft-open"
            disabled={!to}
            onClick={() => map.cable.finish()}
          >
            Open <kbd>Enter</kbd>
          </button>
          <button type="button" class="icon" aria-label="Cancel" onClick={() => map.cable.cancel()}>
            ×
          </button>
        </>
      )}
    </section>
  );
}

const WIDTH = 230;

/** The exact numbers of the edge pointed at. */
export function EdgeTip({ map }: { map: MapModel }) {
  const board = useBoard();
  const address = map.edges.hover.value;
  const layout = map.layout.value;
  const found = address ? map.edges.wires.value.filter((w) => w.edge.address === address) : [];
  const [first] = found;
  if (!first || !layout || map.edges.open.value) return null;
  const { curve, edge } = first;
  const x = (curve.from[0] + curve.to[0]) / 2;
  const y = Math.max(8, Math.min(layout.height - 100, (curve.from[1] + curve.to[1]) / 2 - 40));
  const left = x + 26 + WIDTH < layout.width ? x + 26 : Math.max(4, x - WIDTH - 26);
  const row = map.edges.drawn.value?.rows.find((each) => each.edge === address);
  const scored = map.edges.circuit.value.find((each) => each.edge === address);
  const lines = found.filter(({ entry }) => entry !== null);
  const text = (id: number | null) => board.kernel.entries.value.find((e) => e.id === id);
  return (
    <div
      class="tooltip"
      role="presentation"
      data-testid="edge-tip"
      data-no-picture
      style={{ left: `${left}px`, top: `${y}px`, width: `${WIDTH}px` }}
    >
      <div class="tooltip-title">
        <code>{edge.address}</code>
      </div>
      <div class="tooltip-name">
        {inputLabel(edge) ? `into ${inputLabel(edge)}, ` : ""}
        {edge.mlps ? "also through MLPs in between" : "the direct path"}
      </div>
      <dl class="tooltip-numbers">
        {row && (
          <>
            <dt>path</dt>
            <dd>
              {signed(row.baseline, 4)} <span class="arrow">→</span> <b>{signed(row.now, 4)}</b>
            </dd>
          </>
        )}
        {scored && (
          <>
            <dt>score{scored.pruned ? " (pruned)" : ""}</dt>
            <dd>
              <b>{signed(scored.effect, 4)}</b>
            </dd>
          </>
        )}
        {lines.map(({ entry, effect }) => (
          <Line key={entry} text={text(entry)?.text} on={text(entry)?.on} effect={effect} />
        ))}
      </dl>
    </div>
  );
}

interface LineProps {
  text: string | undefined;
  on: boolean | undefined;
  effect: number;
}

function Line({ text = "", on = false, effect }: LineProps) {
  return (
    <>
      <dt>
        {text.split(" ")[0]} alone{on ? "" : " (off)"}
      </dt>
      <dd>
        <b>{signed(effect, 4)}</b>
      </dd>
    </>
  );
}
